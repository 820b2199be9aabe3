//! Marks of HTML in texts that are written as they stand.

use migr_plan::{Expr, FieldMapping};

/// True where a field takes a column without a function that reads HTML.
pub(super) fn is_written_as_it_stands(field: &FieldMapping, column: &str) -> bool {
    let mut is_read = false;
    field.value.walk(&mut |part| {
        if let Expr::Call { function, .. } = part
            && matches!(function.as_str(), "plain" | "markdown")
        {
            part.walk(&mut |inner| is_read |= matches!(inner, Expr::Column { name } if name == column));
        }
    });
    !is_read && field.reads.iter().any(|read| read == column)
}

/// `Smith &amp; Sons`, `<b>Sons</b>`
pub(super) fn is_html(cell: &str) -> bool {
    const TAGS: [&str; 24] = [
        "a",
        "b",
        "br",
        "blockquote",
        "div",
        "em",
        "font",
        "h1",
        "h2",
        "h3",
        "hr",
        "i",
        "img",
        "li",
        "ol",
        "p",
        "pre",
        "span",
        "strong",
        "table",
        "td",
        "tr",
        "u",
        "ul",
    ];
    // Nearly all cells have neither sign.
    let has = |sign: u8| cell.as_bytes().contains(&sign);
    let is_tag = |rest: &str| {
        let name = rest.strip_prefix('/').unwrap_or(rest);
        let length = name.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let (name, behind) = name.split_at(length);
        let ends = behind.trim_start().starts_with(['>', '/']) || behind.starts_with(' ') && behind.contains('=');
        ends && behind.contains('>') && TAGS.contains(&name.to_ascii_lowercase().as_str())
    };
    has(b'&') && migr_transform::has_entity(cell) || has(b'<') && cell.split('<').skip(1).any(is_tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_told_from_texts_with_its_signs() {
        for (cell, expected) in [
            ("Smith &amp; Sons", true),
            ("O&#39;Neil", true),
            ("<b>Sons</b>", true),
            ("a<br/>b", true),
            ("<a href=\"https://x.example\">x</a>", true),
            ("AT&T; R&D", false),
            ("a < b > c", false),
            ("Ann <ann@x.example>", false),
            ("<3", false),
            ("if a <b and c", false),
        ] {
            assert_eq!(is_html(cell), expected, "{cell}");
        }
    }
}
