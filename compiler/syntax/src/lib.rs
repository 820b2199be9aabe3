#![doc = include_str!("../README.md")]

pub mod ast;
mod errors;
mod grammar;
mod habits;
mod limits;
mod parse;
mod pieces;
mod read;
mod sections;
mod strict;
mod turned;
mod walk;
mod words;

pub use parse::{parse, parse_within};
