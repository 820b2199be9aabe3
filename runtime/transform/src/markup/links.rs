//! Links of HTML that no text may keep: those that run a script, or hold data of their own, where an address should stand.

/// Schemes of what is no address, with the words for a link that loses it.
const UNFIT: [(&str, &str); 4] = [
    ("javascript", "link to a script, of which the text stays"),
    ("livescript", "link to a script, of which the text stays"),
    ("vbscript", "link to a script, of which the text stays"),
    ("data", "link to data, of which the text stays"),
];

/// Words for a link or an image that loses its address; none where it keeps it. `raw` is the tag. A picture that an image holds itself stays.
pub(super) fn unfit(name: &str, raw: &str) -> Option<&'static str> {
    match name {
        "a" => addresses(raw, "href").find_map(|address| kind(&address)),
        "img" => {
            let holds_none = |address: &String| {
                kind(address).is_some()
                    && !address.get(..11).is_some_and(|start| start.eq_ignore_ascii_case("data:image/"))
            };
            addresses(raw, "src").any(|address| holds_none(&address)).then_some("image that is none")
        }
        _ => None,
    }
}

/// Values of an attribute of a tag, as a browser reads them.
fn addresses<'t>(raw: &'t str, name: &'static str) -> impl Iterator<Item = String> + 't {
    let lower = raw.to_ascii_lowercase();
    let ends: Vec<usize> = lower.match_indices(name).map(|(at, _)| at + name.len()).collect();
    let values = ends.into_iter().filter_map(|end| raw.get(end..)?.trim_start().strip_prefix('='));
    values.map(|value| decoded(written(value.trim_start())))
}

/// An attribute's value, without its quotes.
fn written(value: &str) -> &str {
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let inner = value.get(1..).unwrap_or_default();
            inner.split(quote).next().unwrap_or_default()
        }
        _ => value.split(|next: char| next.is_ascii_whitespace() || next == '>').next().unwrap_or_default(),
    }
}

/// Words for an address that is none.
fn kind(address: &str) -> Option<&'static str> {
    let (scheme, _) = address.split_once(':')?;
    UNFIT.iter().find(|(known, _)| scheme.eq_ignore_ascii_case(known)).map(|(_, kind)| *kind)
}

/// An address without blanks and signs that are not seen; its entities are read also where they lack their semicolon, as browsers read them.
fn decoded(address: &str) -> String {
    let mut text = String::with_capacity(address.len());
    let mut rest = address;
    while let Some(sign) = rest.chars().next() {
        let (decoded, length) = entity(rest).unwrap_or((sign, sign.len_utf8()));
        if !decoded.is_whitespace() && !decoded.is_control() {
            text.push(decoded);
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    text
}

/// Entity at the start of a text, and its length.
fn entity(text: &str) -> Option<(char, usize)> {
    for (name, meaning) in [("&colon;", ':'), ("&tab;", ' '), ("&newline;", ' ')] {
        if text.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return Some((meaning, name.len()));
        }
    }
    let number = text.strip_prefix("&#")?;
    let (number, radix) = number.strip_prefix(['x', 'X']).map_or((number, 10), |number| (number, 16));
    let digits = number.bytes().take_while(|byte| char::from(*byte).is_digit(radix)).count();
    let code = u32::from_str_radix(number.get(..digits)?, radix).ok()?;
    let end = text.len() - number.len() + digits;
    let length = end + usize::from(text.get(end..).is_some_and(|rest| rest.starts_with(';')));
    Some((char::from_u32(code)?, length))
}
