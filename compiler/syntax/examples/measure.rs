//! Measurement of the time that a parse takes: `cargo run --release -p migr-syntax --example measure [maps]`.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement reads the clock and prints")]

use std::fmt::Write as _;
use std::time::Instant;

use migr_diagnostics::Diagnostics;
use migr_source::FileId;

fn main() {
    let maps = std::env::args().nth(1).and_then(|number| number.parse().ok()).unwrap_or(5000);
    measure("maps", &mapped(maps));
    measure("catalogs", &catalogs(maps));
}

fn measure(what: &str, text: &str) {
    let mut best = f64::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        let mut diagnostics = Diagnostics::default();
        let ast = migr_syntax::parse(FileId(0), text, &mut diagnostics);
        best = best.min(start.elapsed().as_secs_f64());
        assert!(!ast.items.is_empty() && !diagnostics.has_errors(), "{:?}", diagnostics.items().first());
    }
    let size = text.len();
    println!("{what}: {size} bytes, {:.1} ms", best * 1000.0);
}

fn mapped(maps: usize) -> String {
    let mut text = String::new();
    for number in 0..maps {
        let _ = write!(
            text,
            "map Object{number} -> objects{number} {{
  match email
  name       = name | trim
  email      = email | trim | lower otherwise none
  phone      = phone | phone otherwise none
  jobTitle   = job_title | truncate(60)
  amount     = amount | money(currency)
  stage      = stage | Stage
  closeDate  = close_date | at(\"12:00\", \"America/New_York\")
  title      = subject ?? \"Meeting {{start | format(\"%b %d\")}}\"
  company    = company_id on missing none
  owner      = owner_email
}}

"
        );
    }
    text
}

fn catalogs(objects: usize) -> String {
    let mut text = "system source {\n".to_owned();
    for number in 0..objects {
        let _ = write!(
            text,
            "  object Object{number} from \"object{number}.csv\" {{
    key id
    id: text
    name: text sensitive
    email: email unique ignore case
    phone: phone
    job_title: text max 500
    amount: text
    stage: text
    close_date: date format \"%m/%d/%Y\"
    company_id: -> Object0
    owner_email: -> User.email
  }}
"
        );
    }
    text.push_str("}\n");
    text
}
