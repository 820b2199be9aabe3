#![doc = include_str!("../README.md")]

mod line_index;
mod map;
mod span;
mod system;

pub use line_index::{LineColumn, LineIndex};
pub use map::{SourceFile, SourceMap};
pub use span::{FileId, Span, Spanned};
pub use system::{MemorySystem, System, SystemError};
