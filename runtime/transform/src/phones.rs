//! Phone numbers as people write them, by the rules of their countries.

mod calling_codes;
mod digits;
mod north_america;

use std::collections::{BTreeSet, HashMap};
use std::sync::{LazyLock, Mutex, OnceLock};

use phonenumber::metadata::DATABASE;
use phonenumber::{Type, country};

use crate::failure::Fault;
use crate::{Country, Phone};

pub(crate) use digits::split_extension;
use digits::{Digits, LETTERS_BEHIND};

/// The kinds of numbers that can be called from anywhere.
const KINDS: &[Type] = &[
    Type::FixedLine,
    Type::Mobile,
    Type::TollFree,
    Type::PremiumRate,
    Type::SharedCost,
    Type::PersonalNumber,
    Type::Voip,
    Type::Pager,
    Type::Uan,
    Type::Voicemail,
];

/// The country whose rules hold for a number that names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    id: country::Id,
    country: Country,
    calling_code: u16,
}

impl Region {
    /// The region of an ISO 3166-1 code; none where it has no phone numbers.
    pub(crate) fn of(code: &str) -> Option<Self> {
        let capitals = code.trim().to_ascii_uppercase();
        let country = Country::from_code(&capitals)?;
        let calling_code = calling_codes::of(&capitals)?;
        let id: country::Id = capitals.parse().ok()?;
        Some(Self { id, country, calling_code })
    }
}

impl Country {
    /// Calling code of the country: 44; none where there is no such country, or it has no phone numbers.
    pub fn calling_code(&self) -> Option<u16> {
        Region::of(self.code()).map(|region| region.calling_code)
    }

    /// The country of two capital letters; whether there is such a country is not asked.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        let bytes: [u8; 2] = code.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_uppercase).then_some(Self(bytes))
    }
}

/// A phone number by libphonenumber's rules: `(201) 234-5678 x12`, `+44 20 7946 0000`, `1-800-FLOWERS`. A number that is not possible in its country, or
/// lacks its area code, is a failure.
pub(crate) fn phone(text: &str, region: Option<&Region>) -> Result<Phone, Fault> {
    let (main, extension) = split_extension(text);
    let digits = Digits::read(main).map_err(|says| Fault::of(text, says))?;
    let letters_behind = || Fault::of(text, LETTERS_BEHIND);
    let (calling_code, national, country) = match digits.north_american(region) {
        Some(national) => (1, national.to_owned(), north_american_country(national)),
        None => resolved(&digits, region).map_err(|says| match digits.before_letters() {
            Some(7..) => letters_behind(),
            _ => Fault::of(text, says),
        })?,
    };
    if digits.before_letters().is_some_and(|before| !is_vanity(before, calling_code, &national)) {
        return Err(letters_behind());
    }
    if digits.has_stray_letters() {
        return Err(Fault::of(text, "has a letter among its digits"));
    }
    let country =
        country.or_else(|| region.filter(|region| region.calling_code == calling_code).map(|region| region.country));
    let mut e164 = String::with_capacity(national.len() + 4);
    e164.push('+');
    e164.push_str(&calling_code.to_string());
    e164.push_str(&national);
    Ok(Phone { e164, calling_code, country, extension: extension.map(Into::into) })
}

/// True where letters stand in place of the digits of such a number. Elsewhere than in North America only numbers for
/// everybody to call are written in letters.
fn is_vanity(before: usize, calling_code: u16, national: &str) -> bool {
    if calling_code == 1 {
        // With the country's code in front there is one digit more before the letters.
        return before <= 6 || before == 7 && national.len() == 10 && is_for_all(calling_code, national);
    }
    before <= 6 && is_for_all(calling_code, national)
}

/// True where a number is one that a business has for everybody to call.
fn is_for_all(calling_code: u16, national: &str) -> bool {
    let found = phonenumber::parse(None, format!("+{calling_code}{national}"));
    let kind = found.map(|found| found.number_type(&DATABASE));
    kind.is_ok_and(|kind| {
        matches!(kind, Type::TollFree | Type::PremiumRate | Type::SharedCost | Type::PersonalNumber | Type::Uan)
    })
}

/// By the general rules: calling code, national number, country.
fn resolved(digits: &Digits, region: Option<&Region>) -> Result<(u16, String, Option<Country>), &'static str> {
    if digits.is_international
        && let Some(found) = international(digits.as_str())
    {
        return Ok(found);
    }
    by_the_library(digits, region)
}

