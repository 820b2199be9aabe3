//! Findings of an audit: their kinds, and the collector that counts them.

use std::fmt;
use std::io;

use serde::{Serialize, Serializer};

/// Something an administrator should know before a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Kind of the finding.
    pub kind: FindingKind,
    /// Severity of the finding.
    pub severity: Severity,
    /// The source object, where it concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The record's source key; several columns joined with ` + `.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The file, relative to the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The 1-based physical line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The source column, or the destination field where no column is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// One sentence. Values of sensitive columns stand as shapes.
    pub message: String,
    /// Advice on what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Number of records that the finding concerns.
    pub count: u64,
}

impl Finding {
    /// A finding that concerns one record or thing.
    pub(crate) fn new(kind: FindingKind, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            kind,
            severity,
            object: None,
            key: None,
            file: None,
            line: None,
            column: None,
            message: message.into(),
            help: None,
            count: 1,
        }
    }

    pub(crate) fn of(mut self, object: &str) -> Self {
        self.object = Some(object.to_owned());
        self
    }

    pub(crate) fn at(mut self, file: &str, line: u64) -> Self {
        self.file = Some(file.to_owned());
        self.line = (line > 0).then_some(line);
        self
    }

    pub(crate) fn in_file(mut self, file: &str) -> Self {
        self.file = Some(file.to_owned());
        self
    }

    pub(crate) fn with_key(mut self, key: &str) -> Self {
        self.key = (!key.is_empty()).then(|| shown_key(key));
        self
    }

    pub(crate) fn in_column(mut self, column: &str) -> Self {
        self.column = Some(column.to_owned());
        self
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn counting(mut self, count: u64) -> Self {
        self.count = count;
        self
    }
}

/// A source key as a person reads it: its columns joined with ` + `.
pub(crate) fn shown_key(key: &str) -> String {
    key.replace('\u{1f}', " + ")
}

/// Severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Records will be quarantined, or the migration cannot read something it needs.
    Error,
    /// A written rule takes effect, or a person should look.
    Warning,
    /// Good to know.
    Note,
}

impl Severity {
    /// `error`, `warning`, `note`
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $title:literal, $help:literal;)*) => {
        /// Kind of a finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FindingKind { $($(#[$doc])* $kind,)* }

        impl FindingKind {
            /// Every kind, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// `duplicate-key`
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// As the heading of a list: `Keys that an earlier record has`.
            pub fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)* }
            }

            /// Advice for the kind, in general.
            pub fn help(self) -> &'static str {
                match self { $(Self::$kind => $help,)* }
            }
        }
    };
}

