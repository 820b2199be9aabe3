//! Readings of a cell: the types and formats that it fits.

use migr_plan::ColumnType;
use migr_transform::trimmed;

/// A set of readings, one bit each.
pub(crate) type Mask = u64;

/// One way to read a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) ty: ColumnType,
    pub(crate) format: Option<&'static str>,
}

const UUID: u32 = 0;
const BOOLEAN: u32 = 1;
const INTEGER: u32 = 2;
const DECIMAL: u32 = 3;
const EMAIL: u32 = 4;
const URL: u32 = 5;
const CURRENCY: u32 = 6;
const PHONE: u32 = 7;
const JSON: u32 = 8;
const DATES: u32 = 9;

/// Date formats with and without a time of day, in the order of their bits from [`DATES`] on. Two of them that read the same cells cannot be told apart.
const FORMATS: [(ColumnType, &str); 25] = {
    const DATE: ColumnType = ColumnType::Date;
    const TIME: ColumnType = ColumnType::Datetime;
    [
        (DATE, "%Y-%m-%d"),
        (TIME, "%Y-%m-%d %H:%M"),
        (TIME, "%Y-%m-%d %H:%M:%S"),
        (TIME, "%Y-%m-%d %I:%M %p"),
        (TIME, "%Y-%m-%d %I:%M:%S %p"),
        (DATE, "%m/%d/%Y"),
        (TIME, "%m/%d/%Y %H:%M"),
        (TIME, "%m/%d/%Y %H:%M:%S"),
        (TIME, "%m/%d/%Y %I:%M %p"),
        (TIME, "%m/%d/%Y %I:%M:%S %p"),
        (DATE, "%d/%m/%Y"),
        (TIME, "%d/%m/%Y %H:%M"),
        (TIME, "%d/%m/%Y %H:%M:%S"),
        (TIME, "%d/%m/%Y %I:%M %p"),
        (TIME, "%d/%m/%Y %I:%M:%S %p"),
        (DATE, "%d.%m.%Y"),
        (TIME, "%d.%m.%Y %H:%M"),
        (TIME, "%d.%m.%Y %H:%M:%S"),
        (TIME, "%d.%m.%Y %I:%M %p"),
        (TIME, "%d.%m.%Y %I:%M:%S %p"),
        (DATE, "%Y/%m/%d"),
        (TIME, "%Y/%m/%d %H:%M"),
        (TIME, "%Y/%m/%d %H:%M:%S"),
        (TIME, "%Y/%m/%d %I:%M %p"),
        (TIME, "%Y/%m/%d %I:%M:%S %p"),
    ]
};

/// Number of readings.
pub(crate) const READINGS: u32 = DATES + 26;
/// `2024-05-01T10:00:00Z`
const TIMESTAMP: u32 = DATES + 25;

/// Readings, narrowest first: the first that holds for every cell is the type.
pub(crate) fn narrowest_first() -> impl Iterator<Item = u32> {
    [UUID, BOOLEAN, INTEGER, DECIMAL].into_iter().chain(DATES..READINGS).chain([EMAIL, URL, CURRENCY, PHONE, JSON])
}

/// Reading of a bit.
pub(crate) fn reading(bit: u32) -> Reading {
    let ty = match bit {
        UUID => ColumnType::Uuid,
        BOOLEAN => ColumnType::Boolean,
        INTEGER => ColumnType::Integer,
        DECIMAL => ColumnType::Number,
        EMAIL => ColumnType::Email,
        URL => ColumnType::Url,
        CURRENCY => ColumnType::Currency,
        PHONE => ColumnType::Phone,
        JSON => ColumnType::Json,
        TIMESTAMP => return Reading { ty: ColumnType::Datetime, format: None },
        _ => {
            let at = usize::try_from(bit - DATES).unwrap_or(usize::MAX);
            return FORMATS.get(at).map_or(Reading { ty: ColumnType::Text, format: None }, |(ty, format)| Reading {
                ty: *ty,
                format: Some(format),
            });
        }
    };
    Reading { ty, format: None }
}

