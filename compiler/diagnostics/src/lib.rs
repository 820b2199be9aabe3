#![doc = include_str!("../README.md")]

mod code;
mod model;
mod suggest;

pub use code::{Code, Severity};
pub use model::{Applicability, Diagnostic, Diagnostics, Edit, Fix, Label};
pub use suggest::nearest;
