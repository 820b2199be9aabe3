//! Prints a file in the one style: `cargo run -p migr-format --example print FILE`.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a tool for those who work on the formatter"
)]

fn main() {
    let path = std::env::args().nth(1).expect("a file");
    let text = std::fs::read_to_string(path).expect("a readable file");
    print!("{}", migr_format::format(&text).expect("the same meaning"));
}
