use std::borrow::{Borrow, Cow};
use std::collections::HashSet;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use migr_driver::{Project, compile};
use migr_extract::{Export, Record, Row};
use migr_plan::{Plan, ReferenceTarget};
use migr_source::MemorySystem;
use migr_transform::{
    Admission, Cells, Lookup, LookupError, Outcome, OwnerFound, Pass, Program, Resolved, Value, comparable,
};

use crate::compiling::without_errors;
use crate::fault::Fault;
use crate::json;

/// The mapping that the other programs of the comparison carry out too.
const SPEC: &str = include_str!("transform.migr");

/// The plan of the benchmark's mapping.
pub(crate) fn plan() -> Result<Plan, Fault> {
    let system = MemorySystem::default().with("transform.migr", SPEC);
    let compilation = compile(&Project { system: &system, entry: None, destination: None, lock: None });
    without_errors(compilation)?.plan.ok_or_else(|| Fault::new("the benchmark's program gives no plan"))
}

/// Turns the contacts of an export into NDJSON through the plan. The number of records written.
pub(crate) fn transform(export: &Path, out: &Path) -> Result<u64, Fault> {
    let plan = plan()?;
    let export = Export::open(&plan, export).map_err(|error| Fault::of("the export", error))?;
    let lookup = IdMaps::read(&export)?;
    let stage = plan.stages.iter().find(|stage| stage.source_object == "Contact");
    let stage = stage.ok_or_else(|| Fault::new("the plan has no stage of contacts"))?;
    let program = Program::compile(&plan, stage).map_err(|error| Fault::of("the plan", error))?;
    let mut records = export.records("Contact").map_err(|error| Fault::of("contacts", error))?;
    let file = File::create(out).map_err(|error| Fault::of(out.display(), error))?;
    let mut file = BufWriter::with_capacity(1 << 18, file);
    let names = json::Names::of(&stage.fields);
    let mut line = Vec::with_capacity(4096);
    let (mut written, mut aside, mut repairs) = (0, 0_u64, 0_usize);
    while let Some(row) = records.next().map_err(|error| Fault::of("contacts", error))? {
        let Row::Record(record) = row else {
            aside += 1;
            continue;
        };
        let record = Adapted(record);
        let admission = program.admit(&record, &lookup).map_err(|error| Fault::of("a rule", error))?;
        let key = program.key(&record);
        if admission != Admission::Admit || key.is_err() {
            aside += 1;
            continue;
        }
        match program.fields(&record, &lookup, Pass::First).map_err(|error| Fault::of("a field", error))? {
            Outcome::Ready(evaluated) => {
                repairs += evaluated.repairs.len();
                line.clear();
                names.record(&mut line, &evaluated.values);
                line.push(b'\n');
                file.write_all(&line).map_err(|error| Fault::of(out.display(), error))?;
                written += 1;
            }
            Outcome::Skip { .. } | Outcome::Quarantine(_) => aside += 1,
        }
    }
    file.flush().map_err(|error| Fault::of(out.display(), error))?;
    eprintln!("{written} records, {aside} quarantined, {repairs} repairs");
    Ok(written)
}

struct Adapted<'r>(Record<'r>);

impl Cells for Adapted<'_> {
    fn cell(&self, column: usize) -> &str {
        self.0.cell(column)
    }
}

/// What earlier stages would have written: source key → destination id.
struct IdMaps {
    objects: Vec<IdMap>,
}

struct IdMap {
    source_object: &'static str,
    destination_object: &'static str,
    pairs: HashSet<Pair>,
}

/// A source key with the destination id behind it, in one piece of memory; it is found by the key.
struct Pair {
    text: Box<str>,
    key_length: usize,
}

impl Pair {
    fn new(key: &str, id: &str) -> Self {
        Self { text: [key, id].concat().into_boxed_str(), key_length: key.len() }
    }

    fn key(&self) -> &str {
        self.text.get(..self.key_length).unwrap_or_default()
    }

    fn id(&self) -> &str {
        self.text.get(self.key_length..).unwrap_or_default()
    }
}

impl Borrow<str> for Pair {
    fn borrow(&self) -> &str {
        self.key()
    }
}

impl Hash for Pair {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Pair {}

impl IdMaps {
    fn read(export: &Export) -> Result<Self, Fault> {
        let mut objects = Vec::new();
        for (source_object, destination_object) in [("Company", "companies"), ("Owner", "owners")] {
            let failed = |error| Fault::of(source_object, error);
            let mut records = export.records(source_object).map_err(failed)?;
            let mut pairs = HashSet::new();
            while let Some(row) = records.next().map_err(failed)? {
                if let Row::Record(record) = row {
                    pairs.insert(Pair::new(record.cell(0), record.cell(1)));
                }
            }
            objects.push(IdMap { source_object, destination_object, pairs });
        }
        Ok(Self { objects })
    }
}

impl Lookup for IdMaps {
    fn cell<'l>(&'l self, target: &ReferenceTarget, _: &str, _: &str) -> Result<Option<Cow<'l, str>>, LookupError> {
        Err(LookupError::new(format!("the columns of {} were not expected to be read", target.object)))
    }

    fn destination<'l>(&'l self, target: &ReferenceTarget, key: &str) -> Result<Resolved<'l>, LookupError> {
        let known = self.objects.iter().find(|known| known.source_object == target.object);
        let known = known.ok_or_else(|| LookupError::new(format!("no ids of {}", target.object)))?;
        Ok(match known.pairs.get(&*comparable(key, target.ignore_case, target.ignore_space)) {
            Some(pair) => {
                let object = Cow::Borrowed(known.destination_object);
                Resolved::Found { object, id: Cow::Borrowed(pair.id()) }
            }
            None => Resolved::Missing { why: Cow::Borrowed("it is not in the export") },
        })
    }

    fn owner<'l>(&'l self, _: &ReferenceTarget, _: &str) -> Result<OwnerFound<'l>, LookupError> {
        Err(LookupError::new("the benchmark has no owners table"))
    }

    fn existing<'l>(&'l self, object: &str, _: &[(String, String)]) -> Result<Option<Cow<'l, str>>, LookupError> {
        Err(LookupError::new(format!("{object} was not expected to be asked for")))
    }
}

/// Whether a value is there to be written.
pub(crate) fn is_absent(value: &Value<'_>) -> bool {
    matches!(value, Value::None | Value::Default)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTACTS: &str = "\
Contact ID,First Name,Last Name,Email,Phone,Job Title,Lead Status,Company IDs,Owner Email,Created At,Annual Value,Tags,Bio,City,Unsubscribed
C1, Ada ,Lovelace, Ada@X.com,(201) 234-5678 x12,CEO,  In  Progress ,K1;K9,REP@x.com,03/01/2024 09:30 AM,\"$1,234.50\",VIP; New ,<p>Hi &amp; <b>bye</b></p>,Reno,Y
C2,,,,n/a,,Zombie,K7,,yesterday,TBD,,,,
";

    #[test]
    fn contacts_become_lines_of_json() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        put("contacts.csv", CONTACTS);
        put("idmap_companies.csv", "source_id,target_id\nK1,id-1\n");
        put("idmap_owners.csv", "email,target_id\nrep@x.com,id-2\n");
        let out = folder.path().join("out.ndjson");
        assert_eq!(transform(folder.path(), &out).unwrap(), 2);
        let written = std::fs::read_to_string(&out).unwrap();
        let lines: Vec<serde_json::Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        insta::assert_json_snapshot!(lines);
    }
}
