//! Dependency graph as a picture in SVG.

use std::fmt::Write as _;

use migr_escape::xml;

use super::graph::for_each_edge;
use super::heading;
use crate::Plan;

const MARGIN: usize = 24;
/// Between two columns; the names of fields stand in it.
const COLUMN_GAP: usize = 190;
const ROW_GAP: usize = 44;
/// An arrow that comes in has a line of its own, with its field above.
const LINE: usize = 20;
/// Between two arrows that pass above the boxes of other columns.
const LANE: usize = 9;
/// A character of the headings, about.
const CHARACTER: usize = 8;

/// A stage as a box.
struct Shape {
    heading: String,
    column: usize,
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

struct Edge {
    from: usize,
    to: usize,
    fields: String,
    is_deferred: bool,
}

/// The dependency graph as a picture, in SVG. An arrow points from what must be there first; a dotted one is deferred.
pub fn svg(plan: &Plan) -> String {
    let mut edges = Vec::new();
    for_each_edge(plan, |from, to, fields, is_deferred| {
        edges.push(Edge { from, to, fields: fields.to_owned(), is_deferred });
    });
    let shapes = placed(plan, &edges);
    let right = shapes.iter().map(|shape| shape.x + shape.width).max().unwrap_or(0);
    let bottom = shapes.iter().map(|shape| shape.y + shape.height).max().unwrap_or(0);
    let (width, height) = (right + MARGIN, bottom + MARGIN + ROW_GAP);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
         <title>{}</title>\n\
         <defs><marker id=\"arrow\" markerWidth=\"8\" markerHeight=\"8\" refX=\"7\" refY=\"4\" orient=\"auto\">\
         <path d=\"M0 0 L8 4 L0 8 z\" fill=\"#57606a\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        xml(&plan.migration)
    );
    let mut taken = Taken { lines: vec![0; shapes.len()], lanes: 0 };
    for edge in &edges {
        draw_edge(edge, &shapes, &mut taken, &mut out);
    }
    for Shape { heading, x, y, width, height, .. } in &shapes {
        let (middle, line) = (x + width / 2, y + height / 2 + 4);
        let _ = writeln!(
            out,
            "<rect class=\"stage\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"5\" fill=\"#f6f8fa\" stroke=\"#57606a\"/>\
             <text x=\"{middle}\" y=\"{line}\" text-anchor=\"middle\">{}</text>",
            xml(heading)
        );
    }
    out.push_str("</svg>\n");
    out
}

/// Each stage in the column after the last one that it waits for, below those of its column that come before it.
fn placed(plan: &Plan, edges: &[Edge]) -> Vec<Shape> {
    let mut shapes: Vec<Shape> = Vec::new();
    for (at, stage) in plan.stages.iter().enumerate() {
        let waits_for = edges.iter().filter(|edge| edge.to == at && !edge.is_deferred);
        let column = waits_for.clone().filter_map(|edge| shapes.get(edge.from)).map(|shape| shape.column + 1).max();
        let heading = heading(stage);
        let width = migr_escape::columns(&heading) * CHARACTER + 24;
        let height = LINE * waits_for.count().max(1) + 12;
        shapes.push(Shape { heading, column: column.unwrap_or(0), x: 0, y: 0, width, height });
    }
    let long = edges.iter().filter(|edge| is_long(edge, &shapes)).count();
    let columns = shapes.iter().map(|shape| shape.column + 1).max().unwrap_or(0);
    let mut x = MARGIN;
    for column in 0..columns {
        let mut y = MARGIN + long * LANE;
        let mut widest = 0;
        for shape in shapes.iter_mut().filter(|shape| shape.column == column) {
            (shape.x, shape.y) = (x, y);
            y += shape.height + ROW_GAP;
            widest = widest.max(shape.width);
        }
        for shape in shapes.iter_mut().filter(|shape| shape.column == column) {
            shape.width = widest;
        }
        x += widest + COLUMN_GAP;
    }
    shapes
}

/// True where an arrow would cross the boxes of a column between.
fn is_long(edge: &Edge, shapes: &[Shape]) -> bool {
    let column = |at| shapes.get(at).map_or(0, |shape: &Shape| shape.column);
    !edge.is_deferred && column(edge.to) > column(edge.from) + 1
}

/// Where arrows are drawn already.
struct Taken {
    /// Of the lines that lead into each stage.
    lines: Vec<usize>,
    /// Of the lanes above all boxes.
    lanes: usize,
}

fn draw_edge(edge: &Edge, shapes: &[Shape], taken: &mut Taken, out: &mut String) {
    let (Some(from), Some(to), Some(lines)) =
        (shapes.get(edge.from), shapes.get(edge.to), taken.lines.get_mut(edge.to))
    else {
        return;
    };
    let (path, dashes, anchor, (x, y)) = if edge.is_deferred {
        let (start, end) = (from.x + from.width * 2 / 3, to.x + to.width / 3);
        let (above, below) = (from.y + from.height, to.y + to.height);
        let depth = above.max(below) + ROW_GAP * 2 / 3;
        let path = format!("M{start} {above} C{start} {depth} {end} {depth} {end} {below}");
        (path, " stroke-dasharray=\"3 3\"", "middle", (usize::midpoint(start, end), depth + 6))
    } else {
        let (start, height) = (from.x + from.width, from.y + from.height / 2);
        let (end, line) = (to.x, to.y + 6 + LINE / 2 + *lines * LINE);
        *lines += 1;
        let (bend, straight) = (start + COLUMN_GAP / 3, end - COLUMN_GAP / 2);
        let path = if is_long(edge, shapes) {
            let above = MARGIN / 2 + taken.lanes * LANE;
            taken.lanes += 1;
            let down = straight - COLUMN_GAP / 4;
            format!(
                "M{start} {height} C{bend} {height} {start} {above} {bend} {above} L{down} {above} \
                 C{straight} {above} {down} {line} {straight} {line} L{end} {line}"
            )
        } else {
            format!("M{start} {height} C{bend} {height} {bend} {line} {straight} {line} L{end} {line}")
        };
        (path, "", "end", (end - 10, line - 4))
    };
    let _ = writeln!(
        out,
        "<path class=\"edge\" d=\"{path}\" fill=\"none\" stroke=\"#57606a\"{dashes} marker-end=\"url(#arrow)\"/>\
         <text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"#57606a\" font-size=\"11\">{}</text>",
        xml(&edge.fields),
    );
}
