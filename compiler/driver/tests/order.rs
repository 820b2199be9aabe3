//! The order of stages, and what is deferred.

mod common;

use std::fmt::Write as _;

use common::{compile_text, shown};

/// `field: -> object`, with `!` where it is required.
type Relations<'a> = &'a [(&'a str, &'a [(&'a str, bool)])];

/// A program of objects with relations to each other; every relation is a column of the same name.
fn program(objects: Relations<'_>) -> String {
    let mut shop = String::from("system shop {\n");
    let mut crm = String::from("system crm {\n  connector twenty\n");
    let mut maps = String::new();
    for (name, relations) in objects {
        let _ = write!(shop, "  object {} from \"{name}.csv\" {{ key id; id: text", name.to_uppercase());
        let _ = write!(crm, "  object {name} {{ name: text");
        let _ = write!(maps, "map {} -> {name} {{\n  name = id\n", name.to_uppercase());
        for (to, required) in *relations {
            let _ = write!(shop, "; {to}: -> {}", to.to_uppercase());
            let _ = write!(crm, "; {to}: -> {to}{}", if *required { " required" } else { "" });
            let _ = writeln!(maps, "  {to} = {to}");
        }
        shop.push_str(" }\n");
        crm.push_str(" }\n");
        maps.push_str("}\n");
    }
    format!(
        "{shop}}}\n{crm}}}\nmigration m {{\n  source shop {{ files = \"*.csv\" }}\n  destination crm {{ url = env(\"U\"); token = secret(\"T\") }}\n}}\n{maps}"
    )
}

/// `C, A (later: b), B`
fn order(objects: Relations<'_>) -> String {
    let compilation = compile_text(&program(objects));
    let Some(plan) = &compilation.plan else { return shown(&compilation) };
    let stages = plan.stages.iter().map(|stage| {
        let later: Vec<&str> = stage.deferred.iter().map(|deferred| deferred.field.as_str()).collect();
        if later.is_empty() { stage.id.clone() } else { format!("{} (later: {})", stage.id, later.join(", ")) }
    });
    stages.collect::<Vec<_>>().join(", ")
}

#[test]
fn what_is_referred_to_comes_first_and_else_the_text_decides() {
    assert_eq!(order(&[("c", &[]), ("b", &[("a", false)]), ("a", &[])]), "C, A, B");
    assert_eq!(order(&[("z", &[]), ("y", &[]), ("x", &[])]), "Z, Y, X");
}

#[test]
fn a_reference_to_itself_is_written_later() {
    assert_eq!(order(&[("a", &[("a", false)])]), "A (later: a)");
}

#[test]
fn a_circle_is_cut_at_an_optional_reference() {
    assert_eq!(order(&[("a", &[("b", false)]), ("b", &[("a", true)])]), "A (later: b), B");
    assert_eq!(order(&[("a", &[("b", true)]), ("b", &[("a", false)])]), "B (later: a), A");
    assert_eq!(order(&[("a", &[("b", true)]), ("b", &[("c", false)]), ("c", &[("a", true)])]), "B (later: c), A, C");
}

#[test]
fn what_waits_for_a_circle_is_not_cut_itself() {
    assert_eq!(order(&[("d", &[("a", false)]), ("a", &[("b", false)]), ("b", &[("a", false)])]), "A (later: b), D, B");
}

#[test]
fn a_circle_of_required_references_is_drawn() {
    insta::assert_snapshot!(order(&[("a", &[("b", true)]), ("b", &[("c", true)]), ("c", &[("a", true)])]));
}

#[test]
fn thousands_of_maps_are_ordered_in_one_go() {
    let names: Vec<String> = (0..2_000).map(|at| format!("o{at}")).collect();
    let relation = |at: usize| -> Vec<(&str, bool)> {
        match at {
            0 => Vec::new(),
            1 | 2 => vec![(names[at - 1].as_str(), false)],
            _ => vec![(names[at - 1].as_str(), false), (names[at / 2].as_str(), true)],
        }
    };
    let relations: Vec<Vec<(&str, bool)>> = (0..names.len()).map(relation).collect();
    let objects: Vec<(&str, &[(&str, bool)])> =
        names.iter().zip(&relations).map(|(name, relations)| (name.as_str(), relations.as_slice())).collect();
    let compilation = compile_text(&program(&objects));
    assert_eq!(compilation.plan.map(|plan| plan.stages.len()), Some(2_000));
}
