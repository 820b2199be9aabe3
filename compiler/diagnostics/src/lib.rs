#![doc = include_str!("../README.md")]

mod allow;
mod code;
mod explain;
mod fixes;
mod model;
mod page;
mod render;
mod suggest;
mod wrap;

pub use allow::{Accepted, Allow, AllowForm, Covered, ParsedAllow, apply_allows, parse_allow};
pub use code::{Code, Severity};
pub use explain::{explain, page_text};
pub use fixes::apply_fixes;
pub use model::{Applicability, Diagnostic, Diagnostics, Edit, Fix, Label};
pub use page::{PageExample, page_examples};
pub use render::{Format, RenderOptions, render, schema};
pub use suggest::nearest;
