//! The program `migr`.
fn main() {}
