//! Which map waits for which, what is cut, and the order that follows.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use migr_check::{Map, Spec};
use migr_diagnostics::Diagnostics;
use migr_plan::Expr;
use migr_source::Span;
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef as _;

use crate::errors::{RequiredReference, required_cycle};

/// A reference from one map's field to the records of another map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference<'a> {
    /// The field.
    pub(crate) field: &'a str,
    /// Position of the map that is referred to.
    pub(crate) to: usize,
    /// True where the field can be written later.
    pub(crate) is_optional: bool,
    /// Where it is written.
    pub(crate) span: Span,
}

/// The order of maps, and what is deferred.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    /// Positions of maps in the order in which they are carried out.
    pub(crate) positions: Vec<usize>,
    /// The references of each map, by its position.
    pub(crate) references: Vec<Vec<Reference<'a>>>,
    /// Fields that are deferred: map position and field.
    pub(crate) deferred: BTreeSet<(usize, &'a str)>,
}

/// Orders the maps: what is referred to comes first; among those that could come next, the one written first. Self-references and, in circles, optional
/// references are cut. `None` where a circle has none, which is reported.
pub(crate) fn order<'a>(spec: &'a Spec, diagnostics: &mut Diagnostics) -> Option<Order<'a>> {
    let positions: BTreeMap<&str, usize> = spec.maps.iter().enumerate().map(|(at, map)| (map.id(), at)).collect();
    let references: Vec<Vec<Reference<'_>>> =
        spec.maps.iter().enumerate().map(|(at, map)| references(map, at, &positions)).collect();
    let mut deferred = self_references(&references);
    loop {
        let graph = graph(&references, &deferred);
        let circles: Vec<BTreeSet<usize>> = petgraph::algo::tarjan_scc(&graph)
            .into_iter()
            .filter(|component| component.len() > 1 || component.iter().any(|node| graph.contains_edge(*node, *node)))
            .map(|component| component.into_iter().map(NodeIndex::index).collect())
            .collect();
        let Some(first) = circles.iter().min() else {
            return Some(Order { positions: kahn(&graph), references, deferred });
        };
        let Some(field) = cut(first, &references, &deferred) else {
            for circle in &circles {
                if cut(circle, &references, &deferred).is_none() {
                    let walk = circle_walk(spec, circle, &references, &deferred);
                    diagnostics.extend(required_cycle(spec, &walk));
                }
            }
            return None;
        };
        deferred.insert(field);
    }
}

/// Every reference of a map, each once, in the order of the map. Links come after the map's own records, so those to itself make it wait for nothing.
fn references<'a>(map: &'a Map, own: usize, positions: &BTreeMap<&str, usize>) -> Vec<Reference<'a>> {
    let mut found: Vec<Reference<'a>> = Vec::new();
    let fields =
        map.fields.iter().map(|field| (field.name.as_str(), &field.value, !field.is_required, false, field.span));
    let links = map.links.iter().map(|link| (link.name.as_str(), &link.value, false, true, link.span));
    for (field, value, is_optional, is_link, span) in fields.chain(links) {
        value.walk(&mut |expr| {
            let Expr::Reference { targets, .. } = expr else { return };
            for stage in targets.iter().flat_map(|target| &target.stages) {
                let Some(to) = positions.get(stage.as_str()).copied() else { continue };
                if is_link && to == own {
                    continue;
                }
                if !found.iter().any(|other| other.field == field && other.to == to) {
                    found.push(Reference { field, to, is_optional, span });
                }
            }
        });
    }
    found
}

fn self_references<'a>(references: &[Vec<Reference<'a>>]) -> BTreeSet<(usize, &'a str)> {
    let of_map = |(at, references): (usize, &Vec<Reference<'a>>)| {
        references
            .iter()
            .filter(|reference| reference.to == at && reference.is_optional)
            .map(|reference| (at, reference.field))
            .collect::<Vec<_>>()
    };
    references.iter().enumerate().flat_map(of_map).collect()
}

/// An edge from what must be there first to what waits; the weight is the position of the reference.
fn graph(references: &[Vec<Reference<'_>>], deferred: &BTreeSet<(usize, &str)>) -> DiGraph<(), usize> {
    let mut graph = DiGraph::with_capacity(references.len(), references.len());
    for _ in references {
        graph.add_node(());
    }
    for (from, of_map) in references.iter().enumerate() {
        for (at, reference) in of_map.iter().enumerate() {
            if !deferred.contains(&(from, reference.field)) {
                graph.add_edge(NodeIndex::new(reference.to), NodeIndex::new(from), at);
            }
        }
    }
    graph
}

/// The first optional reference inside a circle, in the order of the text.
fn cut<'a>(
    circle: &BTreeSet<usize>,
    references: &[Vec<Reference<'a>>],
    deferred: &BTreeSet<(usize, &str)>,
) -> Option<(usize, &'a str)> {
    circle.iter().find_map(|map| {
        let inside = |reference: &&Reference<'a>| {
            reference.is_optional && circle.contains(&reference.to) && !deferred.contains(&(*map, reference.field))
        };
        references.get(*map)?.iter().find(inside).map(|reference| (*map, reference.field))
    })
}

/// Kahn's algorithm with the position in the text as tie-break. The graph has no circle.
fn kahn(graph: &DiGraph<(), usize>) -> Vec<usize> {
    let mut waiting: Vec<BTreeSet<usize>> = graph
        .node_indices()
        .map(|node| graph.neighbors_directed(node, Direction::Incoming).map(NodeIndex::index).collect())
        .collect();
    let mut ready: BinaryHeap<Reverse<usize>> =
        waiting.iter().enumerate().filter(|(_, on)| on.is_empty()).map(|(at, _)| Reverse(at)).collect();
    let mut order = Vec::with_capacity(waiting.len());
    while let Some(Reverse(next)) = ready.pop() {
        order.push(next);
        let followers: BTreeSet<usize> =
            graph.edges_directed(NodeIndex::new(next), Direction::Outgoing).map(|edge| edge.target().index()).collect();
        for follower in followers {
            if let Some(on) = waiting.get_mut(follower)
                && on.remove(&next)
                && on.is_empty()
            {
                ready.push(Reverse(follower));
            }
        }
    }
    order
}

/// One way round a circle, from its first map.
fn circle_walk<'a>(
    spec: &'a Spec,
    circle: &BTreeSet<usize>,
    references: &[Vec<Reference<'a>>],
    deferred: &BTreeSet<(usize, &str)>,
) -> Vec<RequiredReference<'a>> {
    let mut path: Vec<(usize, RequiredReference<'a>)> = Vec::new();
    let mut at = circle.first().copied();
    while let Some(here) = at {
        if let Some(start) = path.iter().position(|(map, _)| *map == here) {
            return path.into_iter().skip(start).map(|(_, reference)| reference).collect();
        }
        let next = references.get(here).and_then(|of_map| {
            of_map.iter().find(|one| circle.contains(&one.to) && !deferred.contains(&(here, one.field)))
        });
        at = next.map(|reference| reference.to);
        if let (Some(next), Some(map)) = (next, spec.maps.get(here))
            && let Some(to) = spec.maps.get(next.to)
        {
            path.push((here, RequiredReference { map, field: next.field, to, span: next.span }));
        } else {
            break;
        }
    }
    path.into_iter().map(|(_, reference)| reference).collect()
}
