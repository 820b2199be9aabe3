//! Collector of an audit's findings: it counts all, keeps the first of each kind, and takes out those that the spec accepts.

use std::collections::BTreeMap;
use std::io;

use super::accepted::{Acceptances, AcceptedFindings};
use super::finding::{Finding, FindingKind, FindingSink, FindingTotal, KEPT_PER_KIND, Severity};

type Group = (Option<String>, FindingKind, Severity);

/// Result of collecting findings.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) findings: Vec<Finding>,
    pub(crate) totals: Vec<FindingTotal>,
    pub(crate) accepted: Vec<AcceptedFindings>,
}

/// Keeps the first findings of each kind and counts all.
pub(crate) struct Collector<'s> {
    kept: Vec<Finding>,
    totals: BTreeMap<Group, u64>,
    sink: Option<&'s mut (dyn FindingSink + Send)>,
    /// The first error of the sink.
    broken: Option<io::Error>,
    acceptances: Acceptances,
}

impl<'s> Collector<'s> {
    pub(crate) fn new(sink: Option<&'s mut (dyn FindingSink + Send)>, acceptances: Acceptances) -> Self {
        Self { kept: Vec::new(), totals: BTreeMap::new(), sink, broken: None, acceptances }
    }

    pub(crate) fn add(&mut self, finding: Finding) {
        if let Some(sink) = self.sink.as_mut()
            && self.broken.is_none()
        {
            self.broken = sink.finding(&finding).err();
        }
        let Some(finding) = self.acceptances.take(finding) else { return };
        let group = (finding.object.clone(), finding.kind, finding.severity);
        let count = self.totals.entry(group).or_default();
        *count += 1;
        if *count <= KEPT_PER_KIND {
            self.kept.push(finding);
        }
    }

    /// Counts a finding that the spec is known to accept, by its code or by its name.
    pub(crate) fn accept(&mut self, finding: Finding) {
        if let Some(finding) = self.acceptances.cover(finding)
            && finding.severity == Severity::Error
        {
            // Its entry names a code, which no finding of an audit goes by.
            self.add(finding);
        }
    }

    /// Adds a finding for each entry of the spec that accepted nothing. To be called when everything else was found.
    pub(crate) fn tell_idle_entries(&mut self) {
        for finding in self.acceptances.idle() {
            self.add(finding);
        }
    }

    /// True where a finding of one of some kinds tells of an object.
    pub(crate) fn tells_of(&self, object: &str, kinds: &[FindingKind]) -> bool {
        self.totals.keys().any(|(known, kind, _)| known.as_deref() == Some(object) && kinds.contains(kind))
    }

    /// The kept findings and all totals, worst first, then by kind, object and line; and what the spec accepts.
    pub(crate) fn finish(mut self) -> io::Result<Collected> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        let accepted = std::mem::take(&mut self.acceptances).finish(|kept, (object, kind, severity, findings)| {
            self.kept.extend(kept);
            *self.totals.entry((object, kind, severity)).or_default() += findings;
        });
        self.kept.sort_by(|a, b| order(a).cmp(&order(b)));
        let mut totals: Vec<FindingTotal> = self
            .totals
            .into_iter()
            .map(|((object, kind, severity), findings)| FindingTotal { object, kind, severity, findings })
            .collect();
        totals.sort_by(|a, b| (a.severity, a.kind, &a.object).cmp(&(b.severity, b.kind, &b.object)));
        Ok(Collected { findings: self.kept, totals, accepted })
    }
}

type Order<'f> =
    (Severity, FindingKind, &'f Option<String>, &'f Option<String>, Option<u64>, &'f Option<String>, &'f str);

fn order(finding: &Finding) -> Order<'_> {
    (
        finding.severity,
        finding.kind,
        &finding.object,
        &finding.file,
        finding.line,
        &finding.column,
        finding.message.as_str(),
    )
}
