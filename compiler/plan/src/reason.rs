//! Registry of the reasons for which a record is quarantined or left behind, of remarks on written records, and of those for which a file is not sent: the one place
//! where their codes stand.

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($code:ident $slug:ident $summary:literal;)*) => {
        /// Reason for which a record is quarantined (`Q…`), left behind by a written rule (`S…`), written with a remark (`R…`), or for which a file is not sent (`F…`). A number is never used again.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ReasonCode {
            $(#[doc = $summary] $code,)*
        }

        impl ReasonCode {
            /// Every code, in order.
            pub const ALL: &'static [ReasonCode] = &[$(ReasonCode::$code,)*];

            /// As printed: `Q202`.
            pub fn as_str(self) -> &'static str {
                match self { $(ReasonCode::$code => stringify!($code),)* }
            }

            /// The name used in links: `unlisted_value`.
            pub fn slug(self) -> &'static str {
                match self { $(ReasonCode::$code => stringify!($slug),)* }
            }

            /// One line on what it means.
            pub fn summary(self) -> &'static str {
                match self { $(ReasonCode::$code => $summary,)* }
            }

            /// The whole page, Markdown: *What it means*, *What to do*.
            pub fn page(self) -> &'static str {
                match self { $(ReasonCode::$code => include_str!(concat!("../reasons/", stringify!($code), ".md")),)* }
            }
        }
    };
}

reasons! {
    Q101 malformed_row "a row of the export that is no record";
    Q102 no_key "a record without a key";
    Q103 broken_check "a record that a `check` keeps out";
    Q104 undecided_rule "a rule that cannot be decided for a record";
    Q105 no_map "a record that no map takes";
    Q106 same_key "a second row with a key";
    Q201 unreadable_value "a value that cannot be read or computed";
    Q202 unlisted_value "a value that no row of its picklist names";
    Q203 empty_value "a value that must not be empty";
    Q204 missing_record "a record that is referred to and is not in the destination";
    Q205 missing_row "a record that is read through a reference and is not in the export";
    Q206 unclear_reference "a reference that does not tell one record";
    Q207 unfit_value "a value that the destination does not take";
    Q208 unfit_file "a file that cannot be sent";
    Q301 duplicate "a record that would be the same one as another of the export";
    Q302 double_unique "a value that must be unique and another record of the export has";
    Q303 circular_reference "a record that is part of a circular reference";
    Q304 survivor_quarantined "a record whose survivor is quarantined";
    Q305 unclear_duplicate "a record that could be one of several of the export";
    Q401 several_matches "a record that could be one of several of the destination";
    Q402 taken "a value that must be unique and a record of the destination has";
    Q403 in_trash "a record that lies in the destination's trash";
    Q404 in_trash_referred "a record in the trash that others refer to";
    Q405 there_already "a record that the destination has already";
    Q501 refused "a record that the destination refused";
    Q502 uncertain "a record of which nobody can tell whether it is there";
    S101 left_by_rule "a record that a written rule leaves behind";
    S102 row_of_same_key "a row that gives way to another with its key";
    S103 left_as_it_is "a record that is in the destination and stays as it is";
    S104 merged "a record that became one with another";
    R101 value_by_rule "a value that a written rule left out or replaced";
    R102 default_taken "a value that the destination gave by itself";
    R103 file_left_behind "a file that a written rule leaves behind";
    R104 unique_value_left_out "a unique value that is left out, since another record has it";
    R201 kept_there "a value of the destination that stays, since the export has none";
    R202 other_there "a value of the destination that stays, although the export has another";
    R203 gave_way "a value that gave way where several records became one";
    R204 conflict "a field that a person changed since, and that stays as it is";
    R205 left_as_written "a written record or field that cannot be brought to what spec and export say";
    R301 refused_later "a link or a field written later that could not be set";
    F101 no_file "a file that the export does not have";
    F102 unusable_file "a file that cannot be used as it stands";
    F103 file_too_large "a file that is larger than the destination takes";
    F104 link_not_followed "a link to a file, which the migration does not follow";
    F105 file_not_sent "a file that could not be read or sent";
    F106 without_its_record "a file whose record is not in the destination";
}

impl ReasonCode {
    /// True where the reason's words are a person's or the destination's own, so that one code says several things.
    pub fn is_worded(self) -> bool {
        matches!(self, Self::Q103 | Self::Q501 | Self::S101 | Self::R101 | Self::R205 | Self::R301 | Self::F105)
    }

    /// The code of a name such as `Q202`, in any case.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(name))
    }
}

impl std::fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::ReasonCode;

    #[test]
    fn every_page_begins_with_its_code_and_says_what_to_do() {
        for code in ReasonCode::ALL {
            let page = code.page();
            assert!(page.starts_with(&format!("# {code}: {}\n", code.summary())), "{page}");
            assert!(page.contains("## What it means") && page.contains("## What to do"), "{code}");
            assert_eq!(ReasonCode::find(&code.as_str().to_lowercase()), Some(*code));
        }
    }
}
