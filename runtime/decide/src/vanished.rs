//! Records that a later export has no more: what becomes of each.

use migr_journal::{Mapped, State};
use migr_plan::Plan;

/// Fate of a vanished record that is left, and listed.
pub const LISTED: &str = "listed";
/// Fate of one that is left.
pub const KEPT: &str = "kept";
/// Fate of one that is in the trash.
pub const TRASHED: &str = "trashed";
/// Fate of one that was on its way there when the program ended.
pub const GOING: &str = "going to the trash";

/// Policy for records that the export has no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VanishedPolicy {
    /// Left, and listed.
    #[default]
    List,
    /// Left.
    Keep,
    /// Put into the trash.
    Delete,
}

/// Decision about a record that the export has no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VanishedDecision {
    /// Record that is left, by this fate.
    Left(&'static str),
    /// Record that this migration made: it goes into the trash, unless somebody changed it since.
    Trash,
}

impl VanishedPolicy {
    /// The one of a plan: `on vanished`.
    pub fn of(plan: &Plan) -> Self {
        match plan.options.on_vanished.as_deref() {
            Some("keep") => Self::Keep,
            Some("delete") => Self::Delete,
            _ => Self::List,
        }
    }

    /// Decides about a record by its outcome before. What was there before the migration is left, and so is what another record stands for.
    pub fn decide(self, mapped: &Mapped) -> VanishedDecision {
        match self {
            Self::Keep => VanishedDecision::Left(KEPT),
            Self::Delete if mapped.state == State::Created && mapped.winner.is_none() => VanishedDecision::Trash,
            Self::List | Self::Delete => VanishedDecision::Left(LISTED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_migration_made_by_itself_goes_into_the_trash() {
        let mapped = |state, winner: Option<&str>| Mapped {
            state,
            id: Some("1".to_owned()),
            line: 2,
            winner: winner.map(str::to_owned),
            parent: None,
        };
        let made = mapped(State::Created, None);
        assert_eq!(VanishedPolicy::Delete.decide(&made), VanishedDecision::Trash);
        assert_eq!(VanishedPolicy::List.decide(&made), VanishedDecision::Left(LISTED));
        assert_eq!(VanishedPolicy::Keep.decide(&made), VanishedDecision::Left(KEPT));
        for other in [mapped(State::Updated, None), mapped(State::Unchanged, None), mapped(State::Skipped, Some("C1"))]
        {
            assert_eq!(VanishedPolicy::Delete.decide(&other), VanishedDecision::Left(LISTED), "{other:?}");
        }
    }
}