/// True where a number would lose the cell's leading zero.
pub(crate) fn has_leading_zero(cell: &str) -> bool {
    let cell = trimmed(cell);
    cell.starts_with('0') && cell.len() > 1 && cell.bytes().all(|byte| byte.is_ascii_digit())
}

/// Everything that a filled cell can be read as.
pub(crate) fn readings(cell: &str) -> Mask {
    let cell = trimmed(cell);
    let Some(first) = cell.bytes().next() else { return 0 };
    if matches!(first, b'{' | b'[') {
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(cell).is_ok();
        return if is_json { 1 << JSON } else { 0 };
    }
    if cell.len() > 320 || !cell.is_ascii() {
        return if is_url(cell) { 1 << URL } else { currency_mask(cell) };
    }
    let mut mask = 0;
    let signs = Signs::of(cell);
    if signs.digits == 0 {
        if cell.len() <= 5
            && ["true", "false", "yes", "no", "y", "n", "on", "off"].iter().any(|word| cell.eq_ignore_ascii_case(word))
        {
            return 1 << BOOLEAN;
        }
    } else {
        if signs.are(Signs::OF_DECIMAL) {
            let number = cell.strip_prefix(['-', '+']).unwrap_or(cell);
            if is_decimal(number) {
                mask |= 1 << DECIMAL;
                if !number.contains('.') && number.len() <= 18 {
                    mask |= 1 << INTEGER;
                }
            }
        }
        let dates = if first.is_ascii_digit() { date_mask(cell) } else { 0 };
        mask |= dates;
        if signs.are(Signs::OF_AMOUNT) {
            mask |= currency_mask(cell);
        }
        if dates == 0 && is_phone(cell, signs.digits) {
            mask |= 1 << PHONE;
        }
        if is_uuid(cell) {
            mask |= 1 << UUID;
        }
    }
    if signs.has(Signs::AT) && is_email(cell) {
        mask |= 1 << EMAIL;
    }
    if matches!(first, b'h' | b'H') && is_url(cell) {
        mask |= 1 << URL;
    }
    mask
}

/// Kinds of the signs in a cell of ASCII: what most readings are ruled out by.
struct Signs {
    kinds: u8,
    digits: usize,
}

impl Signs {
    const DIGIT: u8 = 1;
    const PLUS: u8 = 2;
    const POINT_OR_MINUS: u8 = 4;
    /// A sign of an amount beside digits, points and minus: `,`, `$`, a blank.
    const AMOUNT: u8 = 8;
    const AT: u8 = 16;
    const OTHER: u8 = 32;
    const OF_DECIMAL: u8 = Self::DIGIT | Self::PLUS | Self::POINT_OR_MINUS;
    const OF_AMOUNT: u8 = Self::DIGIT | Self::POINT_OR_MINUS | Self::AMOUNT;

    fn of(cell: &str) -> Self {
        let (mut kinds, mut digits) = (0, 0);
        for byte in cell.bytes() {
            let kind = KINDS.get(usize::from(byte)).copied().unwrap_or(Self::OTHER);
            kinds |= kind;
            digits += usize::from(kind & Self::DIGIT);
        }
        Self { kinds, digits }
    }

    fn has(&self, kinds: u8) -> bool {
        self.kinds & kinds != 0
    }

    /// True where all signs are of these kinds.
    fn are(&self, kinds: u8) -> bool {
        self.kinds & !kinds == 0
    }
}

/// Kind of each byte.
#[expect(
    clippy::indexing_slicing,
    reason = "the loop ends at the table's length, and a constant has no other way to fill one"
)]
const KINDS: [u8; 256] = {
    let mut kinds = [Signs::OTHER; 256];
    let mut at: u8 = 0;
    while at < 128 {
        kinds[at as usize] = match at {
            b'0'..=b'9' => Signs::DIGIT,
            b'+' => Signs::PLUS,
            b'.' | b'-' => Signs::POINT_OR_MINUS,
            b',' | b'$' | b' ' | b'\t'..=b'\r' => Signs::AMOUNT,
            b'@' => Signs::AT,
            _ => Signs::OTHER,
        };
        at += 1;
    }
    kinds
};

