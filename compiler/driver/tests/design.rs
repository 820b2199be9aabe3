//! Every code block of the page that the language started from is a program. Adapted where the language was improved since:
//! columns that the page leaves out (`…`) are there, `parent_id` tells its object by `by`, and a second level of options is written in quotes.

mod common;

use common::{compile_folder, short};
use migr_source::MemorySystem;

#[test]
fn the_migration_and_the_catalogs_of_the_design_compile() {
    let system = MemorySystem::default()
        .with("catalogs.migr", include_str!("design/catalogs.migr"))
        .with("migration.migr", include_str!("design/migration.migr"));
    let compilation = compile_folder(&system);
    assert_eq!(short(&compilation), "");
    let plan = compilation.plan.unwrap();
    assert_eq!((plan.stages.len(), compilation.tests.len()), (6, 2));
}

#[test]
fn what_the_designs_rules_show_compiles() {
    let compilation = compile_folder(&MemorySystem::default().with("main.migr", include_str!("design/rules.migr")));
    assert_eq!(short(&compilation), "");
    assert_eq!(compilation.plan.unwrap().stages.len(), 5);
}
