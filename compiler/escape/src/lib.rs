#![doc = include_str!("../README.md")]

mod csv;
mod deceptive;
mod drawing;
mod json;
mod markdown;
mod markup;
mod terminal;
mod width;
mod workflow;

pub use csv::csv_cell;
pub use deceptive::{is_deceptive, is_harmless, same_width, written_out};
pub use drawing::{dot, mermaid};
pub use json::json;
pub use markdown::{markdown, markdown_code, markdown_prose};
pub use markup::{html, xml};
pub use terminal::{colored, line, terminal};
pub use width::{columns, filled_up, in_columns, wrapped};
pub use workflow::{workflow_message, workflow_property};