fn is_decimal(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction)
}

fn currency_mask(cell: &str) -> Mask {
    let may_stand = |byte: u8| byte.is_ascii_digit() || matches!(byte, b',' | b'.' | b'-' | b'$' | b' ' | 9..=13);
    // Most cells hold something that no amount does.
    if !cell.bytes().all(|byte| may_stand(byte) || !byte.is_ascii()) {
        return 0;
    }
    let symbol = |character: char| matches!(character, '$' | '€' | '£' | '¥');
    let cell = cell.strip_prefix('-').unwrap_or(cell);
    let amount = cell.trim_start_matches(symbol).trim_end_matches(symbol).trim();
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, "0"));
    let mut groups = whole.split(',');
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_grouped = match (groups.next(), whole.contains(',')) {
        (Some(first), true) => {
            first.len() <= 3 && is_digits(first) && groups.all(|group| group.len() == 3 && is_digits(group))
        }
        (Some(first), false) => is_digits(first),
        (None, _) => false,
    };
    if is_grouped && is_digits(fraction) { 1 << CURRENCY } else { 0 }
}

fn is_phone(cell: &str, digits: usize) -> bool {
    if !(7..=20).contains(&digits) {
        return false;
    }
    let mut before = 0;
    for byte in cell.bytes() {
        match byte {
            b'0'..=b'9' => before += 1,
            b'+' | b'(' | b')' | b'-' | b'.' | b' ' | b'/' => {}
            // Signs behind it are an extension.
            b'x' | b'X' => break,
            _ => return false,
        }
    }
    before >= 7
}

fn is_uuid(cell: &str) -> bool {
    cell.len() == 36
        && cell.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_email(cell: &str) -> bool {
    let Some((local, domain)) = cell.rsplit_once('@') else { return false };
    !local.is_empty()
        && !cell.contains(|character: char| character.is_whitespace() || matches!(character, ',' | ';' | '<' | '>'))
        && !local.contains('@')
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
}

fn is_url(cell: &str) -> bool {
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        let start = cell.get(..scheme.len())?;
        if start.eq_ignore_ascii_case(scheme) { cell.get(scheme.len()..) } else { None }
    });
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
}

