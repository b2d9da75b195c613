//! Graphs of steps: lines, Mermaid, Graphviz, and a picture.
//!
//! Steps stand in layers: each below all that it needs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use lao_protocol::{GraphStep, GraphView, StepStatus};

use super::words;
use crate::{
    Style,
    style::Tone,
    text::{truncate, visible, width},
};

/// What a text says never fails to be written.
const WRITES: &str = "a String takes everything";

/// Lines for a terminal: a step each, below what it needs.
pub fn text(view: &GraphView, style: &Style) -> String {
    let mut out = String::new();
    let head = format!("{} ({})", visible(&view.title), visible(&view.source));
    writeln!(out, "{}", style.paint(Tone::Strong, &head)).expect(WRITES);
    let keys = view.steps.iter().map(|step| width(&visible(&step.key))).max().unwrap_or(0).min(32);
    let kinds = view.steps.iter().map(|step| width(&visible(&step.kind))).max().unwrap_or(0);
    for step in &view.steps {
        writeln!(out, "{}", line(step, (keys, kinds), style)).expect(WRITES);
    }
    out
}

fn line(step: &GraphStep, (keys, kinds): (usize, usize), style: &Style) -> String {
    let (key, kind) = (visible(&step.key), visible(&step.kind));
    let pad = |text: &str, columns: usize| " ".repeat(columns.saturating_sub(width(text)));
    let mut line = format!(
        "  {}{}  {kind}{}",
        style.paint(Tone::Strong, &key),
        pad(&key, keys),
        pad(&kind, kinds)
    );
    if let Some(status) = step.status {
        let (tone, word) = words::step_state(status);
        write!(line, "  {}", style.paint(tone, word)).expect(WRITES);
    }
    if !step.needs.is_empty() {
        let needs: Vec<_> = step.needs.iter().map(|need| visible(need)).collect();
        write!(line, "  after {}", needs.join(", ")).expect(WRITES);
    }
    if let Some(when) = &step.when {
        write!(line, "  when {}", visible(when)).expect(WRITES);
    }
    line.trim_end().to_owned()
}

/// A Mermaid flowchart.
pub fn mermaid(view: &GraphView) -> String {
    let mut out = "flowchart TD\n".to_owned();
    let ids = ids(view);
    for step in &view.steps {
        let label = format!("{}: {}", visible(&step.key), visible(&step.kind));
        let label = label.replace('#', "#35;").replace('"', "#quot;");
        let label = label.replace('<', "#lt;").replace('>', "#gt;");
        writeln!(out, "    {}[\"{label}\"]", ids[step.key.as_str()]).expect(WRITES);
    }
    for (from, to) in arrows(view) {
        writeln!(out, "    {} --> {}", ids[from], ids[to]).expect(WRITES);
    }
    for step in &view.steps {
        if let Some(status) = step.status {
            let id = &ids[step.key.as_str()];
            writeln!(out, "    style {id} fill:{}", fill(Some(status))).expect(WRITES);
        }
    }
    out
}

/// Graphviz.
pub fn dot(view: &GraphView) -> String {
    let plain = |text: &str| visible(text).replace('\\', "\\\\").replace('"', "\\\"");
    let quoted = |text: &str| format!("\"{}\"", plain(text));
    let mut out = format!("digraph {} {{\n", quoted(&view.title));
    out.push_str("    node [shape=box, style=\"rounded,filled\"];\n");
    for step in &view.steps {
        let label = format!("{}\\n{}", plain(&step.key), plain(&step.kind));
        writeln!(
            out,
            "    {} [label=\"{label}\", fillcolor=\"{}\"];",
            quoted(&step.key),
            fill(step.status)
        )
        .expect(WRITES);
    }
    for (from, to) in arrows(view) {
        writeln!(out, "    {} -> {};", quoted(from), quoted(to)).expect(WRITES);
    }
    out.push_str("}\n");
    out
}

/// Names that Mermaid takes.
fn ids(view: &GraphView) -> BTreeMap<&str, String> {
    let numbered = view.steps.iter().enumerate();
    numbered.map(|(index, step)| (step.key.as_str(), format!("s{index}"))).collect()
}

