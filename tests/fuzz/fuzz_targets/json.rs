//! Any bytes are a list of definitions or an error that says where: as many are counted as are read.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use migr_fuzz::Project;

fuzz_target!(|bytes: &[u8]| {
    static PROJECT: OnceLock<Project> = OnceLock::new();
    let project = PROJECT.get_or_init(Project::new);
    let Some(export) = project.with("workflows.json", bytes) else { return };
    let (counted, read) = (export.json_count("Workflow"), export.json_elements("Workflow"));
    match (&counted, &read) {
        (Ok(counted), Ok(read)) => assert_eq!(*counted, read.len() as u64),
        (Err(_), Err(_)) => {}
        _ => panic!("counted {counted:?}, read {read:?}"),
    }
});
