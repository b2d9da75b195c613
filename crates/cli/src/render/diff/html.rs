//! A diff as one page that needs nothing else: no script, no file, no server.

use lao_protocol::{
    DiffBy, DiffChange, DiffKind, DiffPresence, DiffRun, DiffSides, DiffStep, DiffText, RunDiffView,
};

use super::{
    rows::{Line, Part, Row, rows},
    words::{self, first, heading, only, positions, step_times, text_name, totals, value_lines},
};
use crate::{
    Style,
    text::{short_run, visible},
    units::{count, date_time},
};

const STYLE_SHEET: &str = include_str!("page.css");

/// How two runs differ, as an HTML document.
pub fn html(diff: &RunDiffView, style: &Style) -> String {
    let mut page = Html(String::new());
    let names = DiffSides { a: short_run(&diff.runs.a.run), b: short_run(&diff.runs.b.run) };
    let title = escaped(&format!("{} and {}", names.a, names.b));
    page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.raw("<meta name=\"color-scheme\" content=\"light dark\">\n");
    // Whatever a model wrote, nothing is loaded and nothing runs.
    page.raw("<meta http-equiv=\"Content-Security-Policy\" ");
    page.raw("content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    page.raw(&format!("<title>lao diff: {title}</title>\n<style>\n{STYLE_SHEET}</style>\n"));
    page.raw("</head>\n<body>\n");
    page.raw(&format!("<h1>How <b class=\"a\">{}</b> and ", escaped(names.a)));
    page.raw(&format!("<b class=\"b\">{}</b> differ</h1>\n", escaped(names.b)));
    page.runs(&diff.runs, style);
    match &diff.first {
        Some(divergence) => page.element("p class=\"first\"", &first(divergence)),
        None => page.element("p class=\"first\"", "nothing differs"),
    }
    page.contents(diff);
    if !diff.changes.is_empty() {
        page.raw("<section id=\"runs\">\n<h2>The runs</h2>\n");
        page.changes(DiffPresence::Both, &diff.changes);
        page.raw("</section>\n");
    }
    for step in &diff.steps {
        page.step(step);
    }
    page.totals(&diff.runs);
    page.raw("</body>\n</html>\n");
    page.0
}

/// A page under construction.
struct Html(String);

impl Html {
    /// Adds what is HTML already.
    fn raw(&mut self, html: &str) {
        self.0.push_str(html);
    }

    /// Adds an element with nothing but text in it.
    fn element(&mut self, tag: &str, text: &str) {
        let name = tag.split(' ').next().unwrap_or(tag);
        self.raw(&format!("<{tag}>{}</{name}>\n", escaped(text)));
    }

    fn runs(&mut self, runs: &DiffSides<DiffRun>, style: &Style) {
        self.raw("<div class=\"pair heads\">\n");
        for (side, run) in [("a", &runs.a), ("b", &runs.b)] {
            self.raw(&format!("<div class=\"{side}\">\n"));
            self.element("h2", &format!("{}  {}", side.to_uppercase(), run.title));
            self.element("p", &run.run);
            let started = date_time(run.started_ms, &style.zone);
            let events = count(run.last_seq, "event");
            self.element("p", &format!("{}; {events}; started {started}", run.end));
            self.raw("</div>\n");
        }
        self.raw("</div>\n");
    }

    /// What differs, with a way to it.
    fn contents(&mut self, diff: &RunDiffView) {
        if diff.first.is_none() {
            return;
        }
        self.raw("<nav><ul>\n");
        if !diff.changes.is_empty() {
            self.link(
                "runs",
                &format!("the runs: {}", count(diff.changes.len() as u64, "difference")),
            );
        }
        for step in &diff.steps {
            let changes = step.attempts.iter().map(|attempt| attempt.changes.len());
            let found = step.changes.len() + changes.sum::<usize>();
            let line = format!("{}: {}", words::step(step), count(found as u64, "difference"));
            self.link(&anchor(&step.key), &line);
        }
        self.link("totals", "totals");
        self.raw("</ul></nav>\n");
    }

    fn link(&mut self, to: &str, text: &str) {
        self.raw(&format!("<li><a href=\"#{}\">{}</a></li>\n", escaped(to), escaped(text)));
    }

    fn step(&mut self, step: &DiffStep) {
        self.raw(&format!("<section id=\"{}\">\n", escaped(&anchor(&step.key))));
        self.raw("<details open class=\"step\">\n");
        self.element("summary", &words::step(step));
        if let Some(line) = step_times(step) {
            self.element("p class=\"times\"", &line);
        }
        self.changes(step.presence, &step.changes);
        for attempt in &step.attempts {
            self.raw("<details open class=\"attempt\">\n");
            self.element("summary", &words::attempt(attempt));
            self.changes(attempt.presence, &attempt.changes);
            self.raw("</details>\n");
        }
        self.raw("</details>\n</section>\n");
    }

    fn changes(&mut self, within: DiffPresence, changes: &[DiffChange]) {
        for change in changes {
            if !matches!(change.kind, DiffKind::Step | DiffKind::Attempt) {
                self.change(within, change);
            }
        }
    }

    fn change(&mut self, within: DiffPresence, change: &DiffChange) {
        self.raw("<details open class=\"change\">\n<summary>");
        self.raw(&escaped(&heading(within, change)));
        self.raw(&format!(" <small>{}</small></summary>\n", escaped(&positions(change))));
        let lines = value_lines(change);
        if !lines.a.is_empty() || !lines.b.is_empty() {
            self.raw("<div class=\"pair\">\n");
            self.values("a", &lines.a);
            self.values("b", &lines.b);
            self.raw("</div>\n");
        }
        for text in &change.texts {
            if let Some(name) = text_name(text.of) {
                self.element("p class=\"of\"", &format!("{name}{}", only(text.presence)));
            }
            self.text(text);
        }
        self.raw("</details>\n");
    }

    fn values(&mut self, side: &str, lines: &[String]) {
        let class = if lines.is_empty() { "none" } else { side };
        self.raw(&format!("<div class=\"value {class}\">"));
        for line in lines {
            self.raw(&format!("<div>{}</div>", escaped(line)));
        }
        self.raw("</div>\n");
    }

    fn text(&mut self, text: &DiffText) {
        // Where there is nothing to compare with, single words are not what differs.
        let by = match (text.by, text.presence) {
            (DiffBy::Words, DiffPresence::Both) => "words",
            (DiffBy::Words, DiffPresence::OnlyA | DiffPresence::OnlyB) | (DiffBy::Lines, _) => {
                "lines"
            }
        };
        self.raw(&format!("<table class=\"{by}\">\n"));
        self.raw("<colgroup><col class=\"n\"><col><col class=\"n\"><col></colgroup>\n");
        for (index, hunk) in text.hunks.iter().enumerate() {
            if index > 0 {
                self.raw("<tr class=\"gap\"><td colspan=\"4\">&#8943;</td></tr>\n");
            }
            for row in rows(hunk) {
                self.row(&row);
            }
        }
        self.raw("</table>\n");
        let more = text.more_lines;
        if more.a + more.b > 0 {
            let line =
                format!("{} more of A, {} more of B", count(more.a, "line"), count(more.b, "line"));
            self.element("p class=\"of\"", &line);
        }
    }

    fn row(&mut self, row: &Row) {
        let sides = [&row.sides.a, &row.sides.b];
        let differs = sides.into_iter().flatten().any(Line::differs);
        self.raw(if differs { "<tr class=\"differs\">" } else { "<tr>" });
        self.cell(("a", "del"), row.sides.a.as_ref());
        self.cell(("b", "ins"), row.sides.b.as_ref());
        self.raw("</tr>\n");
    }

    fn cell(&mut self, (side, tag): (&str, &str), line: Option<&Line>) {
        let Some(line) = line else {
            self.raw("<td class=\"n none\"></td><td class=\"none\"></td>");
            return;
        };
        self.raw(&format!("<td class=\"n\">{}</td><td class=\"{side}\">", line.number));
        for part in &line.parts {
            match part {
                Part::Same(text) => self.raw(&escaped(text)),
                Part::Changed(text) => self.raw(&format!("<{tag}>{}</{tag}>", escaped(text))),
            }
        }
        self.raw("</td>");
    }

    fn totals(&mut self, runs: &DiffSides<DiffRun>) {
        self.raw("<section id=\"totals\">\n<h2>Totals</h2>\n<table class=\"totals\">\n");
        self.raw("<tr><th></th><th>A</th><th>B</th></tr>\n");
        for (name, values) in totals(runs) {
            self.raw(&format!("<tr><th>{name}</th><td>{}</td>", escaped(&values.a)));
            self.raw(&format!("<td>{}</td></tr>\n", escaped(&values.b)));
        }
        self.raw("</table>\n</section>\n");
    }
}

/// The name of a step's place on the page; keys are a planner's words.
fn anchor(key: &str) -> String {
    let letters =
        key.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' });
    format!("step-{}", letters.collect::<String>())
}

/// Text that means nothing but itself: no markup, nothing that hides or reorders.
fn escaped(text: &str) -> String {
    let text = visible(text);
    let mut safe = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_said_means_nothing_but_itself() {
        assert_eq!(
            escaped("<script>alert('x')</script> & \"y\""),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;y&quot;"
        );
        assert_eq!(escaped("a\u{202e}b\u{1b}[2Jc"), "a\\u{202e}b\\x1b[2Jc");
        assert_eq!(anchor("t1\" onclick=\"x"), "step-t1--onclick--x");
    }
}
