//! The shipped library compiles, and its plans are what they were.

use migr_diagnostics::{Format, RenderOptions, render};
use migr_driver::{Compilation, Project, compile, library};
use migr_source::MemorySystem;

fn shipped(migration: &str) -> Compilation {
    let path = format!("std/migrations/{migration}/migration.migr");
    let text = library().iter().find(|(shipped, _)| *shipped == path).expect("shipped").1;
    let system = MemorySystem::default().with("migration.migr", text);
    compile(&Project { system: &system, entry: None, destination: None, lock: None })
}

fn findings(compilation: &Compilation) -> String {
    let mut text = String::new();
    render(Format::Human, &compilation.diagnostics, &compilation.sources, &RenderOptions::default(), &mut text)
        .expect("a string takes it");
    text
}

#[test]
fn visual_practice_to_twenty_compiles_to_its_plan() {
    let compilation = shipped("visual-practice-to-twenty");
    assert!(compilation.diagnostics.is_empty(), "{}", findings(&compilation));
    let plan = compilation.plan.expect("a plan");
    insta::assert_snapshot!(plan.to_json().expect("JSON"));
}

#[test]
fn the_practice_to_highlevel_compiles_to_its_plan() {
    let compilation = shipped("the-practice-to-highlevel");
    assert!(compilation.diagnostics.is_empty(), "{}", findings(&compilation));
    let plan = compilation.plan.expect("a plan");
    insta::assert_snapshot!(plan.to_json().expect("JSON"));
}
