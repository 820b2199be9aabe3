//! Identity of people, by the rows alone: an address is one person's, two addresses are two people, and a number that a contact is to get is lost to nobody.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::draw::{Case, Client};
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
    let address = |client: &Client| client.email.to_lowercase();
    let written: Vec<(&Client, &String)> =
        case.clients.iter().filter_map(|client| Some((client, life.contacts.get(&client.id)?))).collect();
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
    let text = |values: &migr_load::Map, key: &str| {
        values.get(key).and_then(Value::as_str).map(str::to_owned).unwrap_or_default()
    };
    let mut holders: BTreeMap<String, u64> = BTreeMap::new();
    for contact in &life.there {
        let phone = digits(&text(&contact.values, "phone"));
        if !phone.is_empty() {
            *holders.entry(phone).or_default() += 1;
        }
    }
    if !case.allows_duplicates {
        let doubled = holders.iter().filter(|(_, count)| **count > 1);
        found.extend(doubled.map(|(phone, _)| format!("several contacts have {phone}")));
    }
    for contact in &life.there {
        let mut rows = written.iter().filter(|(_, id)| **id == contact.id).map(|(client, _)| *client);
        let phones: Vec<String> = rows.clone().map(|client| digits(client.phone)).filter(|it| !it.is_empty()).collect();
        let phone = digits(&text(&contact.values, "phone"));
        if !case.writes_existing || rows.next().is_none() || !phone.is_empty() || phones.is_empty() {
            continue;
        }
        let is_had = phones.iter().any(|phone| holders.contains_key(phone));
        if !(case.gives_up_phones && is_had) {
            found.push(format!("{} has none of {phones:?}, and nobody else has one of them", contact.id));
        }
    }
    found.extend(
        life.quarantined
            .iter()
            .filter(|key| !case.clients.iter().any(|client| client.id == **key))
            .filter(|key| !key.contains('\u{1f}'))
            .map(|key| format!("{key} is nobody's key")),
    );
    found
}
