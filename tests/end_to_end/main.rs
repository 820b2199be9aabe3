//! Tests through the program `migr`, as a user runs it: arguments in, streams, files and an exit code out. The destination is the sandbox over real HTTP.

mod bad_exports;
mod check;
mod crash;
mod harness;
mod plan;
mod run;
mod secrets;
mod spec_tests;
mod stand_in;
