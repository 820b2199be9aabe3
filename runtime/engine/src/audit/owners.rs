//! Owners against the members of the destination.

use std::collections::BTreeMap;

use migr_extract::Export;
use migr_plan::Plan;
use migr_plan::lock::{LockedOwners, OwnedRecords, member_hash};

use super::export_lookup::{ExportLookup, OwnerState, Referred};
use super::lookup_plan::LookupSpec;
use super::render::counted;
use super::{AuditError, Collector, Finding, FindingKind, Severity};

/// The members that the spec names and the destination has not. Without its fallback nothing may begin.
pub(super) fn named_but_no_members(plan: &Plan, world: &ExportLookup<'_>, found: &mut Collector<'_>) {
    let Some(owners) = &plan.owners else { return };
    let object = &owners.destination_object;
    if let Some(fallback) = owners.fallback.as_deref().filter(|address| !world.owners.may_be_member(address)) {
        let message =
            format!("the fallback owner {fallback} is no member of {object}: nothing can be written before they are");
        let finding = Finding::new(FindingKind::UnknownMember, Severity::Error, message);
        found.add(finding.at(&owners.origin.file, owners.origin.line.into()));
    }
    for pair in owners.overrides.iter().filter(|pair| !world.owners.may_be_member(&pair.destination)) {
        let message = format!(
            "{} is to stand for {} and is no member of {object}; {}",
            pair.destination,
            pair.source,
            instead(owners.fallback.as_deref()),
        );
        let finding = Finding::new(FindingKind::UnknownMember, Severity::Warning, message);
        found.add(finding.at(&pair.origin.file, pair.origin.line.into()));
    }
}

/// The owners that records name, as a lock keeps them.
pub(super) fn locked(world: &ExportLookup<'_>, salt: &str, owned: &BTreeMap<String, u64>) -> Option<LockedOwners> {
    if owned.is_empty() {
        return None;
    }
    let is_asked = world.owners.is_asked();
    let mut owners: Vec<OwnedRecords> = owned
        .iter()
        .map(|(address, records)| OwnedRecords {
            owner: member_hash(salt, address),
            records: *records,
            is_user: is_asked.then(|| world.owners.may_be_member(address)),
        })
        .collect();
    owners.sort_by(|a, b| a.owner.cmp(&b.owner));
    Some(LockedOwners { salt: salt.to_owned(), owners })
}

fn instead(fallback: Option<&str>) -> String {
    fallback.map_or_else(|| "their records have no owner".to_owned(), |fallback| format!("{fallback} takes over"))
}

/// Owners of the export whom no member of the destination stands for, with the number of their records.
pub(super) fn without_members(
    plan: &Plan,
    world: &ExportLookup<'_>,
    export: &Export,
    owned: BTreeMap<String, u64>,
    found: &mut Collector<'_>,
) -> Result<(), AuditError> {
    let Some(owners) = &plan.owners else { return Ok(()) };
    let file = export.file(&owners.source_object).map(migr_extract::SourcePath::shown);
    let then = instead(owners.fallback.as_deref());
    let is_by_address =
        |spec: &LookupSpec| world.owners.is_source(&spec.object, spec.column.as_deref()) && !spec.ignore_space;
    let named = world.lookups().map(|(_, spec, _)| spec).filter(|spec| spec.object == owners.source_object);
    let (by_address, by_others): (Vec<_>, Vec<_>) =
        named.filter(|spec| spec.ignore_case).partition(|spec| is_by_address(spec));
    let first_of = |specs: &[&LookupSpec], key: &str| -> Result<Option<Referred>, AuditError> {
        for spec in specs {
            if let Some(row) = world.find(spec, key)? {
                return Ok(Some(row));
            }
        }
        Ok(None)
    };
    for (address, records) in owned {
        if world.owners.state(&address, true) != OwnerState::NoMember {
            continue;
        }
        let row = first_of(&by_address, &address)?;
        let has_address = row.is_some();
        // Owners without a row were reported with every record.
        let Some(row) = row.map_or_else(|| first_of(&by_others, &address), |row| Ok(Some(row)))? else { continue };
        let owns = counted(records, "record");
        let is_no =
            if has_address { "is no member of the destination" } else { "has no address by which a member is found" };
        let message = format!("\"{address}\" owns {owns} and {is_no}; {then}");
        let mut finding = Finding::new(FindingKind::OrphanOwner, Severity::Warning, message)
            .of(&owners.source_object)
            .with_key(&row.key)
            .in_column(&owners.source_column)
            .counting(records);
        finding.file = file.map(ToOwned::to_owned);
        found.add(finding);
    }
    Ok(())
}
