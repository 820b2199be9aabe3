//! Owners of records, and the users who stand for them.

use std::collections::{BTreeMap, HashMap};

use migr_journal::{OwnerNote, Reader};
use migr_load::Destination;
use migr_plan::Plan;

use crate::DecideError;

/// Users for owners: the plan's owners table with the destination's users, read once.
#[derive(Debug, Default)]
pub struct OwnerTable {
    source: Option<(String, String)>,
    object: String,
    members: HashMap<String, Person>,
    overrides: BTreeMap<String, String>,
    fallback: Option<Person>,
    /// The destination was not asked for its users.
    is_unasked: bool,
}

/// A member of the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Person {
    address: String,
    id: String,
}

/// The member for a source owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stand {
    /// The member's id; none: nobody.
    pub id: Option<String>,
    /// No member is the owner.
    pub orphan: bool,
    /// For the journal.
    pub note: OwnerNote,
}

impl OwnerTable {
    /// Reads the members. A fallback that is nobody is an error before anything is written.
    pub async fn load(plan: &Plan, destination: &dyn Destination) -> Result<Self, DecideError> {
        let Some(owners) = &plan.owners else { return Ok(Self::default()) };
        let mut members = HashMap::new();
        for member in destination.members(&owners.destination_object, &owners.destination_field).await? {
            let address = fold(&member.value);
            members.entry(address.clone()).or_insert(Person { address, id: member.id });
        }
        let fallback = match &owners.fallback {
            None => None,
            Some(address) => {
                let person = members.get(&fold(address)).cloned().ok_or_else(|| DecideError::Fallback {
                    fallback: address.clone(),
                    object: owners.destination_object.clone(),
                })?;
                Some(person)
            }
        };
        let overrides = owners.overrides.iter().map(|pair| (fold(&pair.source), fold(&pair.destination))).collect();
        Ok(Self {
            source: Some((owners.source_object.clone(), owners.source_column.clone())),
            object: owners.destination_object.clone(),
            members,
            overrides,
            fallback,
            is_unasked: false,
        })
    }

    /// The same where a fallback without a user is no error: an audit says so by itself.
    pub async fn load_leniently(plan: &Plan, destination: &dyn Destination) -> Result<Self, DecideError> {
        match Self::load(plan, destination).await {
            Err(DecideError::Fallback { .. }) => {
                let mut plan = plan.clone();
                plan.owners.iter_mut().for_each(|owners| owners.fallback = None);
                Self::load(&plan, destination).await
            }
            other => other,
        }
    }

    /// Owners where the destination is not asked for its users.
    pub fn unasked(plan: &Plan) -> Self {
        let Some(owners) = &plan.owners else { return Self { is_unasked: true, ..Self::default() } };
        let overrides = owners.overrides.iter().map(|pair| (fold(&pair.source), fold(&pair.destination))).collect();
        let person = |address: &String| Person { address: fold(address), id: UNASKED.to_owned() };
        Self {
            source: Some((owners.source_object.clone(), owners.source_column.clone())),
            object: owners.destination_object.clone(),
            members: HashMap::new(),
            overrides,
            fallback: owners.fallback.as_ref().map(person),
            is_unasked: true,
        }
    }

    /// True where the destination was not asked for its users.
    pub fn is_unasked(&self) -> bool {
        self.is_unasked
    }

    /// As owners were resolved when records were written, without asking the destination.
    pub fn recorded(plan: &Plan, reader: &Reader) -> Result<Self, DecideError> {
        let Some(owners) = &plan.owners else { return Ok(Self::default()) };
        let mut table = Self {
            source: Some((owners.source_object.clone(), owners.source_column.clone())),
            object: owners.destination_object.clone(),
            ..Self::default()
        };
        for note in reader.owners()? {
            let (Some(address), Some(id)) = (note.destination, note.id) else { continue };
            let person = Person { address, id };
            if note.how == "fallback" {
                table.fallback = Some(person);
            } else {
                table.members.insert(fold(&note.source), person);
            }
        }
        Ok(table)
    }

    /// The destination object of members.
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The id of the member who stands in for owners who are none.
    pub fn fallback(&self) -> Option<&str> {
        self.fallback.as_ref().map(|person| person.id.as_str())
    }

    /// The source object and column that hold owners' addresses.
    pub fn source(&self) -> Option<(&str, &str)> {
        self.source.as_ref().map(|(object, column)| (object.as_str(), column.as_str()))
    }

    /// User for an address: a written override first, then the user of that address, then the fallback.
    pub fn stand(&self, address: &str, is_in_export: bool) -> Stand {
        let folded = fold(address);
        let written = self.overrides.get(&folded);
        let assumed = (self.is_unasked && (is_in_export || written.is_some()))
            .then(|| Person { address: folded.clone(), id: UNASKED.to_owned() });
        let found = self.members.get(written.unwrap_or(&folded)).or(assumed.as_ref());
        let how = match (found, written, &self.fallback) {
            (Some(_), Some(_), _) => "override",
            (Some(_), None, _) => "match",
            (None, _, Some(_)) => "fallback",
            (None, _, None) => "none",
        };
        let person = found.or(self.fallback.as_ref());
        let id = person.map(|person| person.id.clone());
        Stand {
            orphan: found.is_none(),
            note: OwnerNote {
                source: folded,
                destination: person.map(|person| person.address.clone()),
                id: id.clone(),
                how: how.to_owned(),
            },
            id,
        }
    }
}

/// Id of a user of a destination that was not asked.
const UNASKED: &str = "00000000-0000-4000-8000-000000000000";

fn fold(address: &str) -> String {
    address.trim().to_lowercase()
}