fn by_the_library(digits: &Digits, region: Option<&Region>) -> Result<(u16, String, Option<Country>), &'static str> {
    if region.is_none() && !digits.is_international {
        return Err("names no country, and neither does the migration");
    }
    let text = format!("{}{}", if digits.is_international { "+" } else { "" }, digits.as_str());
    // A number that names its country is read by that country's rules alone.
    let id = region.filter(|_| !digits.is_international).map(|region| region.id);
    let found = phonenumber::parse(id, text).map_err(|_| "is not a phone number")?;
    let calling_code = found.code().value();
    let national = found.national().to_string();
    let lengths = Lengths::of(calling_code);
    let is_local = lengths.is_some_and(|lengths| lengths.local.contains(&national.len()));
    let is_whole = lengths.is_some_and(|lengths| lengths.whole.contains(&national.len()));
    // A length that also occurs within an area, and a nought in front, are right only where the number is known to exist.
    if is_whole && (!is_local && !national.starts_with('0') || found.is_valid()) {
        let country = found.country().id().and_then(|id| Country::from_code(id.as_ref()));
        let country = country.or_else(|| country_with_noughts(calling_code, &national));
        return Ok((calling_code, national, country));
    }
    if is_local {
        return Err("is a phone number without its area code");
    }
    Err("has too few or too many digits for a phone number of its country")
}

/// A number with its country code that leaves nothing to decide: a length that is right, and no prefix that could be stripped. The same as the library gives.
fn international(digits: &str) -> Option<(u16, String, Option<Country>)> {
    let (calling_code, national, rules) = (1..=3).find_map(|length| {
        let (code, national) = digits.split_at_checked(length)?;
        let code: u16 = code.parse().ok().filter(|code| *code > 0)?;
        Some((code, national, DATABASE.by_code(&code)?))
    })?;
    let lengths = Lengths::of(calling_code)?;
    let has_clear_length = lengths.whole.contains(&national.len()) && !lengths.local.contains(&national.len());
    if !has_clear_length || national.starts_with('0') {
        return None;
    }
    let known = Known::of(calling_code, national, |known| {
        known.is_clear = rules.iter().all(|rules| {
            let is_prefix = rules.national_prefix_for_parsing().and_then(|prefix| prefix.find(national));
            is_prefix.is_none_or(|found| found.start() > 0)
                && rules.national_prefix().is_none_or(|prefix| !national.starts_with(prefix))
        });
    });
    known.is_clear.then(|| (calling_code, national.to_owned(), known.country))
}

/// Facts that the first digits of a number tell.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    country: Option<Country>,
    /// Nothing in front is to be stripped.
    is_clear: bool,
}

/// By calling code, length and first digits.
type Prefix = (u16, usize, u32);

impl Known {
    /// Remembered by the first six digits; the rest are the subscriber's.
    fn of(calling_code: u16, national: &str, finish: impl FnOnce(&mut Self)) -> Self {
        const MOST: usize = 1 << 17;
        static KNOWN: LazyLock<Mutex<HashMap<Prefix, Known>>> = LazyLock::new(Mutex::default);
        let ask = || {
            let found = phonenumber::parse(None, format!("+{calling_code}{national}")).ok();
            let id = found.and_then(|found| found.country().id());
            let mut known = Self { country: id.and_then(|id| Country::from_code(id.as_ref())), is_clear: false };
            finish(&mut known);
            known
        };
        let Some(prefix) = national.get(..6).and_then(|prefix| prefix.parse().ok()) else { return ask() };
        let key = (calling_code, national.len(), prefix);
        let Ok(mut all) = KNOWN.lock() else { return ask() };
        if let Some(known) = all.get(&key) {
            return *known;
        }
        let known = ask();
        if all.len() < MOST {
            all.insert(key, known);
        }
        known
    }
}

/// The country of a number that begins with noughts, as in Italy; the library looks without them.
fn country_with_noughts(calling_code: u16, national: &str) -> Option<Country> {
    let candidates = DATABASE.by_code(&calling_code).unwrap_or_default();
    let found = candidates.iter().find(|rules| {
        let knows = |kind: Type| rules.descriptors().get(kind).is_some_and(|numbers| numbers.is_match(national));
        national.starts_with('0') && KINDS.iter().any(|kind| knows(*kind))
    });
    found.and_then(|rules| Country::from_code(rules.id()))
}

/// Lengths of the national numbers of a calling code.
#[derive(Debug, Default)]
struct Lengths {
    whole: BTreeSet<usize>,
    /// Those that can be dialled within an area only.
    local: BTreeSet<usize>,
}

impl Lengths {
    fn of(calling_code: u16) -> Option<&'static Self> {
        static KNOWN: LazyLock<Vec<OnceLock<Lengths>>> =
            LazyLock::new(|| std::iter::repeat_with(OnceLock::new).take(1000).collect());
        Some(KNOWN.get(usize::from(calling_code))?.get_or_init(|| {
            let mut lengths = Self::default();
            for rules in DATABASE.by_code(&calling_code).unwrap_or_default() {
                for numbers in KINDS.iter().filter_map(|kind| rules.descriptors().get(*kind)) {
                    lengths.whole.extend(numbers.possible_length().iter().copied().map(usize::from));
                    lengths.local.extend(numbers.possible_local_length().iter().copied().map(usize::from));
                }
            }
            lengths
        }))
    }
}

