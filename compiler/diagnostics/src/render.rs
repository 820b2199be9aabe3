//! Renderers of findings, one module for each format.

use std::fmt;

use migr_source::SourceMap;

use crate::{Diagnostic, Severity};

mod fingerprint;
#[cfg(test)]
mod fixture;
mod github;
mod gitlab;
mod human;
mod json;
mod junit;
mod place;
mod sarif;
mod short;

pub use json::schema;

/// A form in which findings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people at a terminal: the source drawn, with what is wrong underlined.
    Human,
    /// One line each: `path:line:col: error[E0304]: message`.
    Short,
    /// One document for tools, with a `format_version`.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands that GitHub shows beside the changed lines.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// JUnit XML, for test reports.
    Junit,
}

impl Format {
    /// Every format, in the order in which help lists them.
    pub const ALL: &'static [Self] =
        &[Self::Human, Self::Short, Self::Json, Self::Sarif, Self::Github, Self::Gitlab, Self::Junit];

    /// As written on the command line: `human`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Short => "short",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Junit => "junit",
        }
    }

    /// The format of a name as written on the command line.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.as_str() == name)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Facts that a renderer may ask about the place where its text ends up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderOptions {
    /// True where colours are written (ANSI escapes). Only `human` has any.
    pub color: bool,
    /// Width of the terminal in columns. Only `human` wraps.
    pub width: usize,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self { color: false, width: 90 }
    }
}

/// Writes the findings in one format. They are shown in the order given; [`Diagnostics::into_sorted`](crate::Diagnostics::into_sorted) gives the usual one.
/// Spans beyond their file are clamped. The only error is one of `out`.
pub fn render(
    format: Format,
    diagnostics: &[Diagnostic],
    sources: &SourceMap,
    options: &RenderOptions,
    out: &mut dyn fmt::Write,
) -> fmt::Result {
    match format {
        Format::Human => human::render(diagnostics, sources, options, out),
        Format::Short => short::render(diagnostics, sources, options, out),
        Format::Json => json::render(diagnostics, sources, options, out),
        Format::Sarif => sarif::render(diagnostics, sources, options, out),
        Format::Github => github::render(diagnostics, sources, options, out),
        Format::Gitlab => gitlab::render(diagnostics, sources, options, out),
        Format::Junit => junit::render(diagnostics, sources, options, out),
    }
}

/// Number of findings of a severity.
fn count(diagnostics: &[Diagnostic], severity: Severity) -> usize {
    diagnostics.iter().filter(|diagnostic| diagnostic.severity() == severity).count()
}

/// Message, notes and help, each on a line of its own: for formats that have one text for all.
fn whole_text(diagnostic: &Diagnostic) -> String {
    let notes = diagnostic.notes.iter().map(|note| format!("note: {note}"));
    let help = diagnostic.help.iter().map(|help| format!("help: {help}"));
    std::iter::once(diagnostic.message.clone()).chain(notes).chain(help).collect::<Vec<_>>().join("\n")
}

