//! Any text has one layout, which is its own layout and has the same signs.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// Signs that no layout changes: all but blanks and what parts things in a line.
fn signs(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}');
    text.chars().filter(|sign| !sign.is_whitespace() && ![',', ';'].contains(sign)).collect()
}

fuzz_target!(|text: &str| {
    let once = migr_format::format(text).expect("a text is formatted");
    let twice = migr_format::format(&once).expect("a formatted text is formatted");
    assert_eq!(once, twice);
    assert_eq!(signs(text), signs(&once));
});
