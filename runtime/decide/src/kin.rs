//! Records of a spec's test that are one: the rules of a run, over a few records in memory.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use migr_plan::{DuplicatePolicy, Stage, TakenPolicy, UnidentifiedPolicy};
use migr_spill::SortValue as Sort;
use migr_transform::{Clash, Kinships, Sibling, normalise_match};

use crate::DecideError;
use crate::duplicates::{self, Joined, prefer};
use crate::identities::{Identities, sort};
use crate::taken::policy_of;

/// Records in memory, each by its number.
#[derive(Debug, Default)]
struct Few {
    /// Lines of each value, by the position of the identity.
    shared: BTreeMap<(usize, String), Vec<u64>>,
    /// Identities that a line has, as bits.
    has: BTreeMap<u64, u64>,
    /// The line that each stands under.
    under: RefCell<BTreeMap<u64, u64>>,
}

impl Joined for Few {
    fn prepare(&self) -> Result<(), DecideError> {
        Ok(())
    }

    fn each_shared(
        &self,
        path: usize,
        found: &mut dyn FnMut(&[u64]) -> Result<(), DecideError>,
    ) -> Result<(), DecideError> {
        let of_path = self.shared.iter().filter(|((of, _), lines)| *of == path && lines.len() > 1);
        of_path.into_iter().try_for_each(|(_, lines)| found(lines))
    }

    fn earlier_of(&self, line: u64, path: usize) -> Result<u64, DecideError> {
        let before = 1_u64.checked_shl(u32::try_from(path).unwrap_or(u32::MAX)).map_or(u64::MAX, |bit| bit - 1);
        Ok(self.has.get(&line).copied().unwrap_or_default() & before)
    }

    fn root_of(&self, line: u64) -> Result<u64, DecideError> {
        let under = self.under.borrow();
        let mut root = line;
        while let Some(above) = under.get(&root) {
            root = *above;
        }
        Ok(root)
    }

    fn unite(&self, lines: &[u64]) -> Result<(), DecideError> {
        let Some((first, others)) = lines.split_first() else { return Ok(()) };
        for other in others {
            let (one, two) = (self.root_of(*first)?, self.root_of(*other)?);
            if one != two {
                self.under.borrow_mut().insert(one.max(two), one.min(two));
            }
        }
        Ok(())
    }
}

