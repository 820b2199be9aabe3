//! From what pest read to the tree, one function per construct. `None` is a shape the grammar cannot make, already reported.

mod allow;
mod catalog;
mod entries;
mod expression;
mod items;
mod mapping;
mod migration;
mod text;
mod types;

pub(crate) use catalog::{system_body, system_head};
pub(crate) use items::items;