/// The date formats that read the cell, calendar included: `02/30/2022` is no date.
fn date_mask(cell: &str) -> Mask {
    if !(8..=35).contains(&cell.len()) {
        return 0;
    }
    let mut numbers = [0_i16; 3];
    let mut separators = [0_u8; 2];
    let mut rest = cell;
    for at in 0..3 {
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        let Some(number) = rest.get(..length).filter(|_| (1..=4).contains(&length)).and_then(|text| text.parse().ok())
        else {
            return 0;
        };
        if let Some(slot) = numbers.get_mut(at) {
            *slot = number;
        }
        rest = rest.get(length..).unwrap_or_default();
        if let Some(slot) = separators.get_mut(at) {
            let Some(separator) = rest.bytes().next() else { return 0 };
            *slot = separator;
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    let [a, b, c] = numbers;
    let is_date = |year: i16, month: i16, day: i16| {
        let part = |number: i16| i8::try_from(number).ok();
        year >= 1000
            && part(month).zip(part(day)).is_some_and(|(month, day)| jiff::civil::Date::new(year, month, day).is_ok())
    };
    let dates: &[(u32, bool)] = &match separators {
        [b'-', b'-'] => [(0, is_date(a, b, c)), (0, false)],
        [b'/', b'/'] if a >= 1000 => [(4, is_date(a, b, c)), (0, false)],
        [b'/', b'/'] => [(1, is_date(c, a, b)), (2, is_date(c, b, a))],
        [b'.', b'.'] => [(3, is_date(c, b, a)), (0, false)],
        _ => return 0,
    };
    if rest.starts_with('T') {
        return if cell.parse::<jiff::Timestamp>().is_ok() { 1 << TIMESTAMP } else { 0 };
    }
    let Some(time) = time_of_day(rest) else { return 0 };
    dates.iter().filter(|(_, holds)| *holds).fold(0, |mask, (date, _)| mask | 1 << (DATES + date * 5 + time))
}

/// Which of the five forms of a time of day, none included, the rest of a cell has.
fn time_of_day(rest: &str) -> Option<u32> {
    if rest.is_empty() {
        return Some(0);
    }
    let rest = rest.strip_prefix(' ')?.trim();
    let (clock, half) = match rest.rsplit_once(' ') {
        Some((clock, half)) if half.eq_ignore_ascii_case("am") || half.eq_ignore_ascii_case("pm") => (clock, true),
        Some(_) => return None,
        None => (rest, false),
    };
    let mut parts = [0_u8; 3];
    let mut count = 0_usize;
    for text in clock.split(':') {
        let is_plain = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        *parts.get_mut(count).filter(|_| is_plain)? = text.parse().ok()?;
        count += 1;
    }
    let [hour, minute, second] = parts;
    let fits = minute < 60 && second < 60 && if half { (1..=12).contains(&hour) } else { hour < 24 };
    match (count, half) {
        _ if !fits => None,
        (2, false) => Some(1),
        (3, false) => Some(2),
        (2, true) => Some(3),
        (3, true) => Some(4),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(cell: &str) -> Vec<String> {
        let mask = readings(cell);
        narrowest_first()
            .filter(|bit| mask & (1 << bit) != 0)
            .map(reading)
            .map(|reading| format!("{:?} {}", reading.ty, reading.format.unwrap_or_default()).trim().to_owned())
            .collect()
    }

    #[test]
    fn a_cell_is_read_every_way_it_can_be() {
        assert_eq!(names("42"), ["Integer", "Number", "Currency"]);
        assert_eq!(names("-1.50"), ["Number", "Currency"]);
        assert_eq!(names("$245,906.10"), ["Currency"]);
        assert_eq!(names("12,34"), Vec::<String>::new());
        assert_eq!(names("$1.2.3"), Vec::<String>::new());
        assert_eq!(names("YES"), ["Boolean"]);
        assert_eq!(names("01/02/2024"), ["Date %m/%d/%Y", "Date %d/%m/%Y"]);
        assert_eq!(names("01/22/2024 05:04 PM"), ["Datetime %m/%d/%Y %I:%M %p"]);
        assert_eq!(names("13/45/2021 10:00 AM"), Vec::<String>::new());
        assert_eq!(names("02/30/2022 09:15 AM"), Vec::<String>::new());
        assert_eq!(names("2024-05-01T10:00:00Z"), ["Datetime"]);
        assert_eq!(names("2024-05-01"), ["Date %Y-%m-%d"]);
        assert_eq!(names("ada@x.com"), ["Email"]);
        assert_eq!(names("https://x.com/a"), ["Url"]);
        assert_eq!(names("(691) 552-3791 x12"), ["Phone"]);
        assert_eq!(names("df655f97-6f7c-4d32-a381-5bd981225cd9"), ["Uuid"]);
        assert_eq!(names("{\"a\": [1]}"), ["Json"]);
        assert_eq!(names("Ada"), Vec::<String>::new());
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_looked_at(cell in ".*") {
            let _ = readings(&cell);
            let _ = has_leading_zero(&cell);
        }

        #[test]
        fn every_calendar_date_is_read_in_its_own_format(year in 1900_i16..2100, month in 1_i8..=12, day in 1_i8..=28, format in 0_usize..25) {
            let (_, pattern) = FORMATS[format];
            let moment = jiff::civil::date(year, month, day).at(13, 5, 9, 0);
            let text = moment.strftime(pattern).to_string();
            proptest::prop_assert!(readings(&text) & (1 << (DATES + u32::try_from(format).unwrap())) != 0, "{text} {pattern}");
        }
    }
}
