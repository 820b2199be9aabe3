//! Shows what a file is read as wrong.
use migr_diagnostics::Diagnostics;
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let mut sources = migr_source::SourceMap::default();
    let file = sources.add(path, text.as_str());
    let mut diagnostics = Diagnostics::default();
    let ast = migr_syntax::parse(file, &text, &mut diagnostics);
    for d in diagnostics.into_sorted(&sources) {
        let s = d.span().unwrap();
        let p = sources.start(s);
        println!("{}:{} {} {}   [{}]", p.line, p.column, d.code, d.message, d.labels[0].text);
        let line = text.lines().nth(p.line as usize - 1).unwrap_or("");
        println!(
            "    {line}\n    {}{}",
            " ".repeat(p.column as usize - 1),
            "^".repeat((s.end - s.start).max(1) as usize)
        );
        if let Some(h) = d.help {
            println!("    help: {h}");
        }
    }
    let _ = ast;
}