kinds! {
    /// An object's file is not there.
    MissingFile = "missing-file", "Files that are not there", "Export them again, or correct the path.";
    /// An optional object's file is not there.
    MissingObject = "missing-object", "Optional objects that this export lacks", "Nothing, if this deployment does not have them.";
    /// A file's header cannot be used.
    BadHeader = "bad-header", "Files that cannot be read", "Correct the file's header, or export it again.";
    /// A file that no object reads and no rule drops.
    UnclaimedFile = "unclaimed-file", "Files that nothing reads", "Map them, or write `drop file \"…\" : \"why\"`.";
    /// A file cut where exports are cut.
    CutExport = "cut-export", "Files that may be cut short", "Compare with the source's own count; export in parts if it has more.";
    /// A file with another number of records than the source is said to have.
    CountDiffers = "count-differs", "Files with another number of records than the source", "Export again with every record selected, in parts if the source cuts exports.";
    /// A file of which nobody knows what columns it should have.
    UnknownColumns = "unknown-columns", "Files whose columns no catalog lists", "Compare the columns with the source's list view, or list them in the catalog; the next audit compares with this one.";
    /// A column that the catalog or an earlier export has.
    HiddenColumn = "hidden-column", "Columns that are hidden or gone", "Show them in the source's list view, then export again: an export holds visible columns only.";
    /// A column that an earlier export lacked.
    ColumnCameBack = "column-came-back", "Columns that came back", "Nothing.";
    /// A column that the catalog does not know.
    ExtraColumn = "extra-column", "Columns that the catalog does not know", "Add them to the catalog, then map or drop them.";
    /// A row that is no record.
    MalformedRow = "malformed-row", "Rows that cannot be read", "Correct the row in the file, or export it again.";
    /// A record without a key.
    BlankKey = "blank-key", "Records without a key", "Give them one in the source, then export again.";
    /// A record of which nothing but the key is there.
    EmptyRecord = "empty-record", "Records of which nothing but the key is there, and lines of totals", "Take the rows out of the export (a line of totals is one too), or leave them out: `skip OBJECT when COLUMN == none : \"why\"`.";
    /// Cells that are blank by a word of the spec, or only look so.
    BlankWord = "blank-word", "Cells that are blank by a written word, or may stand for none", "Look whether a value is lost so; `blank never` behind a column keeps it, and `blank \"…\"` makes none of it.";
    /// A number that a spreadsheet wrote with fewer digits than it had.
    ShortenedNumber = "shortened-number", "Numbers that a spreadsheet has shortened (W0612)", "Export again as text: the digits that are gone stand nowhere else.";
    /// A cell that holds the error of a formula.
    SpreadsheetError = "spreadsheet-error", "Errors of a spreadsheet's formulas (W0612)", "Correct the formula, export again, or write `blank \"#N/A\"` behind the column.";
    /// A text in marks by which a spreadsheet keeps it from being a number.
    WrappedText = "wrapped-text", "Texts in a spreadsheet's marks (W0612)", "Export again without them, or take them out in the map: `| replace(\"=\", \"\") | replace(\"\\\"\", \"\")`.";
    /// A number of which digits before or behind it are not kept.
    UnkeptDigits = "unkept-digits", "Digits that a number or a time does not keep (W0612)", "Declare the column as `text`, or map it to a text as well, if they say something.";
    /// A text that was read in another encoding than it was written in.
    BrokenLetters = "broken-letters", "Letters that a wrong encoding has broken (W0612)", "Export again as UTF-8: what stands there now is what would be written.";
    /// A plain text that looks like Markdown.
    MarkdownText = "markdown-text", "Plain texts that look like Markdown (W0612)", "Nothing, if they are to be shown as written; `richtext format \"markdown\"` in the catalog shows their marks.";
    /// A text that holds marks of HTML.
    HtmlText = "html-text", "Texts that hold marks of HTML (W0612)", "`| plain` in the map makes a text of them, `| markdown` a formatted one; as they stand, their marks are shown.";
    /// A record whose key an earlier one has.
    DuplicateKey = "duplicate-key", "Keys that an earlier record has", "Remove the repetition in the source, or say which row counts: `on duplicate keep newest COLUMN`, `on duplicate keep first`.";
    /// A value of a unique column that an earlier record has.
    DuplicateValue = "duplicate-value", "Values that should be unique", "Make them different in the source.";
    /// A date that cannot be read.
    BadDate = "bad-date", "Dates that cannot be read", "Correct them in the source; where they may be lost, `otherwise none` leaves the field empty.";
    /// A wall-clock time that never was.
    DstGap = "dst-gap", "Times that never were (clocks went forward)", "Correct them, or declare `gap = forward` on the column.";
    /// A wall-clock time that was twice.
    DstOverlap = "dst-overlap", "Times that were twice (clocks went back)", "Declare `overlap = earlier` or `later` on the column, or correct them.";
    /// A day that a record hardly means.
    OddDay = "odd-day", "Births still to come, and days in years far from any", "Correct them in the source; where a year has two digits, `pivot YEAR` says which hundred years are meant.";
    /// A number or amount that cannot be read.
    BadNumber = "bad-number", "Numbers and amounts that cannot be read", "Correct them in the source, or write the column's `format`; where they may be lost, `otherwise none` leaves the field empty.";
    /// A column of which another format reads more than its own.
    ContradictedFormat = "contradicted-format", "Formats that their columns contradict (W0614)", "Write the format that fits; `allow \"contradicted-format\"` says that the values are right.";
    /// A column that another format reads otherwise.
    UnprovenFormat = "unproven-format", "Formats that no value proves (W0613)", "Write the format that is meant.";
    /// An amount that names no currency where others of its column name one.
    UnnamedCurrency = "unnamed-currency", "Amounts that name no currency, beside others that do (W0612)", "Correct them in the source, or name the currency in the map: `money(\"EUR\")`, `money(currency_column)`.";
    /// A text longer than its column allows.
    TooLong = "too-long", "Texts that are too long", "Shorten them in the source, or with `truncate(n)`.";
    /// A text longer than the destination is known to take.
    LongText = "long-text", "Texts that are longer than the destination is known to take (W0619)", "Nothing: they are sent whole, and one that the destination refuses is quarantined. `truncate(n)` would shorten them.";
    /// Another value that cannot be read or written.
    BadValue = "bad-value", "Values that cannot be used", "Correct them in the source; what becomes of those that stay says `otherwise`.";
    /// A record that breaks a `check`.
    CheckFailed = "check-failed", "Records that break a rule of the catalog", "Correct them in the source.";
    /// A cell with signs that a reader does not see.
    UnseenSigns = "unseen-signs", "Texts with signs that are not seen", "Take them out in the source, or in the map with `| replace(…)`: a text with one is another text, for keys, references and `match` too.";
    /// A list whose separator stands inside a member.
    SeparatorInValue = "separator-in-value", "Lists in which a separator is escaped or stands in quotes", "Export the list with another separator, or part the column in the map: here the separator parts such a value too.";
    /// A list in whose cells another sign separates the values.
    OtherSeparator = "other-separator", "Lists whose values another sign seems to separate", "Write the sign that separates the values (`split \"…\"` behind the column); nothing, if it is part of them.";
    /// A value that the picklist does not name.
    UnknownPicklistValue = "unknown-picklist-value", "Values that no row of a picklist names", "Add a row to the picklist, or correct the value.";
    /// Values that differ and would become one option.
    CollidingOptions = "colliding-options", "Values that differ and would become one option (`otherwise create`)", "Add a row for each to the picklist, with an option of its own.";
    /// A row of a picklist that no record meets.
    UnusedRow = "unused-row", "Rows of picklists that no record meets", "Remove the row, or mend its spelling.";
    /// A picklist whose rows stand in another order than the source's values.
    OptionOrder = "option-order", "Picklists whose rows stand in another order than the source's values", "Put the rows into the source's order, if the options are to keep it.";
    /// A value that becomes an option of its own.
    NewOption = "new-option", "Values that become options of their own (`otherwise create`)", "Look for misspellings; add rows for those that mean an option you have.";
    /// A value, met in few records, that becomes an option of its own.
    RareOption = "rare-option", "Rare values that would become options of their own", "These look like mistakes: add a row that maps them, or correct them.";
    /// A reference to a record that is not in the export.
    DanglingReference = "dangling-reference", "References to records that are not in the export", "Export the missing records too, or correct the key; `on missing none` leaves the reference out.";
    /// A reference that fits several records.
    AmbiguousReference = "ambiguous-reference", "References that fit several records", "Refer by a column that tells the records apart, such as their key, or make the values differ in the source; `on missing none` leaves the reference out.";
    /// A reference to a record that will not be written.
    LostReference = "lost-reference", "References to records that will not be written", "Mend the referred record first; `on missing none` leaves the reference out.";
    /// Records that refer to each other in a circle.
    ReferenceCycle = "reference-cycle", "Circular references", "Correct one of them in the source; `on cycle` says what happens otherwise.";
    /// An owner whom nobody in the destination stands for.
    OrphanOwner = "orphan-owner", "Owners without a matching user", "Invite them, or write an override in `owners`; else the fallback takes their records.";
    /// A person whom `owners` names and who is no member of the destination.
    UnknownMember = "unknown-member", "People named in `owners` who are no members of the destination", "Invite them there, or name another person.";
    /// Several records that would be one.
    DuplicateIdentity = "duplicate-identity", "Records that would become one", "`on duplicate` says what happens, and `on taken` behind a field whose values one record alone may have; look whether they are the same.";
    /// Identities that differ in spelling alone.
    NearIdentity = "near-identity", "Identities that differ in case, blanks or the form of a letter alone", "Look whether they are the same: written in one way, in the source or by the map (`| lower`, `| replace(…)`), they are one record.";
    /// A live record of the destination with the same identity.
    ExistingTwin = "existing-twin", "Records that the destination has already", "`on existing` says what happens.";
    /// A record in the destination's trash with the same identity.
    TrashedTwin = "trashed-twin", "Records that are in the destination's trash", "`on deleted` says what happens; a trashed record still holds its unique values.";
    /// A record that `existing` names and that is not there once.
    MissingExisting = "missing-existing", "Records that the spec expects in the destination", "Make them in the destination, or write the name of one that is there.";
    /// An option, or a stage, that a row writes and the destination does not have.
    MissingOption = "missing-option", "Options and stages that the destination lacks", "Make them in the destination, or write one that is there; of a row, `new` has setup make it where it can.";
    /// A value that the destination gives, since the export has none.
    DefaultTaken = "default-taken", "Values that are the destination's defaults (W0618)", "Nothing, if that is meant; a row `none = OPTION` of its picklist, or `column ?? VALUE`, says another one.";
    /// An object or a field that a map writes and the live destination does not have.
    DestinationLacks = "destination-lacks", "What the destination cannot hold", "Write to a field that is there, make another with `new`, or leave it out; what is there under the name is mended in the destination.";
    /// A time to settle that is shorter than the destination's look-ups were seen to lag.
    ShortSettle = "short-settle", "Times to settle that are shorter than the destination's lag", "Leave `settle` out, or make it as long as the lag: a record that an early look misses would be made twice.";
    /// A workflow or webhook of the destination that what is written starts.
    FiringWorkflow = "firing-workflow", "Workflows and webhooks of the destination that what is written starts (W0615)", "Switch them off there while records are written, or permit them with a reason.";
    /// A permit for a workflow or webhook that what is written does not start.
    IdlePermit = "idle-permit", "Permits for workflows and webhooks that what is written does not start (W0616)", "Correct the name, or take the entry out.";
    /// An entry that accepts findings by name, where nothing raises them.
    IdleAllow = "idle-allow", "Entries that accept what nothing raises (W0211)", "Correct the name, or take the entry out: it would hide the next finding of its kind.";
    /// A file that a record names is not there.
    MissingAttachment = "missing-attachment", "Files of records that are not there", "Download them from the source into the export's folder.";
    /// A cell that holds a link in place of a file.
    LinkedAttachment = "linked-attachment", "Files that are only links", "Name their hosts in the source's `fetch`, or download them and put their paths there.";
    /// A file that the destination does not take.
    OversizeFile = "oversize-file", "Files that are too large for the destination", "Make them smaller, or keep them elsewhere.";
    /// A file that the destination refuses by its name or content.
    UnfitFile = "unfit-file", "Files that the destination refuses by name or content", "Give them an ending, or bytes of the kind that it says; or say `unfit_files = \"rename\"` in the destination: then they go under a name in `.bin` and are shown under their own.";
    /// A file whose size is not what the export says.
    FileSizeDiffers = "file-size-differs", "Files whose size is not what the export says", "Download them again.";
    /// Names that become records of their own and may be one.
    NameVariants = "name-variants", "Names that may be one record", "Look whether they are the same; if so, the `same` line in the map makes one record of them.";
    /// Values of a list or picklist that may be one.
    NearDuplicateValues = "near-duplicate-values", "Values that may be one", "Merge them in the source, or with a picklist.";
}

impl Serialize for FindingKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Takes every finding as it is made, in the order of the export; for a file of all.
pub trait FindingSink {
    /// Takes one.
    fn finding(&mut self, finding: &Finding) -> io::Result<()>;
}

/// Findings as lines of JSON.
#[derive(Debug)]
pub struct JsonLines<W>(pub W);

impl<W: io::Write> FindingSink for JsonLines<W> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, finding)?;
        self.0.write_all(b"\n")
    }
}

/// Number of findings of one kind that an object has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingTotal {
    /// The source object, where they concern one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Kind of the findings.
    pub kind: FindingKind,
    /// Severity of the findings.
    pub severity: Severity,
    /// Number of findings.
    pub findings: u64,
}

/// Findings of one kind that are kept for one object; the others are counted.
pub const KEPT_PER_KIND: u64 = 1_000;
