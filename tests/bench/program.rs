use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::fault::Fault;

/// Mappings of a map besides its references.
const MAPPINGS: u64 = 10;
/// Maps of one file.
const TOGETHER: u64 = 100;

/// Writes a project of so many maps, each of ten mappings and two references to earlier maps, with the catalogs of both systems.
pub(crate) fn generate(maps: u64, folder: &Path) -> Result<(), Fault> {
    fs::create_dir_all(folder).map_err(|error| Fault::of(folder.display(), error))?;
    let mut files = vec![("main.migr".to_owned(), MAIN.to_owned())];
    files.push(("source.migr".to_owned(), system(maps, "old_system", source_object)));
    files.push(("destination.migr".to_owned(), system(maps, "new_system", destination_object)));
    for first in (0..maps).step_by(usize::try_from(TOGETHER).unwrap_or(1)) {
        let numbers = first..maps.min(first + TOGETHER);
        files.push((format!("maps_{:05}.migr", first / TOGETHER), numbers.map(map).collect::<Vec<_>>().join("\n")));
    }
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| Fault::of(path.display(), error))?;
    }
    Ok(())
}

const MAIN: &str = r#"migration benchmark {
  source old_system { files = "export/*.csv" }
  destination new_system as target { url = env("BENCH_URL"); token = secret("BENCH_TOKEN") }
  timezone = "America/New_York"
  country = "US"
  currency = "USD"
}
"#;

fn system(maps: u64, name: &str, object: fn(u64) -> String) -> String {
    let connector = if name == "new_system" { "  connector twenty\n" } else { "" };
    let objects: Vec<String> = (0..maps).map(object).collect();
    format!("system {name} {{\n{connector}{}}}\n", objects.join("\n"))
}

/// How a column is declared and how it is mapped, by its number.
fn column(number: u64) -> (&'static str, &'static str, &'static str) {
    match number {
        0 => ("text", "text", "a0 | trim"),
        1 => ("text", "text", "a1 | trim | lower"),
        2 => ("email", "email", "a2 | lower otherwise none"),
        3 => ("datetime format \"%m/%d/%Y %I:%M %p\"", "datetime", "a3"),
        4 => ("text", "currency", "a4 | money"),
        5 => ("phone", "phone", "a5 | phone otherwise none"),
        6 => ("integer", "number", "a6"),
        7 => ("boolean", "boolean", "a7 ?? false"),
        8 => ("list(text) split \";\"", "list(text)", "a8 | trim | unique"),
        _ => ("text", "text", "if a9 == \"x\" then \"none of it\" else \"{a0}: {a9}\""),
    }
}

fn source_object(number: u64) -> String {
    let mut text = format!("  object S{number} from \"s{number}.csv\" {{\n    key id\n    id: text\n");
    for at in 0..MAPPINGS {
        let _ = writeln!(text, "    a{at}: {}", column(at).0);
    }
    for (at, target) in targets(number).into_iter().enumerate() {
        let _ = writeln!(text, "    r{at}: -> S{target}");
    }
    text.push_str("  }\n");
    text
}

fn destination_object(number: u64) -> String {
    let mut text = format!("  object d{number}s {{\n");
    for at in 0..MAPPINGS {
        let _ = writeln!(text, "    f{at}: {}", column(at).1);
    }
    for (at, target) in targets(number).into_iter().enumerate() {
        let _ = writeln!(text, "    t{at}: -> d{target}s");
    }
    text.push_str("  }\n");
    text
}

fn map(number: u64) -> String {
    let mut text = format!("map S{number} -> d{number}s {{\n  match f1\n");
    for at in 0..MAPPINGS {
        let _ = writeln!(text, "  f{at} = {}", column(at).2);
    }
    for at in 0..targets(number).len() {
        let _ = writeln!(text, "  t{at} = r{at} on missing none");
    }
    text.push_str("}\n");
    text
}

/// Two of the fifty maps before.
fn targets(number: u64) -> Vec<u64> {
    let near = number.min(50);
    let back = |salt: u64| number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(salt).rotate_left(29) % near + 1;
    if near == 0 { Vec::new() } else { vec![number - back(1), number - back(2)] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compiling;

    #[test]
    fn a_generated_program_has_no_errors_and_all_its_maps() {
        let folder = tempfile::tempdir().unwrap();
        generate(130, folder.path()).unwrap();
        assert_eq!(compiling::plan(folder.path()).unwrap(), 130);
    }

    #[test]
    fn references_lead_to_earlier_maps() {
        assert!((1..300).all(|number| targets(number).iter().all(|target| *target < number && target + 50 >= number)));
    }
}
