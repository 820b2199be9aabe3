//! The elements that HTML has, by what becomes of them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Elements that begin a line of their own; where there is one, plain line ends are only blanks.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "html",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
];
/// Elements that Markdown has a form for, besides blocks.
const KEPT: &[&str] = &["a", "b", "caption", "code", "em", "i", "img", "span", "strong"];
/// Elements that go with all that is in them.
pub(super) const REMOVED: &[&str] = &[
    "applet", "audio", "button", "canvas", "datalist", "embed", "head", "iframe", "input", "map", "math", "noscript",
    "object", "script", "select", "style", "svg", "template", "textarea", "title", "video",
];
/// Elements that have no end, so that nothing is inside them.
const WITHOUT_END: &[&str] = &["embed", "input"];
/// Attributes that are written without a value.
const WORDS: &[&str] = &[
    "allowfullscreen",
    "async",
    "autofocus",
    "autoplay",
    "checked",
    "compact",
    "contenteditable",
    "controls",
    "default",
    "defer",
    "disabled",
    "download",
    "draggable",
    "formnovalidate",
    "hidden",
    "href",
    "inert",
    "ismap",
    "itemscope",
    "loop",
    "multiple",
    "muted",
    "nohref",
    "nomodule",
    "noresize",
    "noshade",
    "novalidate",
    "nowrap",
    "open",
    "readonly",
    "required",
    "reversed",
    "selected",
];
/// Elements whose text stays and whose look is lost.
const FLATTENED: &[&str] = &[
    "abbr",
    "acronym",
    "area",
    "base",
    "bdi",
    "bdo",
    "big",
    "blink",
    "cite",
    "col",
    "colgroup",
    "data",
    "del",
    "details",
    "dfn",
    "dialog",
    "fieldset",
    "figcaption",
    "font",
    "form",
    "ins",
    "kbd",
    "label",
    "legend",
    "link",
    "mark",
    "marquee",
    "menu",
    "meta",
    "meter",
    "nobr",
    "o:p",
    "output",
    "param",
    "picture",
    "progress",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "search",
    "slot",
    "small",
    "source",
    "strike",
    "sub",
    "summary",
    "sup",
    "time",
    "track",
    "tt",
    "u",
    "var",
    "wbr",
];

/// Treatment of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Element that begins a line of its own.
    Block,
    /// Markdown has a form for it.
    Kept,
    /// Element that is removed with its content.
    Removed,
    /// Element whose text stays and whose look is lost.
    Flattened,
}

/// An element of HTML that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    /// In small letters.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// The element of a name, in whatever letters; none where HTML has no such element.
pub(super) fn element(name: &str) -> Option<Element> {
    static BY_FIRST_LETTER: LazyLock<Vec<Vec<Element>>> = LazyLock::new(|| {
        let mut letters = vec![Vec::new(); 26];
        let lists = [(BLOCKS, Kind::Block), (KEPT, Kind::Kept), (REMOVED, Kind::Removed), (FLATTENED, Kind::Flattened)];
        for (names, kind) in lists {
            for name in names {
                if let Some(letter) = letter(name).and_then(|at| letters.get_mut(at)) {
                    letter.push(Element { name, kind });
                }
            }
        }
        letters
    });
    let letter = BY_FIRST_LETTER.get(letter(name)?)?;
    letter.iter().copied().find(|known| known.name.eq_ignore_ascii_case(name))
}

/// True where an element has no end.
pub(super) fn has_no_end(name: &str) -> bool {
    WITHOUT_END.contains(&name)
}

/// True where a word alone is an attribute.
pub(super) fn is_attribute(word: &str) -> bool {
    WORDS.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// The place of a name's first letter in the alphabet.
fn letter(name: &str) -> Option<usize> {
    let first = name.bytes().next()?.to_ascii_lowercase();
    first.checked_sub(b'a').map(usize::from)
}

/// The name in angle brackets, from a table, so that a count can be kept by it.
pub(super) fn in_brackets(name: &'static str) -> &'static str {
    static NAMES: LazyLock<BTreeMap<&'static str, String>> =
        LazyLock::new(|| REMOVED.iter().chain(FLATTENED).copied().map(|name| (name, format!("<{name}>"))).collect());
    NAMES.get(name).map_or(name, String::as_str)
}
