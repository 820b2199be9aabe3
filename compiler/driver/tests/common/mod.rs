//! Parts that the driver's tests share; each test file uses some of them.
#![expect(dead_code, unreachable_pub, reason = "each test file is a program of its own and uses a part")]

use migr_diagnostics::{Format, RenderOptions, render};
use migr_driver::{Compilation, Project, compile};
use migr_source::MemorySystem;

/// Compiles a folder of one or more files.
pub fn compile_folder(system: &MemorySystem) -> Compilation {
    compile(&Project { system, entry: None, destination: None, lock: None })
}

/// Compiles one text as a project of its own.
pub fn compile_text(text: &str) -> Compilation {
    compile_folder(&MemorySystem::default().with("main.migr", text))
}

/// The findings as a terminal shows them.
pub fn shown(compilation: &Compilation) -> String {
    let mut text = String::new();
    let options = RenderOptions::default();
    match render(Format::Human, &compilation.diagnostics, &compilation.sources, &options, &mut text) {
        Ok(()) => text,
        Err(error) => error.to_string(),
    }
}

/// `path:line code message`, one line each.
pub fn short(compilation: &Compilation) -> String {
    let line = |one: &migr_diagnostics::Diagnostic| {
        let place = one.span().map_or_else(String::new, |span| {
            format!("{}:{} ", compilation.sources.path(span), compilation.sources.start(span).line)
        });
        let help = one.help.as_ref().map_or_else(String::new, |help| format!("\n    {}", help.replace('\n', "\n    ")));
        format!("{place}{} {}{help}\n", one.code, one.message)
    };
    compilation.diagnostics.iter().map(line).collect()
}
