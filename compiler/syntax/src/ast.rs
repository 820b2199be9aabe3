//! Tree of one file as written. Every node knows its place; equality ignores places, so `==` asks for the same meaning.

use std::sync::Arc;

use migr_source::{Span, Spanned};

pub use allow::*;
pub use catalog::*;
pub use expression::*;
pub use mapping::*;

mod allow;
mod catalog;
mod expression;
mod mapping;
mod parts;

/// A name as written, without backquotes.
pub type Name = Spanned<Arc<str>>;
/// A string literal's value, escapes resolved, without a template's holes.
pub type Text = Spanned<Arc<str>>;
/// `User.email`: one or more names joined by dots.
pub type Path = Spanned<Vec<Name>>;

/// One file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ast {
    /// Items in the order written; what could not be read is an [`ItemKind::Error`].
    pub items: Vec<Item>,
    /// Every `//` comment of the file, in order, those inside items too. `///` lines are documentation and are not here.
    pub comments: Vec<Comment>,
}

/// A `//` comment.
#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    /// The text after `//`, to the end of the line, untrimmed.
    pub text: Text,
}

/// A top-level item. Equality ignores its place.
#[derive(Clone, Debug)]
pub struct Item {
    /// `///` lines above it, without the slashes and one leading blank.
    pub docs: Vec<Text>,
    /// `extend` before a system, map, picklist or owners.
    pub extend: bool,
    /// Kind of the item, with its parts.
    pub kind: ItemKind,
    /// From its first keyword (documentation left out) to its end.
    pub span: Span,
}

/// The kinds of items.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "maps are most of what a project holds, so a box would save little")]
pub enum ItemKind {
    /// `use "std/systems/twenty"`
    Use(Text),
    /// `migration NAME { … }`
    Migration(Migration),
    /// `owners { … }`
    Owners(Vec<Entry<OwnersEntry>>),
    /// `picklist NAME -> object.field { … }`
    Picklist(Picklist),
    /// `skip Object when condition : "reason"`
    Skip(Skip),
    /// `drop object X : "reason"`, `drop file "glob" : "reason"`
    Drop(DropItem),
    /// `map Object -> object { … }`
    Map(Map),
    /// `link Object -> a(x) to b(y) "label"`
    Link(Link),
    /// `reference Object from "file"`
    Reference(ReferenceItem),
    /// `transform name(x) = expression`
    Transform(Transform),
    /// `test "name" { … }`
    Test(Test),
    /// `system name { … }`
    System(System),
    /// Item that could not be read; its text is the item's span. Already reported.
    Error,
}

/// One entry of a block. Equality ignores its place.
#[derive(Clone, Debug)]
pub struct Entry<T> {
    /// `///` lines above it.
    pub docs: Vec<Text>,
    /// `override` before it.
    pub overrides: bool,
    /// Node of the entry; `None` where it could not be read (already reported).
    pub node: Option<T>,
    /// From its first word to its end.
    pub span: Span,
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.extend == other.extend && self.docs == other.docs && self.kind == other.kind
    }
}

impl<T: PartialEq> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.overrides == other.overrides && self.docs == other.docs && self.node == other.node
    }
}
