//! Reads a project's files and those they use, each once.

use migr_diagnostics::{Code, Diagnostic, Diagnostics, nearest};
use migr_source::{FileId, SourceMap, Span};
use migr_syntax::ast::{Ast, ItemKind, Text};

use crate::Project;
use crate::library::{library, shipped};

/// The files of a compilation, parsed.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) sources: SourceMap,
    /// In the order of the source map.
    pub(crate) asts: Vec<Ast>,
}

/// Reads and parses the project's files, then whatever they use.
pub(crate) fn load(project: &Project<'_>, diagnostics: &mut Diagnostics) -> Loaded {
    let mut loader = Loader { project, loaded: Loaded::default(), open: Vec::new(), diagnostics };
    let entries = match project.entry {
        Some(entry) => vec![entry.to_owned()],
        None => project.system.migr_files("").unwrap_or_default(),
    };
    for path in entries {
        loader.file(&path, None);
    }
    loader.loaded
}

struct Loader<'a, 'd> {
    project: &'a Project<'a>,
    loaded: Loaded,
    /// The files whose `use`s are being followed, outermost first.
    open: Vec<String>,
    diagnostics: &'d mut Diagnostics,
}

impl Loader<'_, '_> {
    /// Reads one file, unless it was read, and follows its `use`s. `asked` is the `use` that named it.
    fn file(&mut self, path: &str, asked: Option<&Text>) {
        if let Some(at) = self.open.iter().position(|open| open == path) {
            if let Some(asked) = asked {
                let circle: Vec<&str> = self.open.iter().skip(at).map(String::as_str).chain([path]).collect();
                self.diagnostics.push(
                    Diagnostic::new(
                        Code::E0204,
                        format!("files use each other in a circle: {}", circle.join(" → ")),
                        asked.span,
                        "closes the circle",
                    )
                    .with_help("move what both need into a file of its own"),
                );
            }
            return;
        }
        if self.loaded.sources.find(path).is_some() {
            return;
        }
        let text = match shipped(path) {
            Some(text) => text.into(),
            None => match self.project.system.read(path) {
                Ok(text) => text,
                Err(error) => {
                    self.unreadable(path, &error.reason, asked);
                    return;
                }
            },
        };
        let id = self.loaded.sources.add(path, text.clone());
        let ast = migr_syntax::parse(id, &text, self.diagnostics);
        let uses: Vec<Text> = ast
            .items
            .iter()
            .filter_map(|item| match &item.kind {
                ItemKind::Use(used) => Some(used.clone()),
                _ => None,
            })
            .collect();
        self.loaded.asts.push(ast);
        self.open.push(path.to_owned());
        for used in uses {
            self.file(&used_path(path, &used.node), Some(&used));
        }
        self.open.pop();
    }

    fn unreadable(&mut self, path: &str, reason: &str, asked: Option<&Text>) {
        let Some(asked) = asked else {
            let id = self.loaded.sources.add(path, "");
            self.loaded.asts.push(Ast::default());
            self.diagnostics.push(
                Diagnostic::new(
                    Code::E0203,
                    format!("cannot read `{path}`: {reason}"),
                    Span::new(FileId(id.0), 0, 0),
                    "",
                )
                .with_help("save it as UTF-8 text, or name another file"),
            );
            return;
        };
        let message = format!("`use \"{}\"` names no file", asked.node);
        let mut diagnostic = Diagnostic::new(Code::E0203, message, asked.span, "no such file");
        diagnostic = if path.starts_with("std/") {
            let names: Vec<&str> = library().iter().map(|(name, _)| name.trim_end_matches(".migr")).collect();
            match nearest(&asked.node, names.iter().copied()) {
                Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")),
                None => diagnostic.with_help(format!("the shipped library holds {}", names.join(", "))),
            }
        } else {
            diagnostic
                .with_note(format!("`{path}`: {reason}"))
                .with_help("a `use` names a file beside this one without `.migr`, or `std/…` for the shipped library")
        };
        self.diagnostics.push(diagnostic);
    }
}

/// The path of a used file: `std/…`, else relative to the folder of the file that uses it.
fn used_path(from: &str, used: &str) -> String {
    let with_ending = if used.ends_with(".migr") { used.to_owned() } else { format!("{used}.migr") };
    if with_ending.starts_with("std/") {
        return with_ending;
    }
    let mut parts: Vec<&str> = from.rsplit_once('/').map_or(Vec::new(), |(folder, _)| folder.split('/').collect());
    for part in with_ending.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::used_path;

    #[test]
    fn a_use_is_beside_the_file_that_names_it() {
        assert_eq!(used_path("a.migr", "b"), "b.migr");
        assert_eq!(used_path("maps/a.migr", "../catalogs/b.migr"), "catalogs/b.migr");
        assert_eq!(used_path("maps/a.migr", "std/systems/twenty"), "std/systems/twenty.migr");
    }
}
