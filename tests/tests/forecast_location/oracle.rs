//! Identity of people, by the rows alone: an address is one person's, two addresses are two people, and a number that a contact is to get is lost to nobody.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::draw::{Case, Client};
use crate::facts::{Journaled, Stored};
use crate::life::Life;

fn digits(phone: &str) -> String {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() || digits.starts_with('1') { digits } else { format!("1{digits}") }
}

/// Faults of the identities that a run gave.
pub(crate) fn faults(case: &Case, life: &Life) -> Vec<String> {
    let mut found = Vec::new();
    if !case.merges {
        return found;
    }
    let journal = &life.outcome.journal;
    let address = |client: &Client| client.email.to_lowercase();
    let id_of = |client: &Client| journal.get("Client", &client.id).and_then(|record: &Journaled| record.id.clone());
    let written: Vec<(&Client, String)> =
        case.clients.iter().filter_map(|client| Some((client, id_of(client)?))).collect();
    for (at, (one, id)) in written.iter().enumerate() {
        for (other, of) in &written[at + 1..] {
            let (mine, theirs) = (address(one), address(other));
            if mine.is_empty() || theirs.is_empty() {
                continue;
            }
            if mine == theirs && id != of {
                found.push(format!("{} and {} have one address, and are two contacts", one.id, other.id));
            }
            if mine != theirs && id == of {
                found.push(format!("{} and {} have two addresses, and are one contact", one.id, other.id));
            }
        }
    }
    let phone_of = |contact: &Stored| digits(contact.body.get("phone").and_then(Value::as_str).unwrap_or_default());
    let contacts = || life.outcome.store.0.iter().filter(|((object, _), _)| object == "contacts");
    let mut holders: BTreeMap<String, u64> = BTreeMap::new();
    for (_, contact) in contacts() {
        let phone = phone_of(contact);
        if !phone.is_empty() {
            *holders.entry(phone).or_default() += 1;
        }
    }
    if !case.allows_duplicates {
        let doubled = holders.iter().filter(|(_, count)| **count > 1);
        found.extend(doubled.map(|(phone, _)| format!("several contacts have {phone}")));
    }
    for ((_, id), contact) in contacts() {
        let mut rows = written.iter().filter(|(_, of)| of == id).map(|(client, _)| *client);
        let phones: Vec<String> = rows.clone().map(|client| digits(client.phone)).filter(|it| !it.is_empty()).collect();
        if !case.writes_existing || rows.next().is_none() || !phone_of(contact).is_empty() || phones.is_empty() {
            continue;
        }
        let is_had = phones.iter().any(|phone| holders.contains_key(phone));
        if !(case.gives_up_phones && is_had) {
            found.push(format!("{id} has none of {phones:?}, and nobody else has one of them"));
        }
    }
    found.extend(
        journal
            .of("Client")
            .filter(|(key, record)| record.id.is_none() && record.state.is_quarantined() && !key.contains('\u{1f}'))
            .filter(|(key, _)| !case.clients.iter().any(|client| client.id == **key))
            .map(|(key, _)| format!("{key} is nobody's key")),
    );
    found
}
