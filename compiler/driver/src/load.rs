//! Files of a project and what they use.

use std::collections::VecDeque;
use std::sync::Arc;

use migr_check::Use;
use migr_diagnostics::{Code, Diagnostic, Diagnostics, nearest};
use migr_source::{FileId, SourceMap, Span, System};
use migr_syntax::ast::{Ast, ItemKind};

use crate::library::{library, shipped};
use crate::unseen::unseen;

/// Files that one program may have.
const MOST_FILES: usize = 1_000;

/// Bytes at which no further file is read.
const MOST_BYTES: usize = 16 << 20;

/// The loaded files with their trees, by file id.
pub(crate) struct Loaded {
    pub(crate) sources: SourceMap,
    pub(crate) asts: Vec<Ast>,
    /// Each `use` that names a file which was read.
    pub(crate) uses: Vec<Use>,
}

/// Loads the entry file, or every file of the folder, and whatever they use. Each file is read and parsed once.
pub(crate) fn load(system: &dyn System, entry: Option<&str>, diagnostics: &mut Diagnostics) -> Loaded {
    let mut loaded = Loaded { sources: SourceMap::default(), asts: Vec::new(), uses: Vec::new() };
    let mut waiting: VecDeque<FileId> = VecDeque::new();
    let paths = match entry {
        Some(path) => vec![path.to_owned()],
        None => match system.migr_files("") {
            Ok(paths) => paths,
            Err(error) => {
                diagnostics.push(without_place(error.to_string(), "name a folder that holds `.migr` files"));
                Vec::new()
            }
        },
    };
    for path in paths {
        if loaded.is_full() {
            diagnostics.push(too_much());
            return loaded;
        }
        match system.read(&path) {
            Ok(text) => waiting.push_back(loaded.add(&path, &text, diagnostics)),
            Err(error) => {
                diagnostics.push(without_place(
                    error.to_string(),
                    "check the path, the file's permissions, and that it is saved as UTF-8",
                ));
            }
        }
    }
    while let Some(from) = waiting.pop_front() {
        for (name, span) in loaded.uses(from) {
            let Some(path) = loaded.resolve(from, &name) else {
                diagnostics.push(outside(&name, span));
                continue;
            };
            if let Some(to) = loaded.sources.find(&path) {
                loaded.uses.push(Use { from, to, span });
                continue;
            }
            if loaded.is_full() {
                diagnostics.push(too_much());
                return loaded;
            }
            let text = match shipped(&path) {
                Some(text) => Ok(Arc::from(text)),
                None if path.starts_with("std/") => Err(None),
                None => system.read(&path).map_err(|error| system.exists(&path).then_some(error)),
            };
            match text {
                Ok(text) => {
                    let to = loaded.add(&path, &text, diagnostics);
                    loaded.uses.push(Use { from, to, span });
                    waiting.push_back(to);
                }
                Err(error) => diagnostics.push(unresolved(system, &name, &path, error.map(|error| error.reason), span)),
            }
        }
    }
    report_circles(&loaded.sources, &loaded.uses, diagnostics);
    loaded
}

impl Loaded {
    /// True once it holds as much as one program may.
    fn is_full(&self) -> bool {
        self.asts.len() >= MOST_FILES
            || self.sources.files().map(|(_, file)| file.text.len()).sum::<usize>() >= MOST_BYTES
    }

    fn add(&mut self, path: &str, text: &Arc<str>, diagnostics: &mut Diagnostics) -> FileId {
        let id = self.sources.add(path, Arc::clone(text));
        self.asts.push(migr_syntax::parse(id, text, diagnostics));
        diagnostics.extend(unseen(id, text));
        id
    }

    fn uses(&self, file: FileId) -> Vec<(Arc<str>, Span)> {
        let items = self.asts.get(file.0 as usize).into_iter().flat_map(|ast| &ast.items);
        items
            .filter_map(|item| match &item.kind {
                ItemKind::Use(text) => Some((Arc::clone(&text.node), text.span)),
                _ => None,
            })
            .collect()
    }

    /// The path that a `use` names, as [`System::read`] takes it; nothing where it would leave the project.
    fn resolve(&self, from: FileId, name: &str) -> Option<String> {
        let name = name.strip_suffix(".migr").unwrap_or(name);
        if name.starts_with("std/") {
            return Some(format!("{name}.migr"));
        }
        let path = &self.sources.file(from)?.path;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        for part in name.split('/') {
            match part {
                "" => return None,
                "." => {}
                ".." => {
                    parts.pop()?;
                }
                part => parts.push(part),
            }
        }
        Some(format!("{}.migr", parts.join("/")))
    }
}

