//! Named entities of HTML.

use std::borrow::Cow;

/// U+00A0 to U+00FF, in order.
const LATIN: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 \
ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve \
Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml \
igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";

/// Others that editors write.
const OTHERS: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("hellip", '…'),
    ("mdash", '—'),
    ("ndash", '–'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("bull", '•'),
    ("trade", '™'),
    ("euro", '€'),
    ("dagger", '†'),
    ("permil", '‰'),
    ("lsaquo", '‹'),
    ("rsaquo", '›'),
    ("larr", '←'),
    ("rarr", '→'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("thinsp", '\u{2009}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("OElig", 'Œ'),
    ("oelig", 'œ'),
    ("Scaron", 'Š'),
    ("scaron", 'š'),
    ("Yuml", 'Ÿ'),
];

/// The first entity of a text: where it begins and ends, and what it stands for.
pub(super) fn first(text: &str) -> Option<(usize, usize, char)> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find('&')?;
        let rest = text.get(at + 1..)?;
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        if let Some((end, character)) = end.and_then(|end| Some((end, meaning(rest.get(..end)?)?))) {
            return Some((at, at + 1 + end + 1, character));
        }
        from = at + 1;
    }
}

/// True where a text has an entity of HTML: `&amp;`.
pub fn has_entity(text: &str) -> bool {
    first(text).is_some()
}

/// The text with its entities as characters.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    let mut rest = text;
    let mut decoded = String::new();
    while let Some((from, to, character)) = first(rest) {
        decoded.push_str(rest.get(..from).unwrap_or_default());
        decoded.push(character);
        rest = rest.get(to..).unwrap_or_default();
    }
    if decoded.is_empty() {
        return Cow::Borrowed(rest);
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

fn meaning(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|character| *character != '\0');
    }
    let other = OTHERS.iter().find(|(known, _)| *known == name).map(|(_, character)| *character);
    other.or_else(|| LATIN.split(' ').zip('\u{a0}'..).find(|(known, _)| *known == name).map(|(_, character)| character))
}
