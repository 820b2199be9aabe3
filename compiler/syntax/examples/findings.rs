//! Prints what is found wrong in a file: `cargo run -p migr-syntax --example findings FILE`.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a tool for those who work on the parser"
)]

use migr_diagnostics::Diagnostics;
use migr_source::SourceMap;

fn main() {
    let path = std::env::args().nth(1).expect("a file");
    let text = std::fs::read_to_string(&path).expect("a readable file");
    let mut sources = SourceMap::default();
    let file = sources.add(path, text.as_str());
    let mut diagnostics = Diagnostics::default();
    let ast = migr_syntax::parse(file, &text, &mut diagnostics);
    for finding in diagnostics.into_sorted(&sources) {
        let place = finding.span().map(|span| sources.start(span));
        let (line, column) = place.map_or((1, 1), |place| (place.line, place.column));
        println!("{line}:{column} {} {}", finding.code, finding.message);
    }
    println!("{} items", ast.items.len());
}
