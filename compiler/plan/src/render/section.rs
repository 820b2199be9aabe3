//! Parts of a plan for people, before they are laid out: sections of sentences and of groups, groups of notes and rows.

use crate::Origin;

/// Rows of a group that the concise form shows; the rest is counted.
pub(super) const CONCISE_ROWS: usize = 8;

/// Part of a plan under a heading.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) title: String,
    /// Sentences about the whole.
    pub(super) about: Vec<String>,
    pub(super) groups: Vec<Group>,
}

/// Rows that belong together.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Heading, where the group has one of its own, and what stands beside it.
    pub(super) heading: Option<(String, String)>,
    /// Sentences about the group.
    pub(super) notes: Vec<String>,
    /// Names of the three columns.
    pub(super) columns: [&'static str; 3],
    /// Columns whose text is written in the language.
    pub(super) is_code: [bool; 3],
    pub(super) rows: Vec<Row>,
    /// Rows that the concise form leaves out.
    pub(super) left_out: usize,
}

/// One row: a sign, three cells and the line of the spec that it comes from.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) sign: Sign,
    pub(super) cells: [String; 3],
    pub(super) place: Option<String>,
}

/// Effect of a row on the destination, or on what arrives there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sign {
    /// Says how something is.
    #[default]
    Plain,
    /// Adds.
    Plus,
    /// Changes.
    Tilde,
    /// Leaves out.
    Minus,
}

impl Sign {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Plain => " ",
            Self::Plus => "+",
            Self::Tilde => "~",
            Self::Minus => "-",
        }
    }
}

impl Section {
    pub(super) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Adds a sentence.
    pub(super) fn say(&mut self, sentence: impl Into<String>) {
        self.about.push(sentence.into());
    }

    /// True where there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.about.is_empty() && self.groups.iter().all(Group::is_empty)
    }
}

impl Group {
    /// A group of three columns.
    pub(super) fn new(columns: [&'static str; 3], is_code: [bool; 3]) -> Self {
        Self { columns, is_code, ..Self::default() }
    }

    /// The group under a heading, with what stands beside it.
    pub(super) fn under(mut self, heading: impl Into<String>, beside: impl Into<String>) -> Self {
        self.heading = Some((heading.into(), beside.into()));
        self
    }

    pub(super) fn note(&mut self, sentence: impl Into<String>) {
        self.notes.push(sentence.into());
    }

    pub(super) fn row(&mut self, sign: Sign, cells: [String; 3], origin: Option<&Origin>) {
        self.rows.push(Row { sign, cells, place: origin.map(place) });
    }

    /// Cuts the rows to those that a concise form shows, unless it is the full one.
    pub(super) fn cut(self, full: bool) -> Self {
        self.cut_to(CONCISE_ROWS, full)
    }

    /// Cuts the rows to so many, unless it is the full form.
    pub(super) fn cut_to(mut self, most: usize, full: bool) -> Self {
        if !full && self.rows.len() > most + 1 {
            self.left_out = self.rows.len() - most;
            self.rows.truncate(most);
        }
        self
    }

    fn is_empty(&self) -> bool {
        self.heading.is_none() && self.notes.is_empty() && self.rows.is_empty()
    }
}

/// `migration.migr:12`
pub(super) fn place(origin: &Origin) -> String {
    format!("{}:{}", origin.file, origin.line)
}

/// `3 fields`, `1 field`, `2 entries`.
pub(super) fn counted(count: usize, one: &str) -> String {
    match (count, one.strip_suffix('y')) {
        (1, _) => format!("1 {one}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        _ => format!("{count} {one}s"),
    }
}
