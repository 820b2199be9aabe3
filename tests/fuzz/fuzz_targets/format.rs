//! Any text has one layout, which is its own layout.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let once = migr_format::format(text).expect("a text is formatted");
    let twice = migr_format::format(&once).expect("a formatted text is formatted");
    assert_eq!(once, twice);
});