/// Pairs of steps: needed, needing.
fn arrows(view: &GraphView) -> impl Iterator<Item = (&str, &str)> {
    let known: BTreeSet<&str> = view.steps.iter().map(|step| step.key.as_str()).collect();
    view.steps
        .iter()
        .flat_map(|step| step.needs.iter().map(move |need| (need.as_str(), step.key.as_str())))
        .filter(move |(from, _)| known.contains(from))
}

fn fill(status: Option<StepStatus>) -> &'static str {
    match status {
        None | Some(StepStatus::Pending) => "#eef1f5",
        Some(StepStatus::Running) => "#cfe3ff",
        Some(StepStatus::Parked) => "#ffe9b8",
        Some(StepStatus::Succeeded) => "#cdeccf",
        Some(StepStatus::Failed) => "#f8c9c4",
        Some(StepStatus::Skipped) => "#dddddd",
    }
}

/// A box of the picture.
struct Place {
    x: usize,
    y: usize,
}

const BOX_WIDTH: usize = 180;
const BOX_HEIGHT: usize = 48;
const GAP_X: usize = 28;
const GAP_Y: usize = 44;
const MARGIN: usize = 20;
/// Characters of a label that fit a box.
const LABEL_COLUMNS: usize = 24;

/// A picture: layers of boxes, with lines from what is needed to what needs it.
pub fn svg(view: &GraphView) -> String {
    let places = places(view);
    let right = places.values().map(|place| place.x + BOX_WIDTH).max().unwrap_or(BOX_WIDTH);
    let bottom = places.values().map(|place| place.y + BOX_HEIGHT).max().unwrap_or(BOX_HEIGHT);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n",
        right + MARGIN,
        bottom + MARGIN
    );
    writeln!(out, "<title>{}</title>", escaped(&view.title)).expect(WRITES);
    for (from, to) in arrows(view) {
        let (Some(from), Some(to)) = (places.get(from), places.get(to)) else {
            continue;
        };
        let (x1, y1) = (from.x + BOX_WIDTH / 2, from.y + BOX_HEIGHT);
        let (x2, y2) = (to.x + BOX_WIDTH / 2, to.y);
        writeln!(
            out,
            "<path d=\"M{x1},{y1} C{x1},{0} {x2},{1} {x2},{y2}\" fill=\"none\" stroke=\"#8a94a3\"/>",
            y1 + GAP_Y / 2,
            y2.saturating_sub(GAP_Y / 2)
        )
        .expect(WRITES);
    }
    for step in &view.steps {
        if let Some(place) = places.get(step.key.as_str()) {
            out.push_str(&picture(step, place));
        }
    }
    out.push_str("</svg>\n");
    out
}

fn picture(step: &GraphStep, place: &Place) -> String {
    let Place { x, y } = place;
    let middle = x + BOX_WIDTH / 2;
    let label = |text: &str| escaped(&truncate(&visible(text), LABEL_COLUMNS));
    let state =
        step.status.map_or(String::new(), |status| format!(", {}", words::step_state(status).1));
    let second = label(&format!("{}{state}", step.kind));
    format!(
        "<g><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" \
         rx=\"8\" fill=\"{}\" stroke=\"#8a94a3\"/>\
         <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" font-weight=\"bold\">{}</text>\
         <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" fill=\"#44505f\">{second}</text></g>\n",
        escaped(&step.title),
        fill(step.status),
        y + 20,
        label(&step.key),
        y + 37,
    )
}

/// Where each box stands: a layer below the lowest that it needs, as far left as there is room.
fn places(view: &GraphView) -> BTreeMap<&str, Place> {
    let mut layer_of: BTreeMap<&str, usize> = BTreeMap::new();
    let mut filled: Vec<usize> = Vec::new();
    let mut places = BTreeMap::new();
    for step in &view.steps {
        let needed = step.needs.iter().filter_map(|need| layer_of.get(need.as_str()));
        let layer = needed.max().map_or(0, |layer| layer + 1);
        layer_of.insert(&step.key, layer);
        if filled.len() <= layer {
            filled.resize(layer + 1, 0);
        }
        let place = Place {
            x: MARGIN + filled[layer] * (BOX_WIDTH + GAP_X),
            y: MARGIN + layer * (BOX_HEIGHT + GAP_Y),
        };
        filled[layer] += 1;
        places.insert(step.key.as_str(), place);
    }
    places
}

fn escaped(text: &str) -> String {
    visible(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
