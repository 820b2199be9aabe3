//! Findings that a spec accepts or refuses, and plain values, as written.

use std::sync::Arc;

use migr_source::Spanned;

use super::{Name, Path, Quantity, Text};

/// `allow W0333 on pointOfContact max 20 : "why"`, an entry of several blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct Allow {
    /// Codes, or names of an audit's findings in quotes.
    pub findings: Findings,
    /// `on FIELD`
    pub on: Option<Path>,
    /// `max N`
    pub max: Option<Spanned<Arc<str>>>,
    /// Why.
    pub reason: Text,
}

/// Findings that are named.
#[derive(Clone, Debug, PartialEq)]
pub enum Findings {
    /// `W0333, W0321`; also the word `warnings` after `deny`.
    Codes(Vec<Name>),
    /// `"orphan-owner"`
    Named(Vec<Text>),
}

impl Findings {
    /// Each of them, as written.
    pub fn each(&self) -> &[Name] {
        match self {
            Self::Codes(names) | Self::Named(names) => names,
        }
    }
}

/// A plain value, in an attribute or a layout.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `"text"`
    Text(Arc<str>),
    /// `4`, `25MB`
    Quantity(Quantity),
    /// `now`, `never`, `TODO`
    Name(Arc<str>),
}
