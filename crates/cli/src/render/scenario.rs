//! Scenarios: each on a line, with what is wrong and where it differs; and as `JUnit` XML.

use std::fmt::Write as _;

use lao_protocol::{CrashReport, Difference, ScenarioReport, ScenarioVerdict};
use similar::{ChangeTag, TextDiff};

use super::page::Page;
use crate::{
    Style,
    style::Tone,
    units::{count, duration},
};

/// Lines around a change that are shown.
const CONTEXT_LINES: usize = 2;

/// Lines of a difference that are shown.
const LINES_MAX: usize = 200;

/// Kills that are shown in full.
const FAILURES_SHOWN: usize = 3;

/// One scenario.
pub fn scenario(report: &ScenarioReport, style: &Style) -> String {
    let mut page = Page::new(style);
    let (tone, word) = verdict(report.verdict);
    let word = page.paint(tone, &format!("{word:<9}"));
    let name = page.paint(Tone::Plain, &report.scenario);
    let facts = page.paint(Tone::Faint, &format!(" ({})", facts(report)));
    page.line(&format!("{word} {name}{facts}"));
    for problem in &report.problems {
        page.wrapped(10, (Tone::Bad, problem));
    }
    for failure in report.crashes.iter().flat_map(|it| &it.failures).take(FAILURES_SHOWN) {
        page.wrapped(10, (Tone::Warning, &failure.at));
        for problem in &failure.problems {
            page.wrapped(12, (Tone::Plain, problem));
        }
        if let Some(difference) = &failure.difference {
            lines(&mut page, difference);
        }
    }
    if let Some(difference) = &report.difference {
        lines(&mut page, difference);
    }
    page.finish()
}

fn facts(report: &ScenarioReport) -> String {
    let mut facts = match report.verdict {
        ScenarioVerdict::Unreadable => return "not played".to_owned(),
        ScenarioVerdict::Passed
        | ScenarioVerdict::New
        | ScenarioVerdict::Different
        | ScenarioVerdict::Failed => count(report.events, "event"),
    };
    if report.played_ms > 0 {
        write!(facts, ", {} played", duration(report.played_ms)).expect("writing to a String");
    }
    if let Some(crashes) = &report.crashes {
        write!(facts, ", {}", kills(crashes)).expect("writing to a String");
    }
    write!(facts, ", {}", duration(report.elapsed_ms)).expect("writing to a String");
    facts
}

fn kills(crashes: &CrashReport) -> String {
    count(u64::from(crashes.positions) + u64::from(crashes.effects), "kill")
}

const fn verdict(verdict: ScenarioVerdict) -> (Tone, &'static str) {
    match verdict {
        ScenarioVerdict::Passed => (Tone::Good, "passed"),
        ScenarioVerdict::New => (Tone::Warning, "new"),
        ScenarioVerdict::Different => (Tone::Bad, "different"),
        ScenarioVerdict::Failed => (Tone::Bad, "failed"),
        ScenarioVerdict::Unreadable => (Tone::Bad, "unread"),
    }
}

/// What changed, with some lines around it.
fn lines(page: &mut Page<'_>, difference: &Difference) {
    let diff = TextDiff::from_lines(&difference.was, &difference.is);
    let mut shown = 0;
    for (index, group) in diff.grouped_ops(CONTEXT_LINES).iter().enumerate() {
        if index > 0 {
            page.cut(10, (Tone::Faint, "..."));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            shown += 1;
            if shown > LINES_MAX {
                page.cut(10, (Tone::Faint, "... and more"));
                return;
            }
            let (tone, sign) = match change.tag() {
                ChangeTag::Equal => (Tone::Faint, ' '),
                ChangeTag::Delete => (Tone::Bad, '-'),
                ChangeTag::Insert => (Tone::Good, '+'),
            };
            let line = change.value().trim_end_matches('\n');
            page.cut(8, (tone, format!("{sign} {line}").trim_end()));
        }
    }
}