/// The country of a number of the North American plan. Its first four digits tell, save among the personal numbers of 523 and 524.
fn north_american_country(national: &str) -> Option<Country> {
    if national.starts_with("523") || national.starts_with("524") {
        return Known::of(1, national, |_| ()).country;
    }
    north_america::country(national)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(text: &str) -> Result<String, String> {
        let region = Region::of("us");
        shown(phone(text, region.as_ref()))
    }

    fn shown(found: Result<Phone, Fault>) -> Result<String, String> {
        found
            .map(|phone| {
                let country = phone.country.map_or_else(|| "??".to_owned(), |country| country.code().to_owned());
                let extension = phone.extension.as_ref().map_or_else(String::new, |extension| format!(" x{extension}"));
                format!("{} {country} {}{extension}", phone.e164, phone.national())
            })
            .map_err(|fault| fault.reason(false))
    }

    #[test]
    fn numbers_as_people_write_them_are_read() {
        for (text, expected) in [
            ("(201) 234-5678", "+12012345678 US 2012345678"),
            ("201.234.5678", "+12012345678 US 2012345678"),
            (" 2012345678", "+12012345678 US 2012345678"),
            ("12012345678", "+12012345678 US 2012345678"),
            ("+1 416 234 5678", "+14162345678 CA 4162345678"),
            ("(201) 234-5678 x12", "+12012345678 US 2012345678 x12"),
            ("201-234-5678, ext. 0012", "+12012345678 US 2012345678 x0012"),
            ("+44 20 7946 0000", "+442079460000 GB 2079460000"),
            ("+44 (0)20 7946 0000", "+442079460000 GB 2079460000"),
            ("011 44 20 7946 0000", "+442079460000 GB 2079460000"),
            ("+39 02 1234 5678", "+390212345678 IT 0212345678"),
            ("+39 06 698 12345", "+390669812345 VA 0669812345"),
            ("1-800-FLOWERS", "+18003569377 US 8003569377"),
            ("1-800-GO-FEDEX", "+18004633339 US 8004633339"),
            ("tel:+1-201-234-5678", "+12012345678 US 2012345678"),
            ("(211) 234-5678", "+12112345678 US 2112345678"),
        ] {
            assert_eq!(us(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_a_number_fails_and_says_why() {
        for (text, says) in [
            ("call me", "is not a phone number"),
            ("x12", "is not a phone number"),
            ("1", "is not a phone number"),
            ("555-1234", "is a phone number without its area code"),
            ("123", "has too few or too many digits for a phone number of its country"),
            ("(201) 234-56789", "has too few or too many digits for a phone number of its country"),
            ("+999 1234567", "is not a phone number"),
            ("201 234 5678 / 201 234 5679", "holds more than one number"),
            ("201-234-5678 home", "has letters behind the number, which are no digits of it"),
            ("555-1234 fax", "has letters behind the number, which are no digits of it"),
            ("1 555 1234 fax", "has letters behind the number, which are no digits of it"),
            ("201-2345 cel", "has letters behind the number, which are no digits of it"),
            ("201 234 5678 (2)", "holds more than one number"),
            ("201 555 O123", "has a letter among its digits"),
            ("201 55S 0123", "has a letter among its digits"),
            ("2012345678.0", "ends in `.0`, as a spreadsheet writes a number; export the column as text"),
            ("12/03/2021", "is a phone number without its area code"),
        ] {
            assert_eq!(us(text), Err(format!("{text:?} {says}")));
        }
        assert_eq!(
            shown(phone("201 234 5678", None)),
            Err("\"201 234 5678\" names no country, and neither does the migration".to_owned())
        );
        assert_eq!(shown(phone("+1 201 234 5678", None)), Ok("+12012345678 US 2012345678".to_owned()));
    }

    #[test]
    fn what_stands_behind_a_number_is_never_dialled_with_it() {
        let (letters, several) = ("has letters behind the number", "holds more than one number");
        for (country, text, says) in [
            ("DE", "089 123456 Fax", letters),
            ("DE", "089 123456 fax 12", letters),
            ("DE", "030 901820 Mobil", letters),
            ("DE", "+49 89 123456 privat", letters),
            ("SE", "08-123 456 fax", letters),
            ("AT", "4711 Mobil", letters),
            ("DE", "089 123456/57", several),
            ("DE", "123456/654321", several),
            ("DE", "(089) 123456 (2)", several),
            ("DE", "+49 89 123456/57", several),
            ("DE", "+49 89 1234567 / 654321", several),
            ("SE", "0701234567.0", "ends in `.0`"),
            ("DE", "498912345678.0", "ends in `.0`"),
            ("DE", "+498912345678,00", "ends in `.0`"),
            ("DE", "4.98912E+11", "is not a phone number"),
            ("DE", "4.98912e11", letters),
        ] {
            let read = shown(phone(text, Region::of(country).as_ref()));
            assert!(read.as_ref().is_err_and(|reason| reason.contains(says)), "{text}: {read:?}");
        }
        for (country, text, expected) in [
            ("DE", "089/123456", "+4989123456 DE 89123456"),
            ("DE", "033701/123456", "+4933701123456 DE 33701123456"),
            ("DE", "+49 (0)89/123456", "+4989123456 DE 89123456"),
            ("AT", "+43 1 234567 DW 12", "+431234567 AT 1234567 x12"),
            ("DE", "089 123456 Durchwahl 7", "+4989123456 DE 89123456 x7"),
            ("US", "1-888-555-TALK", "+18885558255 US 8885558255"),
            ("US", "800-GOOG-411", "+18004664411 US 8004664411"),
            ("GB", "0800 FLOWERS", "+448003569377 GB 8003569377"),
        ] {
            assert_eq!(shown(phone(text, Region::of(country).as_ref())), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_number_with_a_word_beside_it_is_refused_for_the_word() {
        let behind = "has letters behind the number";
        let (before, several) = ("has letters before the number", "holds more than one number");
        for (country, text, says) in [
            ("US", "+1 555 0100 (home)", behind),
            ("US", "201-234-5678 (home)", behind),
            ("US", "(201) 234-5678 [work]", behind),
            ("US", "555-0100 ext. 4 (front desk)", behind),
            ("US", "201-234-5678 x4 (front desk)", behind),
            ("US", "1-800-FLOWERS (main)", behind),
            ("US", "201-234-5678, mobile", behind),
            ("US", "201-234-5678 - Jo's cell", behind),
            ("FR", "01 23 45 67 89 (privé)", behind),
            ("DE", "(w) 089 123", before),
            ("DE", "(w) 089 123456", before),
            ("DE", "Büro: 089 123456", before),
            ("US", "Tel. 201-234-5678", before),
            ("US", "c: 201-234-5678", before),
            ("RU", "тел. 495 123-45-67", before),
            ("US", "201-234-5678, 201-234-5679", several),
            ("US", "201-234-5678; 201-234-5679", several),
            ("US", "201-234-5678 (home) 201-234-5679 (work)", several),
            ("US", "home 201-234-5678, work 201-234-5679", before),
        ] {
            let read = shown(phone(text, Region::of(country).as_ref()));
            assert!(read.as_ref().is_err_and(|reason| reason.contains(says)), "{text}: {read:?}");
        }
    }

    #[test]
    fn other_regions_have_their_own_rules() {
        let german = Region::of("DE");
        assert_eq!(shown(phone("030 901820", german.as_ref())), Ok("+4930901820 DE 30901820".to_owned()));
        assert_eq!(Region::of("ZZ"), None);
        assert_eq!(Region::of("USA"), None);
    }

    proptest::proptest! {
        #[test]
        fn the_short_way_gives_what_the_general_rules_give(national in "[2-9][0-9]{9}", prefix in proptest::sample::select(vec!["", "1", "+1"])) {
            let region = Region::of("US");
            let digits = Digits::read(&format!("{prefix}{national}")).unwrap();
            let short = digits.north_american(region.as_ref()).map(|national| (1, national.to_owned(), north_american_country(national)));
            proptest::prop_assert_eq!(short.unwrap(), by_the_library(&digits, region.as_ref()).unwrap());
        }

        #[test]
        fn a_clear_international_number_is_what_the_library_gives(text in "(1|7|20|27|3[0-49]|4[0-9]|5[1-8]|6[0-6]|81|86|91|353|358|380|420|972)[1-9][0-9]{6,10}") {
            if let Some((calling_code, national, country)) = international(&text) {
                let found = phonenumber::parse(None, format!("+{text}")).unwrap();
                let expected = found.country().id().and_then(|id| Country::from_code(id.as_ref()));
                proptest::prop_assert_eq!((calling_code, national, country), (found.code().value(), found.national().to_string(), expected));
            }
        }

        #[test]
        fn a_number_survives_its_own_e164(text in "[+]?[0-9]{7,14}") {
            if let Ok(found) = phone(&text, Region::of("US").as_ref()) {
                proptest::prop_assert_eq!(phone(&found.e164, None).map(|again| again.e164), Ok(found.e164));
            }
        }

        #[test]
        fn no_text_panics(text in ".*", near in "[-+ ().x0-9A-Za-z#,;]{0,24}") {
            for region in [Region::of("US"), Region::of("BR"), Region::of("AR"), None] {
                let _ = (phone(&text, region.as_ref()), phone(&near, region.as_ref()));
            }
        }
    }
}