/// Says which of some records of a stage are one.
pub fn judge(stage: &Stage, siblings: &[Sibling<'_>]) -> Kinships {
    // Nothing of it can fail in memory.
    settled(stage, siblings).unwrap_or_default()
}

fn settled(stage: &Stage, siblings: &[Sibling<'_>]) -> Result<Kinships, DecideError> {
    let policy = &stage.policies.duplicate;
    let mut kin = Kinships::default();
    let sorts: Vec<Sort> = siblings.iter().map(|it| it.by.as_ref().map_or(Sort::Null, sort)).collect();
    let order = |one: &usize, other: &usize, policy: &DuplicatePolicy| {
        let by = |at: usize| sorts.get(at).unwrap_or(&Sort::Null);
        prefer(policy, (*one as u64, by(*one)), (*other as u64, by(*other)))
    };
    if stage.distinct.is_none() {
        let mut by_key: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, sibling) in siblings.iter().enumerate() {
            if let Some(key) = sibling.key {
                by_key.entry(key).or_default().push(at);
            }
        }
        // Rows of one key cannot be told apart later, so they are not merged either.
        let by_place = matches!(policy, DuplicatePolicy::MergeNewest { .. } | DuplicatePolicy::MergeOldest { .. });
        let of_keys = if by_place { &DuplicatePolicy::KeepFirst } else { policy };
        for mut rows in by_key.into_values().filter(|rows| rows.len() > 1) {
            rows.sort_by(|one, other| order(one, other, of_keys));
            if let Some((kept, doubles)) = rows.split_first() {
                kin.doubles.extend(doubles.iter().map(|double| (*double, *kept)));
            }
        }
    }
    let identities = Identities::of(stage);
    let mut few = Few::default();
    let is_double = |at: usize| kin.doubles.iter().any(|(double, _)| *double == at);
    for (at, sibling) in siblings.iter().enumerate().filter(|(at, _)| !is_double(*at)) {
        let Some(values) = sibling.values else { continue };
        let mut found = Vec::new();
        for (path, names) in identities.paths.iter().enumerate() {
            let value = |name: &String| {
                let field = name.split('.').next().unwrap_or_default();
                let (index, value) = values
                    .iter()
                    .find(|(index, _)| stage.fields.get(*index).is_some_and(|mapping| mapping.field == field))?;
                normalise_match(&stage.fields.get(*index)?.ty, name, value)
            };
            let parts: Option<Vec<String>> = names.iter().map(value).collect();
            found.extend(parts.map(|parts| (path, parts.join("\u{1f}"))));
        }
        let is_identified = found.iter().any(|(path, _)| *path < identities.matching);
        if !is_identified && stage.policies.unidentified != UnidentifiedPolicy::Create {
            kin.unidentified.push(at);
            continue;
        }
        for (path, value) in found {
            few.shared.entry((path, value)).or_default().push(at as u64);
            *few.has.entry(at as u64).or_default() |= 1 << path.min(63);
        }
    }
    let mut unclear = Vec::new();
    duplicates::join(&few, identities.matching, |it| {
        unclear.push(it.line);
        Ok(())
    })?;
    let mut families: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for line in few.has.keys().filter(|line| !unclear.contains(line)) {
        families.entry(few.root_of(*line)?).or_default().extend(usize::try_from(*line));
    }
    for mut family in families.into_values().filter(|family| family.len() > 1) {
        family.sort_by(|one, other| order(one, other, policy));
        kin.families.push(family);
    }
    kin.unclear.extend(unclear.into_iter().filter_map(|line| usize::try_from(line).ok()));
    clash(stage, &identities, &few, &mut kin, &|one, other| order(one, other, policy));
    Ok(kin)
}

/// Order in which the policy for duplicates prefers records, by their positions.
type Order<'o> = dyn Fn(&usize, &usize) -> std::cmp::Ordering + 'o;

/// Finds the values that one record alone may hold and several would be written with; records that stay out for one are no longer one with others.
fn clash(stage: &Stage, identities: &Identities, few: &Few, kin: &mut Kinships, order: &Order<'_>) {
    let merges = stage.policies.duplicate.merges();
    let mut out: BTreeSet<usize> = kin.unclear.iter().copied().collect();
    if !merges {
        out.extend(kin.families.iter().flat_map(|family| family.iter().skip(1)));
    }
    let unique = || few.shared.iter().filter(|((path, _), _)| *path >= identities.matching);
    loop {
        let before = out.len();
        for ((path, value), lines) in unique() {
            let policy = policy_of(stage, identities, *path);
            if policy == TakenPolicy::None {
                continue;
            }
            if let Some((holder, others)) = few.rivals((*path, lines), &kin.families, &out, order) {
                out.extend(&others);
                let path = identities.name(*path);
                kin.clashes.push(Clash { path, value: value.clone(), holder, out: others, policy });
            }
        }
        if merges {
            kin.families.iter_mut().for_each(|family| family.retain(|line| !out.contains(line)));
            kin.families.retain(|family| family.len() > 1);
        }
        if out.len() == before {
            break;
        }
    }
    for ((path, value), lines) in unique() {
        let policy = policy_of(stage, identities, *path);
        if policy == TakenPolicy::None
            && let Some((holder, _)) = few.rivals((*path, lines), &kin.families, &out, order)
        {
            let path = identities.name(*path);
            kin.clashes.push(Clash { path, value: value.clone(), holder, out: Vec::new(), policy });
        }
    }
}

impl Few {
    /// Records that would be written with one value: the one that the policy prefers, and those that are not one with it.
    fn rivals(
        &self,
        (path, lines): (usize, &[u64]),
        families: &[Vec<usize>],
        out: &BTreeSet<usize>,
        order: &Order<'_>,
    ) -> Option<(usize, Vec<usize>)> {
        let has_one = |line: &usize| self.has.get(&(*line as u64)).is_some_and(|has| has >> path.min(63) & 1 == 1);
        let family_of = |line: usize| families.iter().find(|family| family.contains(&line));
        // In a merge the first row that has a value gives it.
        let is_written =
            |line: &usize| family_of(*line).is_none_or(|family| family.iter().find(|it| has_one(it)) == Some(line));
        let lines = lines.iter().filter_map(|line| usize::try_from(*line).ok());
        let mut written: Vec<usize> = lines.filter(|line| !out.contains(line) && is_written(line)).collect();
        // Rows that are merged come as the first of them does.
        let leader = |line: &usize| family_of(*line).and_then(|family| family.first()).copied().unwrap_or(*line);
        written.sort_by(|one, other| order(&leader(one), &leader(other)));
        let (first, others) = written.split_first()?;
        (!others.is_empty()).then(|| (*first, others.to_vec()))
    }
}
