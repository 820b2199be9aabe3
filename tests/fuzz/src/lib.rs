//! A project whose export is what a fuzzer says.

use std::fs;
use std::path::Path;

use migr_driver::{Project as Compiled, compile};
use migr_extract::Export;
use migr_plan::Plan;
use migr_source::MemorySystem;

const SPEC: &str = r#"
use "std/systems/twenty"

system old {
  object Contact from "contacts.csv" {
    key contact_id
    contact_id: text
    first_name: text
    bio: richtext column "Bio (HTML)"
    born: date
  }
  object Workflow from "workflows.json"
}

migration fuzzed {
  source old { files = "export/*" }
  destination twenty { url = env("TWENTY_URL"); token = secret("TWENTY_API_KEY") }
  timezone = "UTC"
  country = "US"
  currency = "USD"
}

reference Workflow from "workflows.json"

map Contact -> people {
  name = { firstName: first_name, lastName: plain(bio) }
  drop born : "not needed"
}
"#;

/// A plan with a table and a list of definitions, and a folder for its export.
#[derive(Debug)]
pub struct Project {
    plan: Plan,
    folder: tempfile::TempDir,
}

impl Project {
    /// A project without an export. Panics where its spec does not compile, or there is no folder.
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        let system = MemorySystem::default().with("main.migr", SPEC);
        let compiled = compile(&Compiled { system: &system, entry: None, destination: None, lock: None });
        let plan = compiled.plan.unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics));
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("export")).expect("a folder");
        fs::write(folder.path().join("export/contacts.csv"), "contact_id\n").expect("a file");
        fs::write(folder.path().join("export/workflows.json"), "[]").expect("a file");
        Self { plan, folder }
    }

    /// The export with some bytes as one of its files; none where it cannot be opened.
    pub fn with(&self, file: &str, bytes: &[u8]) -> Option<Export> {
        fs::write(Path::new(self.folder.path()).join("export").join(file), bytes).expect("a file");
        Export::open(&self.plan, self.folder.path()).ok()
    }
}
