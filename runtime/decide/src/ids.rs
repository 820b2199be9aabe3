//! Ids that a migration gives to what it creates.

use uuid::Uuid;

const NAMESPACE_NAME: &str = "https://migr.dev/ids";
const SEPARATOR: char = '\u{1f}';

/// The ids that a migration gives to what it creates: UUID v5, so that a second attempt gives the same ones.
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

    /// The id of a stage's record.
    pub fn record(&self, stage: &str, key: &str) -> String {
        self.derive(&[stage, key])
    }

    /// The id of a link from a stage's record.
    pub fn link(&self, stage: &str, key: &str, field: &str, target: &str) -> String {
        self.derive(&[stage, key, field, target])
    }

    fn derive(&self, parts: &[&str]) -> String {
        let mut name = self.migration.clone();
        for part in parts {
            name.push(SEPARATOR);
            name.push_str(part);
        }
        Uuid::new_v5(&self.namespace, name.as_bytes()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Whoever changes these ids makes every journal's records strangers.
    #[test]
    fn ids_are_the_same_for_ever() {
        let ids = Ids::of("clinic");
        insta::assert_snapshot!(ids.record("Contact", "C7"), @"695d8928-4a84-59d2-b523-d95d63ab7217");
        insta::assert_snapshot!(ids.link("Note", "N1", "targets", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"), @"f04d1a89-916a-586d-9540-bcd71330f471");
    }
}
