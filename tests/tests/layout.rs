//! Who may know whom, and what may stand where. Read from the manifests and sources themselves.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test fails by panicking, in its helpers too, and draws what it found"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const COMPILER: &str = "compiler";
const RUNTIME: &str = "runtime";

/// What the repository may hold at its top, besides names that begin with a dot and `target`.
const TOP_LEVEL: &[&str] = &[
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "compiler",
    "examples",
    "grammar",
    "runtime",
    "specs",
    "tests",
];

const LONGEST_FILE: usize = 800;

/// One workspace member.
struct Member {
    /// `compiler`, `runtime` or `tests`.
    layer: String,
    /// Without the prefix `migr-`.
    name: String,
    folder: PathBuf,
    manifest: toml::Table,
}

impl Member {
    fn read(layer: &str, folder: PathBuf) -> Self {
        let text = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let name = manifest["package"]["name"].as_str().unwrap();
        let name = name.strip_prefix("migr-").unwrap_or(name).to_owned();
        Self { layer: layer.to_owned(), name, folder, manifest }
    }

    /// The names in the given sections, those for one platform included.
    fn dependencies(&self, sections: &[&str]) -> BTreeSet<String> {
        let targets = self.manifest.get("target").and_then(toml::Value::as_table);
        let tables = targets.into_iter().flat_map(|targets| targets.values()).filter_map(toml::Value::as_table);
        std::iter::once(&self.manifest)
            .chain(tables)
            .flat_map(|table| sections.iter().filter_map(|section| table.get(*section)?.as_table()))
            .flat_map(|section| section.keys().cloned())
            .collect()
    }

    /// What the crate itself is made of.
    fn normal(&self) -> BTreeSet<String> {
        self.dependencies(&["dependencies", "build-dependencies"])
    }

    /// The same and what its tests use.
    fn all(&self) -> BTreeSet<String> {
        self.dependencies(&["dependencies", "build-dependencies", "dev-dependencies"])
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn members() -> Vec<Member> {
    let mut members = vec![Member::read("tests", root().join("tests"))];
    for layer in [COMPILER, RUNTIME] {
        let folders = entries(&root().join(layer)).into_iter().filter(|path| path.join("Cargo.toml").is_file());
        members.extend(folders.map(|folder| Member::read(layer, folder)));
    }
    members
}

fn names(layer: &str) -> BTreeSet<String> {
    let members = members().into_iter().filter(|member| member.layer == layer);
    members.map(|member| format!("migr-{}", member.name)).collect()
}

/// The Rust files below a folder, with their text.
fn sources(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for path in entries(&folder) {
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "target") {
                    waiting.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.insert(path, text);
            }
        }
    }
    found
}

/// The source files of a crate without what is compiled for tests only.
fn production_sources(member: &Member) -> BTreeMap<PathBuf, String> {
    let mut files = sources(&member.folder.join("src"));
    let mut test_files = BTreeSet::new();
    for (path, text) in &files {
        let is_root = matches!(path.file_stem().and_then(|stem| stem.to_str()), Some("lib" | "main" | "mod"));
        let children = if is_root { path.parent().unwrap().to_path_buf() } else { path.with_extension("") };
        for (line, next) in text.lines().zip(text.lines().skip(1)) {
            if let Some(module) = next.trim().trim_start_matches("pub(crate) ").strip_prefix("mod ")
                && let Some(module) = module.strip_suffix(';')
                && line.trim() == "#[cfg(test)]"
            {
                test_files.insert(children.join(module));
            }
        }
    }
    files.retain(|path, _| !test_files.iter().any(|tests| path.with_extension("").starts_with(tests)));
    files.into_iter().map(|(path, text)| (path, without_tests(&text))).collect()
}

