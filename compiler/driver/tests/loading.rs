//! Files of a project, what they use, and what they extend.

mod common;

use common::{compile_folder, short, shown};
use migr_driver::{Project, compile};
use migr_source::MemorySystem;

const SHOP: &str =
    "system shop {\n  object Customer from \"customers.csv\" { key id; id: text; title: text; kind: text }\n}\n";
const CRM: &str =
    "system crm {\n  connector twenty\n  object companies { name: text; stage: select { NEW, WON } extensible }\n}\n";
const MIGRATION: &str = "migration m {\n  source shop { files = \"export/*.csv\" }\n  destination crm { url = env(\"URL\"); token = secret(\"TOKEN\") }\n}\n";
const MAP: &str = "map Customer -> companies {\n  name = title\n  drop kind : \"not needed\"\n}\n";

fn project() -> MemorySystem {
    MemorySystem::default().with("a.migr", SHOP).with("b.migr", CRM).with("c.migr", MIGRATION)
}

#[test]
fn every_file_of_the_folder_belongs_to_the_project() {
    let compilation = compile_folder(&project().with("map.migr", MAP));
    assert!(compilation.diagnostics.is_empty(), "{}", shown(&compilation));
    let files: Vec<String> = compilation.plan.unwrap().inputs.files.into_iter().map(|file| file.path).collect();
    assert_eq!(files, ["a.migr", "b.migr", "c.migr", "map.migr"]);
}

#[test]
fn a_file_is_used_from_beside_the_one_that_uses_it() {
    let system = MemorySystem::default()
        .with("main.migr", format!("use \"parts/all\"\n{MIGRATION}{MAP}"))
        .with("parts/all.migr", "use \"shop\"\nuse \"../crm\"\n")
        .with("parts/shop.migr", SHOP)
        .with("crm.migr", CRM);
    let entry = compile(&Project { system: &system, entry: Some("main.migr"), destination: None, lock: None });
    assert!(entry.diagnostics.is_empty(), "{}", shown(&entry));
    assert!(entry.plan.is_some());
}

#[test]
fn one_file_alone_is_checked_as_far_as_it_goes() {
    let system = project().with("map.migr", MAP);
    let alone = compile(&Project { system: &system, entry: Some("map.migr"), destination: None, lock: None });
    assert!(alone.diagnostics.is_empty() && alone.plan.is_none(), "{}", shown(&alone));
}

