//! Any text has one layout, which is its own layout. A text that is no program may be refused where its brackets are about as many as one reading takes.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// Brackets from which on a byte more or less may be one too much for a reading.
const MANY: usize = 32;

fuzz_target!(|text: &str| {
    let Ok(once) = migr_format::format(text) else {
        assert!(text.matches(['(', '[', '{']).count() > MANY, "a text is formatted");
        return;
    };
    let twice = migr_format::format(&once).expect("a formatted text is formatted");
    assert_eq!(once, twice);
});
