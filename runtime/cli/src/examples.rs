//! The shipped examples, so that `migr demo` works from the program alone.

use std::path::Path;

use crate::fault::Fault;

/// A project that runs offline.
#[derive(Debug)]
pub(crate) struct Example {
    /// Name of the example.
    pub(crate) name: &'static str,
    files: &'static [(&'static str, &'static [u8])],
}

macro_rules! example {
    ($name:literal: $($file:literal)*) => {
        Example {
            name: $name,
            files: &[$(($file, include_bytes!(concat!("../../../examples/", $name, "/", $file))),)*],
        }
    };
}

/// Every shipped example.
pub(crate) const EXAMPLES: &[Example] = &[
    example!("visual-practice-to-twenty":
        "migration.migr"
        "export/activities.csv"
        "export/attachments.csv"
        "export/companies.csv"
        "export/contacts.csv"
        "export/deals.csv"
        "export/notes.csv"
        "export/owners.csv"
        "export/pipelines.csv"
        "export/tasks.csv"
        "export/treatment_plan_providers.csv"
        "export/treatment_plans.csv"
        "export/workflows.json"
        "export/files/résumé-3.txt"
        "export/files/résumé-6.txt"
        "export/files/résumé-9.txt"
        "export/files/scan 1.bin"
        "export/files/scan 10.bin"
        "export/files/scan 11.bin"
        "export/files/scan 2.bin"
        "export/files/scan 4.bin"
        "export/files/scan 5.bin"
        "export/files/scan 7.bin"
        "export/files/scan 8.bin"
    ),
    example!("the-practice-to-highlevel":
        "migration.migr"
        "export/appointments.csv"
        "export/automations.json"
        "export/clients.csv"
        "export/deals.csv"
        "export/enrolments.csv"
        "export/groups.csv"
        "export/programs.csv"
        "export/saved_filters.json"
        "export/session_notes.csv"
        "export/team.csv"
        "location.json"
        "truth.json"
        "export/files.csv"
        "export/files/bill.pdf"
        "export/files/case.pdf"
        "export/files/empty.txt"
        "export/files/intake-1.png"
        "export/files/intake-2.docx"
        "export/files/intake-3.mp4"
        "export/files/intake-5.png"
        "export/files/intake-6.docx"
        "export/files/intake-7.mp4"
        "export/files/lost.pdf"
        "export/files/offer-0.pdf"
        "export/files/offer-4.pdf"
        "export/files/same-1.pdf"
        "export/files/same-2.pdf"
        "export/files/setup.exe"
    ),
];

impl Example {
    /// Writes its files into a folder.
    pub(crate) fn write_to(&self, folder: &Path) -> Result<(), Fault> {
        for (path, bytes) in self.files {
            crate::files::replace(&folder.join(path), bytes)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_an_example_is_shipped() {
        for example in EXAMPLES {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example.name);
            let mut folders = vec![root.clone()];
            while let Some(folder) = folders.pop() {
                for entry in std::fs::read_dir(folder).unwrap() {
                    let path = entry.unwrap().path();
                    let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
                    if path.is_dir() && name != ".migr" {
                        folders.push(path);
                    } else if path.is_file() && name != "expected-plan.json" {
                        assert!(example.files.iter().any(|(file, _)| *file == name), "`{name}` is not in the table");
                    }
                }
            }
        }
    }
}
