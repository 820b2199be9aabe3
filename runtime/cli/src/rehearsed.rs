//! Users of the sandbox's workspace: those that the spec names, where the project knows that the destination has them.

use std::fs;
use std::path::Path;

use migr_plan::Plan;
use migr_plan::lock::Lock;

/// A list of people whom the destination has or will have, an address a line, beside the spec.
const LIST: &str = "members.txt";

/// The members that a rehearsal may reckon with, of those whom the spec names: a lock of the project has them, or its list. Nobody else is invented, so that
/// who is missing in the destination is missing in the rehearsal.
pub(crate) fn members(plan: &Plan, folder: &Path) -> Vec<String> {
    let listed = fs::read_to_string(folder.join(LIST)).unwrap_or_default();
    let listed: Vec<String> = listed.lines().map(|line| line.trim().to_lowercase()).collect();
    let locks: Vec<Lock> = locks(folder);
    let is_known = |address: &str| {
        let address = address.trim().to_lowercase();
        let mut members = locks.iter().filter_map(|lock| lock.destination.as_ref()?.members.as_ref());
        listed.contains(&address) || members.any(|members| members.contains(&address))
    };
    let named = plan.owners.iter().flat_map(migr_plan::Owners::named_members);
    named.filter(|address| is_known(address)).map(str::to_owned).collect()
}

fn locks(folder: &Path) -> Vec<Lock> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "lock"));
    paths.sort();
    paths.iter().filter_map(|path| Lock::from_json(&fs::read_to_string(path).ok()?).ok()).collect()
}