#[test]
fn maps_without_a_migration_belong_nowhere() {
    let compilation = compile_folder(&MemorySystem::default().with("shop.migr", SHOP).with("map.migr", MAP));
    insta::assert_snapshot!(short(&compilation), @r"
    map.migr:1 E0205 no file has a `migration`, so nothing says where from and where to
        add `migration name { source …; destination … }`
    ");
}

#[test]
fn a_use_that_leads_nowhere_says_what_there_is() {
    let compilation = compile_folder(
        &project().with("map.migr", format!("use \"std/systems/twnty\"\nuse \"missing\"\nuse \"../../secret\"\n{MAP}")),
    );
    insta::assert_snapshot!(short(&compilation), @r"
    map.migr:1 E0203 there is no `std/systems/twnty.migr`
        did you mean `std/systems/twenty`?
    map.migr:2 E0203 there is no `missing.migr`
        there are: `a`, `b`, `c`, `map`
    map.migr:3 E0203 `../../secret` leads out of the project
        put the file into the project's folder, or use one of the library: `std/…`
    ");
}

#[test]
fn files_that_use_each_other_are_drawn_as_a_circle() {
    let system = MemorySystem::default()
        .with("a.migr", format!("use \"b\"\n{SHOP}"))
        .with("b.migr", format!("use \"c\"\n{CRM}"))
        .with("c.migr", format!("use \"a\"\n{MIGRATION}{MAP}"));
    insta::assert_snapshot!(short(&compile_folder(&system)), @r"
    c.migr:1 E0204 files use each other circularly: `a.migr` → `b.migr` → `c.migr` → `a.migr`
        move what both need into a file of its own
    ");
}

#[test]
fn a_name_defined_twice_shows_both_places() {
    let compilation = compile_folder(&project().with("d.migr", SHOP).with("map.migr", format!("{MAP}{MAP}")));
    insta::assert_snapshot!(shown(&compilation));
}

#[test]
fn extensions_add_and_overrides_replace() {
    let picklist = "picklist Stage -> companies.stage {\n  \"new\" = NEW\n  otherwise quarantine\n}\n";
    let base = "map Customer -> companies {\n  name = title\n  stage = kind | Stage\n}\n";
    let local = "\
extend system shop { object Customer { vat: text } }
extend picklist Stage -> companies.stage {
  \"lost\" = new LOST \"Lost\" red
  override \"new\" = WON
}
extend map Customer -> companies {
  override name = title | trim
  new vat \"VAT\": text = vat
}
";
    let compilation =
        compile_folder(&project().with("map.migr", format!("{picklist}{base}")).with("local.migr", local));
    assert!(compilation.diagnostics.is_empty(), "{}", shown(&compilation));
    let plan = compilation.plan.unwrap();
    let names: Vec<&str> = plan.stages[0].fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(names, ["name", "stage", "vat"]);
    assert_eq!(plan.stages[0].fields[0].origin.file, "local.migr");
    let values: Vec<_> = plan.picklists[0].rows.iter().map(|row| row.values[0].as_deref().unwrap()).collect();
    assert_eq!(values, ["WON", "LOST"]);
}

#[test]
fn an_extension_that_replaces_says_so() {
    let local = "\
extend map Customer -> companies {
  name = title | trim
  override stage = NEW
}
extend map Custmer -> companies { name = title }
";
    let compilation = compile_folder(&project().with("map.migr", MAP).with("z.migr", local));
    insta::assert_snapshot!(short(&compilation), @r"
    z.migr:2 E0307 `name` is written twice
        keep one of them, or write `override` before the one that replaces the other
    z.migr:3 E0207 `stage` overrides nothing
        remove `override`
    z.migr:5 E0201 there is no map `Custmer`
        did you mean `Customer`?
    ");
}

#[test]
fn an_override_replaces_a_whole_row_or_nothing() {
    let picklist = "picklist Stage -> companies.stage {\n  \"new\" | \"open\" = NEW\n  otherwise quarantine\n}\n";
    let base = "map Customer -> companies {\n  name = title\n  stage = kind | Stage\n}\n";
    let local = "extend picklist Stage -> companies.stage {\n  override \"open\" = WON\n}\n";
    let compilation = compile_folder(&project().with("map.migr", format!("{picklist}{base}")).with("z.migr", local));
    insta::assert_snapshot!(short(&compilation), @r"
    z.migr:2 E0207 an `override` replaces a whole entry, and this one leaves a part of it out
        name in the `override` everything that the replaced entry names
    ");
}

#[test]
fn a_broken_entry_hides_no_other_mistake_and_makes_no_new_one() {
    let broken = "map Customer -> companies {\n  name = title | | trim\n  stage = WONN\n}\n";
    let compilation = compile_folder(&project().with("map.migr", broken));
    let codes: Vec<String> = compilation.diagnostics.iter().map(|one| one.code.to_string()).collect();
    assert_eq!(codes, ["E0101", "E0305"], "{}", shown(&compilation));
}

#[test]
fn a_comment_with_a_reason_allows_a_warning() {
    let map = "map Customer -> companies {\n  // allow W0320: kept for symmetry\n  name = title otherwise \"x\"\n  drop kind : \"not needed\"\n}\n";
    let compilation = compile_folder(&project().with("map.migr", map));
    assert!(compilation.diagnostics.is_empty(), "{}", shown(&compilation));
    let beside = map.replace("  // allow W0320: kept for symmetry\n", "").replace("\"x\"", "\"x\" // allow W0320: so");
    let compilation = compile_folder(&project().with("map.migr", beside));
    assert!(compilation.diagnostics.is_empty(), "{}", shown(&compilation));
    let unused = MAP.replace("  name", "  // allow W0320: nothing to allow\n  name");
    let compilation = compile_folder(&project().with("map.migr", unused));
    assert_eq!(short(&compilation).lines().next().unwrap(), "map.migr:2 W0211 nothing below raises `W0320`");
}

#[test]
fn a_lock_that_is_none_is_reported() {
    let system = project().with("map.migr", MAP);
    let compilation =
        compile(&Project { system: &system, entry: None, destination: None, lock: Some("not json".into()) });
    assert!(compilation.plan.is_none());
    assert_eq!(compilation.diagnostics[0].code.as_str(), "E0601");
}