fn without_place(message: String, help: &str) -> Diagnostic {
    Diagnostic {
        code: Code::E0203,
        message,
        labels: Vec::new(),
        notes: Vec::new(),
        help: Some(help.to_owned()),
        fix: None,
        related: Vec::new(),
    }
}

fn too_much() -> Diagnostic {
    let message =
        format!("the program has more than {MOST_FILES} files, or more than {} MiB of text", MOST_BYTES >> 20);
    without_place(message, "name the folder of one project, or make it several")
}

fn outside(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0203, format!("`{name}` leads out of the project"), span, "not in the project")
        .with_help("put the file into the project's folder, or use one of the library: `std/…`")
}

fn unresolved(system: &dyn System, name: &str, path: &str, reason: Option<String>, span: Span) -> Diagnostic {
    let message = match reason {
        Some(reason) => format!("`{name}` cannot be read: {reason}"),
        None => format!("there is no `{path}`"),
    };
    let diagnostic = Diagnostic::new(Code::E0203, message, span, "not found");
    let valid: Vec<String> = if path.starts_with("std/") {
        library().iter().map(|(path, _)| path.trim_end_matches(".migr").to_owned()).collect()
    } else {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let files = system.migr_files(folder).unwrap_or_default();
        let name_of = |file: &String| file.rsplit('/').next().unwrap_or(file).trim_end_matches(".migr").to_owned();
        files.iter().map(name_of).collect()
    };
    match nearest(name, valid.iter().map(String::as_str)) {
        Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")).with_instead(span, format!("\"{near}\"")),
        None if valid.is_empty() => diagnostic.with_help("a file is named without `.migr`, as seen from this one"),
        None => {
            let names: Vec<String> = valid.iter().take(8).map(|name| format!("`{name}`")).collect();
            diagnostic.with_help(format!("there are: {}", names.join(", ")))
        }
    }
}

/// Each circle once, drawn from its first file.
fn report_circles(sources: &SourceMap, uses: &[Use], diagnostics: &mut Diagnostics) {
    let count = sources.files().count();
    let mut outgoing: Vec<Vec<&Use>> = vec![Vec::new(); count];
    for one in uses {
        if let Some(from) = outgoing.get_mut(one.from.0 as usize) {
            from.push(one);
        }
    }
    // 0: not seen, 1: on the path, 2: done.
    let mut state = vec![0_u8; count];
    for start in 0..count {
        let mut path: Vec<(usize, usize, Option<&Use>)> = vec![(start, 0, None)];
        if state.get(start) != Some(&0) {
            continue;
        }
        if let Some(seen) = state.get_mut(start) {
            *seen = 1;
        }
        while let Some((file, next, _)) = path.last_mut() {
            let file = *file;
            let one = outgoing.get(file).and_then(|uses| uses.get(*next)).copied();
            *next += 1;
            let Some(one) = one else {
                if let Some(seen) = state.get_mut(file) {
                    *seen = 2;
                }
                path.pop();
                continue;
            };
            let to = one.to.0 as usize;
            match state.get(to) {
                Some(0) => {
                    if let Some(seen) = state.get_mut(to) {
                        *seen = 1;
                    }
                    path.push((to, 0, Some(one)));
                }
                Some(1) => {
                    let circle = path.iter().skip_while(|(file, _, _)| *file != to);
                    let mut names: Vec<String> = circle
                        .clone()
                        .map(|(file, _, _)| file)
                        .filter_map(|file| sources.file(FileId(u32::try_from(*file).ok()?)))
                        .map(|file| format!("`{}`", file.path))
                        .collect();
                    names.extend(names.first().cloned());
                    let mut diagnostic = Diagnostic::new(
                        Code::E0204,
                        format!("files use each other circularly: {}", names.join(" → ")),
                        one.span,
                        "closes the circle",
                    )
                    .with_help("move what both need into a file of its own");
                    for (_, _, via) in circle.skip(1) {
                        if let Some(via) = via {
                            diagnostic = diagnostic.with_label(via.span, "used here");
                        }
                    }
                    diagnostics.push(diagnostic);
                }
                _ => {}
            }
        }
    }
}