/// All scenarios, counted.
pub fn scenarios(reports: &[ScenarioReport], style: &Style) -> String {
    let mut page = Page::new(style);
    let with = |wanted: ScenarioVerdict| {
        reports.iter().filter(|report| report.verdict == wanted).count() as u64
    };
    let counted: Vec<String> = [
        ScenarioVerdict::Passed,
        ScenarioVerdict::New,
        ScenarioVerdict::Different,
        ScenarioVerdict::Failed,
        ScenarioVerdict::Unreadable,
    ]
    .into_iter()
    .map(|it| (with(it), verdict(it).1))
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{count} {word}"))
    .collect();
    let passed = with(ScenarioVerdict::Passed) == reports.len() as u64;
    let tone = if passed { Tone::Good } else { Tone::Bad };
    let total = count(reports.len() as u64, "scenario");
    page.cut(0, (tone, &format!("{total}: {}", counted.join(", "))));
    if with(ScenarioVerdict::New) + with(ScenarioVerdict::Different) > 0 {
        page.commands(&[
            (
                "lao scenario test --review".to_owned(),
                "asks for each whether it is meant".to_owned(),
            ),
            ("lao scenario test --accept".to_owned(), "takes them all".to_owned()),
        ]);
    }
    page.finish()
}

/// A report that build servers read.
pub fn junit(reports: &[ScenarioReport]) -> String {
    let failed = reports.iter().filter(|it| it.verdict != ScenarioVerdict::Passed).count();
    let seconds: u64 = reports.iter().map(|report| report.elapsed_ms).sum();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let total = reports.len();
    let time = in_seconds(seconds);
    writeln!(
        xml,
        "<testsuites tests=\"{total}\" failures=\"{failed}\" time=\"{time}\">\n  \
         <testsuite name=\"scenarios\" tests=\"{total}\" failures=\"{failed}\" time=\"{time}\">"
    )
    .expect("writing to a String");
    for report in reports {
        case(&mut xml, report);
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

fn case(xml: &mut String, report: &ScenarioReport) {
    let (folder, name) = report.scenario.rsplit_once('/').unwrap_or(("", &report.scenario));
    let (folder, name) = (escaped(folder), escaped(name));
    let time = in_seconds(report.elapsed_ms);
    let open = format!("    <testcase classname=\"{folder}\" name=\"{name}\" time=\"{time}\"");
    if report.verdict == ScenarioVerdict::Passed {
        writeln!(xml, "{open}/>").expect("writing to a String");
        return;
    }
    let plain = Style::plain();
    let told = escaped(&scenario(report, &plain));
    let message =
        escaped(report.problems.first().map_or(verdict(report.verdict).1, String::as_str));
    writeln!(
        xml,
        "{open}>\n      <failure message=\"{message}\">{told}</failure>\n    </testcase>"
    )
    .expect("writing to a String");
}

fn in_seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// A text as it stands in XML, without what XML cannot hold.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                escaped.push('\u{fffd}');
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(verdict: ScenarioVerdict) -> ScenarioReport {
        ScenarioReport {
            scenario: "scenarios/a<b>.scenario.toml".to_owned(),
            about: String::new(),
            verdict,
            problems: vec!["it \"failed\" & \u{1b}ended".to_owned()],
            difference: None,
            crashes: None,
            events: 3,
            played_ms: 60_000,
            elapsed_ms: 41,
        }
    }

    #[test]
    fn xml_holds_nothing_that_it_cannot() {
        let xml = junit(&[report(ScenarioVerdict::Failed)]);
        assert!(xml.contains("name=\"a&lt;b&gt;.scenario.toml\" time=\"0.041\""), "{xml}");
        assert!(xml.contains("it &quot;failed&quot; &amp; \u{fffd}ended\""), "{xml}");
        assert!(!xml.contains('\u{1b}'));
    }

    #[test]
    fn a_change_is_shown_with_what_is_around_it() {
        let mut report = report(ScenarioVerdict::Different);
        report.problems.clear();
        let lines = |middle: &str| format!("1\n2\n3\n{middle}\n5\n6\n7\n");
        report.difference = Some(Difference { was: lines("four"), is: lines("vier") });
        let text = scenario(&report, &Style::plain());
        let changes: Vec<&str> = text.lines().skip(1).map(str::trim_start).collect();
        assert_eq!(changes, ["2", "3", "- four", "+ vier", "5", "6"]);
    }
}