/// Without comments and without `#[cfg(test)] mod … { … }`, which ends at the first `}` of its own indent.
fn without_tests(text: &str) -> String {
    let mut kept = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let opens = |next: &&str| next.trim_start().starts_with("mod ") && next.trim_end().ends_with('{');
        if line.trim() == "#[cfg(test)]" && lines.peek().is_some_and(opens) {
            let end = line.replace("#[cfg(test)]", "}");
            lines.by_ref().find(|line| *line == end);
        } else if !line.trim_start().starts_with("//") {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

#[test]
fn the_members_are_found() {
    assert!(names(COMPILER).contains("migr-driver") && names(RUNTIME).contains("migr-cli"));
}

#[test]
fn the_compiler_never_names_the_runtime() {
    let runtime = names(RUNTIME);
    for member in members().iter().filter(|member| member.layer == COMPILER) {
        let known: Vec<_> = member.all().intersection(&runtime).cloned().collect();
        assert!(known.is_empty(), "compiler/{} depends on {known:?}", member.name);
    }
}

#[test]
fn the_runtime_knows_the_compiler_by_its_plan_and_leaves() {
    let compiler = names(COMPILER);
    for member in members().iter().filter(|member| member.layer == RUNTIME) {
        let mut allowed = vec!["migr-plan", "migr-source", "migr-diagnostics", "migr-escape"];
        if member.name == "cli" {
            allowed.extend(["migr-driver", "migr-format", "migr-diff", "migr-lsp"]);
        }
        let normal = member.normal();
        let known = normal.intersection(&compiler).filter(|name| !allowed.contains(&name.as_str()));
        let known: Vec<_> = known.collect();
        assert!(known.is_empty(), "runtime/{} depends on {known:?}", member.name);
    }
}

#[test]
fn the_sandbox_shares_no_code_with_what_it_tests() {
    let members = members();
    let sandbox = members.iter().find(|member| member.name == "sandbox").unwrap();
    for code in ["migr-load", "migr-connect"] {
        assert!(!sandbox.all().contains(code), "the sandbox depends on {code}");
    }
}

/// Systems that records are written to.
const SYSTEMS: &[&str] = &["twenty", "highlevel"];

/// Files of the runtime outside the rooms of a system that name one: where it is registered.
const REGISTRATIONS: &[&str] =
    &["runtime/cli/src/args.rs", "runtime/cli/src/examples.rs", "runtime/connect/src/lib.rs"];

#[test]
fn no_system_is_named_outside_its_rooms() {
    let mut strangers = Vec::new();
    for member in members().iter().filter(|member| member.layer == RUNTIME && member.name != "sandbox") {
        for (path, text) in production_sources(member) {
            let path = shown(&path);
            let is_room = |system: &&str| path.starts_with(&format!("runtime/connect/src/{system}"));
            if REGISTRATIONS.contains(&path.as_str()) || SYSTEMS.iter().any(is_room) {
                continue;
            }
            for line in text.lines() {
                let lower = line.to_lowercase();
                if SYSTEMS.iter().any(|system| lower.contains(system)) {
                    strangers.push(format!("{path}: {}", line.trim()));
                }
            }
        }
    }
    assert!(strangers.is_empty(), "{}", strangers.join("\n"));
}

/// Files of the compiler that name a system: the embedded library, and examples in a help.
const SHOWN: &[&str] =
    &["compiler/check/src/lib.rs", "compiler/driver/src/library.rs", "compiler/syntax/src/strict.rs"];

#[test]
fn the_compiler_knows_of_a_system_what_its_catalog_says() {
    let mut strangers = Vec::new();
    for member in members().iter().filter(|member| member.layer != RUNTIME && member.name != "tests") {
        for (path, text) in production_sources(member) {
            let path = shown(&path);
            if SHOWN.contains(&path.as_str()) {
                continue;
            }
            // A comment may give an example.
            for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                if SYSTEMS.iter().any(|system| line.to_lowercase().contains(system)) {
                    strangers.push(format!("{path}: {}", line.trim()));
                }
            }
        }
    }
    assert!(strangers.is_empty(), "{}", strangers.join("\n"));
}

#[test]
fn a_library_with_one_home_is_named_there_alone() {
    let homes: &[(&str, &[&str])] = &[
        ("pest", &["syntax"]),
        ("pest_derive", &["syntax"]),
        ("petgraph", &["lower"]),
        ("miette", &["diagnostics", "cli"]),
        ("codespan-reporting", &["diagnostics"]),
        ("rusqlite", &["spill", "journal", "sandbox"]),
    ];
    for member in members() {
        // Tests look into the files that others wrote.
        let named = if member.layer == RUNTIME || member.name == "tests" { member.normal() } else { member.all() };
        for (library, homes) in homes {
            let at_home = homes.contains(&member.name.as_str()) || member.name == "tests";
            assert!(at_home || !named.contains(*library), "{} depends on {library}", shown(&member.folder));
        }
    }
}

/// Crates of the runtime from the top floor to the ground; those of one floor do not know each other.
const FLOORS: &[&[&str]] = &[
    &["cli"],
    &["engine"],
    &["deliver"],
    &["decide"],
    &["connect"],
    &["load"],
    &["transform", "extract", "report"],
    &["journal", "spill", "sandbox"],
];

#[test]
fn arrows_between_crates_of_the_runtime_point_down() {
    let floor = |name: &str| FLOORS.iter().position(|floor| floor.contains(&name));
    let mut up = Vec::new();
    for member in members().iter().filter(|member| member.layer == RUNTIME) {
        let own = floor(&member.name).unwrap_or_else(|| panic!("runtime/{} stands on no floor", member.name));
        let known = member.normal();
        let known = known.iter().filter_map(|name| name.strip_prefix("migr-")).filter(|name| floor(name).is_some());
        let known: Vec<&str> = known.collect();
        println!("{} → {}", member.name, known.join(", "));
        up.extend(known.iter().filter(|name| floor(name) <= Some(own)).map(|name| format!("{} → {name}", member.name)));
    }
    assert!(up.is_empty(), "arrows that do not point down: {}", up.join("; "));
}

#[test]
fn only_the_program_prints_exits_and_reads_the_environment() {
    let reserved = ["process::exit", "println!", "print!(", "env::var", "env::vars"];
    let mut found = Vec::new();
    for member in members().iter().filter(|member| member.name != "cli" && member.layer != "tests") {
        for (path, text) in production_sources(member) {
            for (number, line) in text.lines().enumerate() {
                if reserved.iter().any(|word| line.contains(word)) {
                    found.push(format!("{}, about line {}: {}", shown(&path), number + 1, line.trim()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Crates whose files know each other in one direction.
const WITHOUT_CIRCLES: &[&str] = &["spill", "decide", "deliver", "engine"];

/// The paths that a `use` of this crate names, groups written out.
fn named(path: &str, found: &mut BTreeSet<String>) {
    let Some((before, group)) = path.split_once('{') else {
        found.insert(path.trim().to_owned());
        return;
    };
    let (mut depth, mut start) = (0_usize, 0);
    let group = group.rsplit_once('}').map_or(group, |(group, _)| group);
    for (at, sign) in group.char_indices().chain([(group.len(), ',')]) {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                named(&format!("{before}{}", group[start..at].trim()), found);
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// Arrows between the files at the top of a crate: a folder counts as the file it belongs to.
fn arrows(member: &Member) -> BTreeMap<String, BTreeSet<String>> {
    let source = member.folder.join("src");
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let top = |path: &Path| {
        let first = path.strip_prefix(&source).unwrap().iter().next().unwrap().to_string_lossy().into_owned();
        first.trim_end_matches(".rs").to_owned()
    };
    let files = production_sources(member);
    let rooms: BTreeSet<String> = files.keys().map(|path| top(path)).collect();
    for (path, text) in &files {
        let own = top(path);
        let mut paths = BTreeSet::new();
        for (_, rest) in text.match_indices("crate::").map(|(at, word)| text.split_at(at + word.len())) {
            let end = if rest.starts_with('{') {
                rest.find(';')
            } else {
                rest.find(|sign: char| !sign.is_alphanumeric() && sign != '_')
            };
            named(&rest[..end.unwrap_or(rest.len())], &mut paths);
        }
        let known = paths.iter().filter_map(|path| path.split("::").next()).filter(|room| rooms.contains(*room));
        let known = known.filter(|room| **room != own && own != "lib").map(str::to_owned);
        arrows.entry(own.clone()).or_default().extend(known);
    }
    arrows
}

#[test]
fn arrows_between_files_make_no_circle() {
    for member in members().iter().filter(|member| WITHOUT_CIRCLES.contains(&member.name.as_str())) {
        let mut left = arrows(member);
        println!("{}: {} rooms, {} arrows", member.name, left.len(), left.values().map(BTreeSet::len).sum::<usize>());
        // Rooms that nobody left knows anything of are taken away until none is; what stays goes round.
        while let Some(free) = left.iter().find(|(_, known)| known.iter().all(|room| !left.contains_key(room))) {
            let free = free.0.clone();
            left.remove(&free);
        }
        let stuck: Vec<&String> = left.keys().collect();
        assert!(stuck.is_empty(), "runtime/{}: a circle among {stuck:?}", member.name);
    }
}

#[test]
fn nothing_that_reads_a_source_can_write_it_or_ask_the_network() {
    let members = members();
    let extract = members.iter().find(|member| member.name == "extract").unwrap();
    let network = ["reqwest", "hyper", "ureq", "tokio", "rustls", "migr-load", "migr-connect"];
    let known: Vec<_> = extract.normal().into_iter().filter(|name| network.contains(&name.as_str())).collect();
    assert!(known.is_empty(), "extract depends on {known:?}");
    let writing = [
        "OpenOptions",
        "File::create",
        "File::options",
        ".write(true)",
        "fs::write",
        "fs::remove",
        "fs::rename",
        "fs::copy",
        "create_dir",
        "set_permissions",
        "set_len",
        "set_modified",
        "hard_link",
        "fs::symlink(",
        "io::Write",
        "Command::new",
    ];
    let mut found = Vec::new();
    let sources = production_sources(extract);
    assert!(sources.len() > 5);
    for (path, text) in sources {
        for (number, line) in text.lines().enumerate() {
            if writing.iter().any(|word| line.contains(word)) {
                found.push(format!("{}, about line {}: {}", shown(&path), number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    // The plan has no connector for a source: an export's files are all there is of it.
    let text = fs::read_to_string(root().join("compiler/plan/src/plan.rs")).unwrap();
    let source = text.split("pub struct Source {").nth(1).unwrap().split("\n}").next().unwrap();
    assert!(!source.contains("connector") && !source.contains("settings"), "{source}");
}

#[test]
fn every_crate_has_a_readme_and_the_workspaces_lints() {
    let mut missing = Vec::new();
    for member in members() {
        let folder = shown(&member.folder);
        let readme = fs::read_to_string(member.folder.join("README.md")).unwrap_or_default();
        if readme.lines().filter(|line| !line.is_empty()).count() < 2 {
            missing.push(format!("{folder} has no README.md that says anything"));
        }
        let lints = member.manifest.get("lints").and_then(|lints| lints.get("workspace"));
        if lints.and_then(toml::Value::as_bool) != Some(true) {
            missing.push(format!("{folder} does not say `[lints] workspace = true`"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_version_stands_in_the_workspaces_manifest() {
    for member in members() {
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(table) = member.manifest.get(section).and_then(toml::Value::as_table) else { continue };
            for (name, value) in table {
                let from_workspace = value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                assert!(from_workspace, "{} gives `{name}` a version of its own", shown(&member.folder));
            }
        }
    }
}

#[test]
fn no_source_file_is_too_long() {
    let mut long = Vec::new();
    for folder in [COMPILER, RUNTIME, "tests"] {
        for (path, text) in sources(&root().join(folder)) {
            let lines = text.lines().count();
            if lines > LONGEST_FILE {
                long.push(format!("{} has {lines} lines", shown(&path)));
            }
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn the_top_level_holds_only_what_it_should() {
    let names = entries(&root()).into_iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
    let strangers: Vec<String> = names
        .filter(|name| !name.starts_with('.') && name != "target" && !TOP_LEVEL.contains(&name.as_str()))
        .collect();
    assert!(strangers.is_empty(), "at the top level: {strangers:?}");
}

#[test]
fn what_is_compiled_for_tests_only_is_left_out_of_the_scan() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\n// println!\nfn c() {}\n";
    assert_eq!(without_tests(text), "fn a() {}\nfn c() {}\n");
}
