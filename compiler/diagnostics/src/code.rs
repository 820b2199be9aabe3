//! Registry of the diagnostic codes, each with its slug, severity and summary.

use std::fmt;

/// Weight of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// No plan can be made.
    Error,
    /// A plan can be made, and somebody should look.
    Warning,
}

macro_rules! codes {
    ($($code:ident $slug:ident $severity:ident $summary:literal;)*) => {
        /// The registry of diagnostic codes. A number is never used again.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $summary] $code,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Code] = &[$(Code::$code,)*];

            /// As printed: `E0304`.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$code => stringify!($code),)* }
            }

            /// The name used in code and links: `unknown_field`.
            pub fn slug(self) -> &'static str {
                match self { $(Code::$code => stringify!($slug),)* }
            }

            /// Error or warning.
            pub fn severity(self) -> Severity {
                match self { $(Code::$code => Severity::$severity,)* }
            }

            /// One line on what it means.
            pub fn summary(self) -> &'static str {
                match self { $(Code::$code => $summary,)* }
            }

            /// The whole page, Markdown: *What it means*, *Wrong*, *Right*, *Why*.
            pub fn page(self) -> &'static str {
                match self { $(Code::$code => include_str!(concat!("../pages/", stringify!($code), ".md")),)* }
            }
        }
    };
}

codes! {
    E0101 syntax_error Error "the text does not follow the grammar";
    E0109 too_deep Error "brackets or blocks are nested too deeply";
    W0110 unseen_characters Warning "characters that a reader does not see";
    E0201 unknown_name Error "a name that nothing defines";
    E0202 duplicate_name Error "a name defined twice";
    E0203 unresolved_use Error "a `use` that names no file";
    E0204 circular_use Error "files that use each other circularly";
    E0205 no_migration Error "maps without the `migration` that they belong to";
    E0206 refused_name Error "a name that the destination refuses";
    E0207 needless_override Error "an `override` of something that is not there";
    E0208 refused_option Error "an option, its label or its colour that the destination refuses";
    W0211 unused_allow Warning "an `allow` of what nothing raises";
    E0212 allow_without_reason Error "an `allow` that does not say why";
    E0213 not_allowable Error "an `allow` of what cannot be allowed";
    E0301 type_mismatch Error "a value of one type where another is expected";
    E0302 unknown_function Error "a function that the language does not have";
    E0303 wrong_arguments Error "a function is given other arguments than it takes";
    E0304 unknown_field Error "an object has no such field";
    E0305 unknown_option Error "a select has no such option";
    E0306 unmapped_column Error "a column of a mapped object is neither used nor dropped";
    E0307 written_twice Error "a field is written twice";
    E0308 readonly_field Error "a field that the destination does not let anyone write";
    E0309 unfilled_field Error "a required field is not filled";
    E0310 unclaimed_object Error "an object of the source that nothing maps, drops or refers to";
    E0311 needs_permit Error "restricted data is read without a `permit`";
    E0312 unknown_word Error "a setting, policy or attribute that the language does not know";
    E0313 recursive_transform Error "a transform that uses itself";
    E0314 bad_value Error "a written value that cannot be right, such as an unknown time zone";
    E0315 unclear_reference Error "a reference that does not tell one record";
    E0316 no_map_for_reference Error "a reference to records that no map makes";
    E0317 unwritten_match Error "a `match` on a field that the map does not write";
    E0318 not_creatable Error "a map into an object that the destination does not create";
    E0319 no_custom_fields Error "a new field on an object that takes none";
    W0320 needless_otherwise Warning "an `otherwise` after something that cannot fail";
    W0321 overlapping_maps Warning "two maps that may write the same record";
    W0322 unused_picklist Warning "a picklist that nothing uses";
    W0323 values_not_inherited Warning "values that records inherit in the source and no map adds";
    E0324 lossy_conversion Error "a conversion that loses something, and no function says so";
    E0325 failing_conversion Error "a conversion that can fail, and no function makes it";
    W0326 unruled_failure Warning "a text becomes something that not every text is, and nothing says what then";
    W0327 unreachable_condition Warning "a condition that no record can fulfil, or a branch that none reaches";
    E0328 many_to_many Error "several records on one side of a reference that takes one";
    E0329 unknown_junction Error "links held by an object that the destination does not have";
    E0330 sensitive_flow Error "a sensitive value written to a field that is not marked";
    W0331 unused_transform Warning "a transform that nothing uses";
    W0332 unused_use Warning "a `use` of a file from which nothing is used";
    W0333 one_of_several Warning "only one of several referred records is carried over";
    E0334 not_built Error "a form that the language has, and this version does not carry out";
    W0335 part_left Warning "a part of a value that no map takes";
    W0336 renamed_map Warning "a map under a new name, whose records would be made anew";
    W0337 column_decides Warning "a column that decides alone, and that no record of its own holds";
    W0340 sign_before_value Warning "a `$` in a text before a value";
    E0401 required_cycle Error "circular required references";
    E0501 duplicate_row Error "two rows of a picklist with one key";
    E0502 no_owners Error "a reference to members of the destination without `owners`";
    E0503 closed_options Error "a new option for a field whose options are fixed";
    E0504 unmet_value Error "a value of the source that no row of a picklist meets";
    W0505 unreachable_row Warning "a row of a picklist for a value that the source does not have";
    E0601 unreadable_lock Error "a lock file that cannot be read";
    W0602 missing_file Warning "the export lacks a file that a map reads";
    W0603 hidden_column Warning "the export lacks a column that the catalog has";
    W0604 unlisted_column Warning "the export has a column that the catalog lacks";
    W0605 unknown_member Warning "an owner who is not a member of the destination";
    W0606 uncovered_value Warning "the export has values that no row of a picklist names";
    W0607 unused_row Warning "a row of a picklist that no record of the export needs";
    W0608 missing_field Warning "the destination lacks a field that a map writes";
    W0609 unlisted_host Warning "links of the export lead to hosts that no file is fetched from";
    W0610 unclaimed_file Warning "a file of the export that no object claims and nothing drops";
    E0611 bad_data Error "a row of the export that cannot be carried over";
    W0612 doubtful_data Warning "a row of the export to look at";
    W0613 unproven_format Warning "a format that no value of its column proves";
    W0614 contradicted_format Warning "a format that the values of its column contradict";
    W0615 firing_workflow Warning "a workflow or webhook of the destination that what is written starts";
    W0616 idle_permit Warning "a permit for a workflow or webhook that what is written does not start";
    W0618 default_taken Warning "values that become the destination's defaults";
    W0619 long_text Warning "texts that are longer than the destination is known to take";
    E0901 compiler_bug Error "a fault of ours";
    E0902 formatter_changed_meaning Error "the formatter would have changed what a file means";
}

impl Code {
    /// The code of a name such as `E0304`, in any case.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(name))
    }

    /// True where only a reading of the export's rows raises the code, never a check of the spec alone.
    pub fn is_of_rows(self) -> bool {
        self.as_str()
            .get(1..)
            .and_then(|number| number.parse().ok())
            .is_some_and(|number: u32| (611..700).contains(&number))
    }

    /// True where a comment `// allow CODE: reason` may take the finding out: warnings only, an error stands in the way of a plan.
    pub fn can_be_allowed(self) -> bool {
        self.severity() == Severity::Warning
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
