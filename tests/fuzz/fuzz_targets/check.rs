//! Any program is checked, and has a plan exactly where no error was found and there is a migration.
#![no_main]

use libfuzzer_sys::fuzz_target;
use migr_driver::{Project, compile};
use migr_source::MemorySystem;

fuzz_target!(|text: &str| {
    let system = MemorySystem::default().with("main.migr", text);
    let compilation = compile(&Project { system: &system, entry: None, destination: None, lock: None });
    assert!(compilation.plan.is_none() || !compilation.has_errors());
    for finding in &compilation.diagnostics {
        assert!(finding.code.as_str() != "E0901", "{finding:?}");
    }
});