/// Writes a value as indented JSON and a newline.
fn write_json(value: &impl serde::Serialize, out: &mut dyn fmt::Write) -> fmt::Result {
    let text = serde_json::to_string_pretty(value).map_err(|_| fmt::Error)?;
    writeln!(out, "{}", migr_escape::json(&text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Applicability, Code, Edit, Fix};
    use migr_source::{FileId, Span};

    #[test]
    fn every_format_is_found_by_its_name() {
        for format in Format::ALL {
            assert_eq!(Format::find(format.as_str()), Some(*format));
        }
        assert_eq!(Format::find("xml"), None);
    }

    #[test]
    fn nothing_found_is_a_whole_document_in_every_format() {
        let mut shown = String::new();
        for format in Format::ALL {
            shown.extend(["--- ", format.as_str(), "\n", &fixture::rendered(*format, &[])]);
        }
        insta::with_settings!({ filters => fixture::filters() }, { insta::assert_snapshot!(shown) });
    }

    #[test]
    fn a_finding_in_a_very_long_line_is_drawn_with_what_surrounds_it() {
        let line = format!("{}bad{}", "é".repeat(70_000), "x".repeat(70_000));
        let mut sources = SourceMap::default();
        let file = sources.add("a.migr", format!("first\n{line}\nlast"));
        let at = 6 + 140_000;
        let here = Diagnostic::new(Code::E0304, "what", Span::new(file, at, at + 3), "here");
        let far = Diagnostic::new(Code::E0304, "what", Span::new(file, 7, 6 + line.len()), "all of it")
            .with_label(Span::new(file, 0, 3), "elsewhere");
        let neighbour = Diagnostic::new(Code::E0304, "what", Span::new(file, 0, 5), "above it");
        for format in Format::ALL {
            let mut out = String::new();
            let findings = [here.clone(), far.clone(), neighbour.clone()];
            render(*format, &findings, &sources, &RenderOptions::default(), &mut out).unwrap();
            assert!(out.len() < 30_000, "{format}: {}", out.len());
        }
        let mut out = String::new();
        render(Format::Human, &[here], &sources, &RenderOptions::default(), &mut out).unwrap();
        insta::assert_snapshot!(out);
    }

    #[test]
    fn nothing_in_a_file_steers_what_it_is_shown_in() {
        let text = "map A -> b { // \u{202e}::error::x\r::add-mask::y ##[add-mask]z \u{1b}[2J\n::set-env\n}";
        let mut sources = SourceMap::default();
        let file = sources.add("a\u{1b}[2J\n::error::.migr", text);
        let finding = Diagnostic::new(Code::E0304, format!("no `{text}`"), Span::new(file, 4, 5), text)
            .with_note(text)
            .with_help(text);
        for format in Format::ALL {
            for color in [false, true] {
                let mut out = String::new();
                let options = RenderOptions { color, width: 60 };
                render(
                    *format,
                    &[finding.clone(), finding.clone().with_label(Span::new(file, 0, 60), text)],
                    &sources,
                    &options,
                    &mut out,
                )
                .unwrap();
                let out = if *format == Format::Human { migr_escape::colored(&out).replace('\u{1b}', "") } else { out };
                let bad = |one: char| migr_escape::is_deceptive(one) && one != '\n';
                assert!(!out.contains(bad), "{format}: {out:?}");
                let commands = out.lines().filter(|line| line.trim_start().starts_with("::")).count();
                assert_eq!(commands, if *format == Format::Github { 2 } else { 0 }, "{format}: {out}");
            }
        }
    }

    fn text() -> impl Strategy<Value = String> {
        prop::collection::vec(
            prop::sample::select(vec!["a", " ", "\t", "\r", "\n", "\r\n", "é", "👍", "漢", "\u{7}", "<&\"%"]),
            0..30,
        )
        .prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn no_span_of_any_text_stops_a_renderer(
            text in text(), message in text(), spans in prop::collection::vec((0_u32..3, 0_u32..60, 0_u32..60), 0..5), width in 0_usize..100,
        ) {
            let mut sources = SourceMap::default();
            sources.add("a.migr", text.as_str());
            sources.add("b c.migr", "map A -> b {\n}\n");
            let mut diagnostic = Diagnostic::new(Code::E0304, message.clone(), Span { file: FileId(0), start: 5, end: 3 }, "here");
            for (file, start, end) in spans {
                let span = Span { file: FileId(file), start, end };
                diagnostic = diagnostic.with_label(span, message.clone()).with_note(message.clone()).with_help(message.clone());
                let edits = vec![Edit { span, text: message.clone() }];
                diagnostic.fix = Some(Fix { title: message.clone(), edits, applicability: Applicability::Safe });
            }
            for format in Format::ALL {
                let mut out = String::new();
                let options = RenderOptions { color: width % 2 == 0, width };
                prop_assert!(render(*format, std::slice::from_ref(&diagnostic), &sources, &options, &mut out).is_ok());
            }
        }
    }
}
