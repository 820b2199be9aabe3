//! Findings, their labels and their fixes.

use migr_source::{SourceMap, Span};

use crate::{Code, Severity};

/// One finding. Made by checks, shown by renderers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// Severity, slug and page come from the registry.
    pub code: Code,
    /// One line that says what, lower case, no full stop, names in `backticks`. It stands alone.
    pub message: String,
    /// The first is the primary; all lie in the primary's file.
    pub labels: Vec<Label>,
    /// Facts the reader may lack.
    pub notes: Vec<String>,
    /// Advice to the reader, one sentence.
    pub help: Option<String>,
    /// A change of the text.
    pub fix: Option<Fix>,
    /// Places in other files, or the cause.
    pub related: Vec<Diagnostic>,
}

/// A span with a few words (at most six).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label {
    /// The smallest guilty span.
    pub span: Span,
    /// The words; may be empty.
    pub text: String,
}

/// A change of the text that would mend the finding.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fix {
    /// Title that says what the edits do, imperative.
    pub title: String,
    /// Replacements; they do not overlap.
    pub edits: Vec<Edit>,
    /// Certainty of the fix: `check --fix` makes only safe ones.
    pub applicability: Applicability,
}

/// One replacement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Edit {
    /// Text that is replaced; empty to insert.
    pub span: Span,
    /// By what.
    pub text: String,
}

/// Certainty of a fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Applicability {
    /// Keeps the meaning that was clearly meant; `--fix` makes it.
    Safe,
    /// May change the meaning; only shown.
    Unsafe,
}

impl Diagnostic {
    /// A finding at a place. `label` is what stands under it.
    pub fn new(code: Code, message: impl Into<String>, span: Span, label: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            labels: vec![Label { span, text: label.into() }],
            notes: Vec::new(),
            help: None,
            fix: None,
            related: Vec::new(),
        }
    }

    /// Adds a place with the evidence. One in another file becomes a related finding.
    #[must_use]
    pub fn with_label(mut self, span: Span, text: impl Into<String>) -> Self {
        let text = text.into();
        if self.labels.first().is_some_and(|primary| primary.span.file != span.file) {
            self.related.push(Self::new(self.code, text.clone(), span, text));
        } else {
            self.labels.push(Label { span, text });
        }
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Offers a change.
    #[must_use]
    pub fn with_fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }

    /// Offers a text in the place of another; it may not be what was meant.
    #[must_use]
    pub fn with_instead(self, span: Span, text: impl Into<String>) -> Self {
        let text = text.into();
        let title = format!("write `{text}`");
        self.with_fix(Fix { title, edits: vec![Edit { span, text }], applicability: Applicability::Unsafe })
    }

    /// The primary place, if it has one.
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }

    /// Error or warning.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// The findings of one run, in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.items.push(diagnostic);
    }

    /// Adds many.
    pub fn extend(&mut self, more: impl IntoIterator<Item = Diagnostic>) {
        self.items.extend(more);
    }

    /// Those made so far.
    pub fn items(&self) -> &[Diagnostic] {
        &self.items
    }

    /// True where there is an error.
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|item| item.severity() == Severity::Error)
    }

    /// Sorted by path, place and code, doubles removed: the form in which they are shown.
    pub fn into_sorted(self, sources: &SourceMap) -> Vec<Diagnostic> {
        let mut items = self.items;
        items.sort_by_cached_key(|item| {
            let place = item.span().map(|span| (sources.path(span).to_owned(), span.start, span.end));
            (place, item.code, item.message.clone())
        });
        items.dedup();
        items
    }
}
