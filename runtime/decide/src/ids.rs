//! Ids that a migration gives to what it creates.

use sha1::{Digest as _, Sha1};
use uuid::{Builder, Uuid};

const NAMESPACE_NAME: &str = "https://migr.dev/ids";
const SEPARATOR: [u8; 1] = [0x1f];

/// The ids that a migration gives to what it creates: UUID v5, so that a second attempt gives the same ones. They are those of one project: another one of the
/// same name with the same keys has others.
#[derive(Clone, Debug)]
pub struct Ids {
    namespace: Uuid,
    migration: String,
}

impl Ids {
    /// Of a migration.
    pub fn of(migration: &str) -> Self {
        Self {
            namespace: Uuid::new_v5(&Uuid::NAMESPACE_URL, NAMESPACE_NAME.as_bytes()),
            migration: migration.to_owned(),
        }
    }

    /// Ids of a migration in a project; as they were before projects had ids where it has none.
    pub fn within(migration: &str, project: Option<&str>) -> Self {
        let ids = Self::of(migration);
        match project {
            Some(project) => Self { namespace: Uuid::new_v5(&ids.namespace, project.as_bytes()), ..ids },
            None => ids,
        }
    }

    /// The id of a stage's record.
    pub fn record(&self, stage: &str, key: &str) -> String {
        self.derive(&[stage, key])
    }

    /// The id of a link from a stage's record.
    pub fn link(&self, stage: &str, key: &str, field: &str, target: &str) -> String {
        self.derive(&[stage, key, field, target])
    }

    /// UUID v5 of the migration's name and some parts.
    fn derive(&self, parts: &[&str]) -> String {
        let mut hash = Sha1::new_with_prefix(self.namespace.as_bytes()).chain_update(&self.migration);
        for part in parts {
            hash.update(SEPARATOR);
            hash.update(part);
        }
        let bytes = hash.finalize().first_chunk().copied().unwrap_or_default();
        Builder::from_sha1_bytes(bytes).into_uuid().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_project_has_other_ids_and_the_same_one_the_same() {
        let record = |project| Ids::within("clinic", project).record("Contact", "C7");
        assert_eq!(record(None), Ids::of("clinic").record("Contact", "C7"));
        assert_eq!(record(Some("a")), record(Some("a")));
        assert!(record(Some("a")) != record(Some("b")) && record(Some("a")) != record(None));
        insta::assert_snapshot!(record(Some("a")), @"249de15a-1e55-5e56-8001-497bd06e8667");
    }

    // Whoever changes these ids makes every journal's records strangers.
    #[test]
    fn ids_are_the_same_for_ever() {
        let ids = Ids::of("clinic");
        insta::assert_snapshot!(ids.record("Contact", "C7"), @"695d8928-4a84-59d2-b523-d95d63ab7217");
        insta::assert_snapshot!(ids.link("Note", "N1", "targets", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"), @"f04d1a89-916a-586d-9540-bcd71330f471");
    }
}
