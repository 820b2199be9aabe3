//! An estimate: counted from an audit, by the published formula, the same for the same inputs.

use serde_json::Value;

use crate::harness::Project;
use crate::stand_in::{StandIn, hurry};

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// The letter of so many points, as the published formula has it.
fn graded(points: u64) -> &'static str {
    ["A", "B", "C", "D", "E"][usize::try_from(points / 4).unwrap().min(4)]
}

#[test]
fn an_estimate_is_counted_from_an_audit_and_adds_up_to_its_parts() {
    let project = Project::example();
    std::fs::remove_file(project.path().join("migr.lock")).ok();
    let ran = project.migr(&["estimate"]).exits(4);
    assert!(ran.stderr.contains("nothing was counted yet") && ran.stderr.contains("`migr audit`"), "{}", ran.stderr);
    project.migr(&["audit", "--sandbox"]);
    let document = project.migr(&["estimate", "--format", "json"]).exits(0).json();
    assert_eq!(document, project.migr(&["estimate", "--format", "json"]).exits(0).json(), "the same inputs");
    let estimate = &document["estimate"];
    let calls = estimate["calls"].as_array().unwrap();
    let sum = |names: &[&str]| -> u64 {
        calls.iter().map(|one| names.iter().map(|name| number(&one[*name])).sum::<u64>()).sum()
    };
    let least = sum(&["writes", "links", "files", "verify"]);
    let most = least + sum(&["lookups"]);
    assert_eq!(number(&estimate["requests"][0]), least);
    assert_eq!(number(&estimate["requests"][1]), most + (most * 10).div_ceil(100));
    // By 100 requests in 60 seconds.
    assert_eq!(number(&estimate["seconds"][0]), (least * 60).div_ceil(100));
    assert_eq!(number(&estimate["seconds"][1]), (number(&estimate["requests"][1]) * 60).div_ceil(100));
    assert_eq!(sum(&["records"]), number(&estimate["records"]));
    let contact = calls.iter().find(|one| one["map"] == "Contact").unwrap();
    assert_eq!((number(&contact["records"]), number(&contact["writes"])), (298, 2), "298 records, 200 a request");
    let points: u64 = estimate["dimensions"].as_array().unwrap().iter().map(|one| number(&one["points"])).sum();
    assert_eq!(points, number(&estimate["points"]));
    assert_eq!(estimate["grade"], graded(points), "of {points} points");
    assert_eq!(estimate["dimensions"].as_array().unwrap().len(), 5);
    assert!(estimate["individually"].is_null());

    let (least, most) = (number(&estimate["requests"][0]), number(&estimate["requests"][1]));
    for form in [&["plan"][..], &["plan", "--format", "markdown"]] {
        let plan = project.migr(form).exits(0).stdout;
        assert!(plan.contains(&format!("Estimate: {least} to {most} requests, ")), "{plan}");
    }
    let shown = project.migr(&["estimate"]).exits(0).stdout;
    for words in ["Requests", "at least", "at most", "100 requests in 60 s", "Grade", "mapping clarity", "ESTIMATE.md"]
    {
        assert!(shown.contains(words), "nothing says {words:?}:\n{shown}");
    }

    // More than two millions are scoped individually, by the same lock with more records.
    let lock = project.read("migr.lock");
    let mut lock: Value = serde_json::from_str(&lock).unwrap();
    let stages = lock["stages"]["stages"].as_array_mut().unwrap();
    stages.iter_mut().find(|stage| stage["id"] == "Contact").unwrap()["create"] = 2_000_001.into();
    project.write("migr.lock", &lock.to_string());
    let shown = project.migr(&["estimate"]).exits(0).stdout;
    assert!(shown.contains("individually: more than 2000000 records"), "{shown}");
    assert!(shown.contains("4 of 4  volume"), "{shown}");
    let larger = project.migr(&["estimate", "--format", "json"]).exits(0).json()["estimate"].clone();
    assert_ne!(larger["grade"], estimate["grade"], "more records are another grade");
    assert_eq!(larger["grade"], graded(number(&larger["points"])));
    // A spec that moved since has nothing to estimate from.
    let spec = project.read("migration.migr");
    project.write("migration.migr", &spec.replace("job_title | trim", "job_title"));
    let ran = project.migr(&["estimate"]).exits(4);
    assert!(ran.stderr.contains("another state of the spec"), "{}", ran.stderr);
}

#[test]
fn the_requests_of_a_run_are_between_the_least_and_the_most_of_its_estimate() {
    let (project, stand_in) = (Project::example(), StandIn::new());
    hurry(&project, 60);
    std::fs::remove_file(project.path().join("migr.staging.lock")).ok();
    stand_in.migr(&project, &["audit"]);
    let estimate = stand_in.migr(&project, &["estimate", "--format", "json"]).exits(0).json()["estimate"].clone();
    let plan = stand_in.migr(&project, &["plan", "--format", "json"]).exits(0).json();
    assert_eq!(plan["estimate"]["requests"], estimate["requests"][0], "one estimate in every place");
    assert_eq!(plan["estimate"]["requests_at_most"], estimate["requests"][1]);
    assert_eq!(plan["estimate"]["seconds"], estimate["seconds"][0]);
    let shown = stand_in.migr(&project, &["plan"]).exits(0).stdout;
    let words = format!("Estimate: {} to {} requests", estimate["requests"][0], estimate["requests"][1]);
    assert!(shown.contains(&words), "{shown}");
    let before = stand_in.requests();
    stand_in.migr(&project, &["setup"]).exits(0);
    stand_in.migr(&project, &["run", "--no-approval"]).exits(5);
    stand_in.migr(&project, &["verify"]).exits(0);
    let sent = stand_in.requests() - before;
    let (least, most) = (number(&estimate["requests"][0]), number(&estimate["requests"][1]));
    eprintln!("estimated {least} to {most} requests, sent {sent}");
    assert!((least..=most).contains(&sent), "{least} to {most}, and {sent} were sent: {estimate:#}");
    let report = project.report();
    assert!(report["estimate"].as_str().unwrap().starts_with(&words["Estimate: ".len()..]), "{}", report["estimate"]);
}
