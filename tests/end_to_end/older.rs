//! The program against the older server: what it lacks is said beforehand, and a spec that fits goes all the way there and back.

use migr_sandbox::{SandboxOptions, TwentyVersion};

use crate::harness::Project;
use crate::stand_in::StandIn;

fn older() -> StandIn {
    StandIn::with(SandboxOptions { version: TwentyVersion::V1_10, ..SandboxOptions::default() })
}

/// The example for a workspace of 1.10: its catalog, its stock fields, and what it lacks made.
fn fitting() -> Project {
    let project = Project::example();
    let mut spec = project.read("migration.migr");
    for (newer, older) in [
        ("use \"std/systems/twenty\"", "use \"std/systems/twenty_1\""),
        ("destination twenty as", "destination twenty_1 as"),
        ("  annualRevenue = annual_revenue", "  annualRecurringRevenue = annual_revenue"),
        ("  new employees \"Employees\": integer = employees", "  employees = employees"),
        ("  new city \"City\": text = city", "  city = city"),
        (
            "  owner          = owner_email\n  createdAt      = created_at\n  new probability",
            "  new owner \"Owner\": -> workspaceMembers inverse \"Owned deals\" = owner_email\n  createdAt      = created_at\n  new probability",
        ),
    ] {
        assert!(spec.contains(newer), "the example no longer holds {newer}");
        spec = spec.replace(newer, older);
    }
    project.write("migration.migr", &spec);
    project
}

#[test]
fn what_version_1_10_lacks_is_said_plainly_before_anything_is_written() {
    let server = older();
    let before = server.fingerprint();
    let project = Project::example();
    let prepared = server.migr(&project, &["setup"]).exits(4);
    let said = format!("{}{}", prepared.stdout, prepared.stderr);
    for (line, field) in [(66, "companies.annualRevenue"), (105, "opportunities.owner")] {
        let words = format!("migration.migr:{line} writes `{field}`: the destination (twenty 1.x) has no such field");
        assert!(said.contains(&words), "{said}");
    }
    server.migr(&project, &["run", "--no-approval"]).exits(4);
    let audit = server.migr(&project, &["audit"]);
    assert!(audit.stdout.contains("error[destination-lacks]: What the destination cannot hold: 2"), "{}", audit.stdout);
    assert!(server.fingerprint() == before, "something was written");
}

#[test]
fn a_spec_that_fits_version_1_10_goes_there_verifies_and_comes_back() {
    let server = older();
    let before = server.fingerprint();
    let project = fitting();
    server.migr(&project, &["plan"]).exits(0);
    server.migr(&project, &["setup"]).exits(0);
    let ran = server.migr(&project, &["run", "--no-approval"]).exits(5);
    assert!(ran.stdout.contains("1,639 records were written."), "{}", ran.stdout);
    let verified = server.migr(&project, &["verify"]).exits(0);
    assert!(verified.stdout.contains("1,639 records and 15,022 fields read back, 100.00%"), "{}", verified.stdout);
    // The names of 1.10 for the ends of a link.
    assert!(server.records("noteTargets").iter().any(|link| link["personId"].is_string()));
    assert!(server.records("attachments").iter().any(|file| file["fullPath"].is_string()));
    server.migr(&project, &["rollback"]).exits(0);
    assert!(server.fingerprint() == before, "it is not as before");
}
