//! Values of written records that are not those that were written: what others changed since, by the values, and by the times where values do not tell.

use migr_decide::digests::HeldBeside;
use migr_journal::Written;
use migr_load::{Destination, Found};

use crate::stamps::{Stamps, is_changed};

/// Keys of the fields of a record that others changed since they were written, sorted.
pub(crate) fn held_otherwise(
    destination: &dyn Destination,
    stamps: &Stamps,
    object: &str,
    (written, there): (&Written, &Found),
) -> Vec<String> {
    let is_touched = is_changed(stamps, object, there);
    let held = HeldBeside::new(destination, object, written, (&there.values, is_touched));
    let is_other = |key: &&str| there.values.contains_key(*key) && held.is_other(key);
    written.fields().filter(is_other).map(str::to_owned).collect()
}

/// The same of a record that the migration made, with the fields that nothing was written to and that somebody filled: times tell that it was after the migration;
/// where the destination tells none, a record that was made new tells it. None of both: a record that was touched alone.
pub(crate) fn changed_by_others(
    destination: &dyn Destination,
    stamps: &Stamps,
    object: &str,
    (written, there): (&Written, &Found),
) -> Vec<String> {
    let mut fields = held_otherwise(destination, stamps, object, (written, there));
    let tells_times = there.values.contains_key("updatedAt");
    if !tells_times || is_changed(stamps, object, there) {
        let is_ours = |key: &String| written.fields().any(|known| known == key);
        fields.extend(destination.filled(object, &there.values).into_iter().filter(|key| !is_ours(key)));
    }
    fields
}
