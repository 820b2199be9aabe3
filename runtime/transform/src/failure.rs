//! Failures of values, and the notes about values that a rule replaced.

use std::borrow::Cow;

use migr_plan::ReasonCode;

/// Why a record cannot be written as the plan says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Failure {
    /// Code of the reason.
    pub code: ReasonCode,
    /// The destination field, with its part where the value has parts (`emails.primaryEmail`); the source columns, for a key or a check.
    pub field: String,
    /// `"yesterday" is not a date of the form %m/%d/%Y`. Names the value unless a sensitive column may have contributed to it.
    pub reason: String,
}

/// A written rule replaced a value that failed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Repair {
    /// The destination field.
    pub field: String,
    /// Reason of the failure, with the replacement.
    pub reason: String,
    /// Code of the failure.
    pub code: migr_plan::ReasonCode,
}

/// An owner whom no member of the destination stands for.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Orphan {
    /// The destination field.
    pub field: String,
    /// The source owner's key; masked where its column is sensitive.
    pub owner: String,
    /// True where the fallback took the owner's place; else the field stays empty.
    pub fallback: bool,
}

/// An option that `otherwise create` made of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct CreatedOption {
    /// The picklist.
    pub picklist: String,
    /// The option's value: `IN_PROGRESS`.
    pub value: String,
    /// The source value, trimmed.
    pub label: String,
}

/// A plan that cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct CompileError {
    /// `stage people, field emails (main.migr:12)`
    pub place: String,
    /// Reason why it cannot be evaluated.
    pub reason: String,
}

/// Longest part of a value that a reason quotes, in characters.
const QUOTED: usize = 60;

/// Fault of a value, before it is known whether the value may be shown. Boxed: results are handed on far more often
/// than faults are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault(Box<Blame>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Blame {
    code: ReasonCode,
    /// The parts of a composite that lead to it, innermost first.
    path: Vec<String>,
    value: Option<String>,
    says: Cow<'static, str>,
    /// Advice that tells something of the value: it is shown where the value is.
    hint: Option<String>,
    /// True where one side of an operator has no value: `??` takes its other side then.
    is_lack: bool,
}

impl Fault {
    /// `"value" says`; `says` must not hold any part of the value.
    pub(crate) fn of(value: impl Into<String>, says: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Blame {
            code: ReasonCode::Q201,
            path: Vec::new(),
            value: Some(value.into()),
            says: says.into(),
            hint: None,
            is_lack: false,
        }))
    }

    /// A fault that no value is to blame for.
    pub(crate) fn plain(says: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Blame {
            code: ReasonCode::Q201,
            path: Vec::new(),
            value: None,
            says: says.into(),
            hint: None,
            is_lack: false,
        }))
    }

    /// The fault of an operator of which one side has no value while the other has one.
    pub(crate) fn lacking(says: impl Into<Cow<'static, str>>) -> Self {
        let mut fault = Self::plain(says);
        fault.0.is_lack = true;
        fault
    }

    /// True where one side of an operator has no value.
    pub(crate) fn is_lack(&self) -> bool {
        self.0.is_lack
    }

    /// The same fault for another reason than that a value cannot be read or computed.
    pub(crate) fn because(mut self, code: ReasonCode) -> Self {
        self.0.code = code;
        self
    }

    /// A fault with advice that tells something of the value.
    pub(crate) fn hinting(mut self, hint: Option<String>) -> Self {
        self.0.hint = hint;
        self
    }

    /// The same fault inside a part of a composite.
    pub(crate) fn inside(mut self, part: &str) -> Self {
        self.0.path.push(part.to_owned());
        self
    }

    /// The reason, with the value quoted or masked.
    pub(crate) fn reason(&self, masked: bool) -> String {
        let Blame { value, says, hint, .. } = &*self.0;
        match value {
            None => says.to_string(),
            Some(_) if masked => format!("the value (masked) {says}"),
            Some(value) => {
                let hint = hint.as_ref().map_or_else(String::new, |hint| format!("; {hint}"));
                format!("{} {says}{hint}", quoted(value))
            }
        }
    }

    /// As a failure of a field.
    pub(crate) fn failure(&self, field: &str, masked: bool) -> Failure {
        let mut path = field.to_owned();
        for part in self.0.path.iter().rev() {
            path.push('.');
            path.push_str(part);
        }
        Failure { code: self.0.code, field: path, reason: self.reason(masked) }
    }
}

/// A value in double quotes, cut to [`QUOTED`] characters, control characters escaped.
pub(crate) fn quoted(value: &str) -> String {
    let mut shown: String = String::from("\"");
    for (count, character) in value.chars().enumerate() {
        if count == QUOTED {
            shown.push('…');
            break;
        }
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown.push('"');
    shown
}
