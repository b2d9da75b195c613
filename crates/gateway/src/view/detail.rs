//! The inside of a step, read from the journal: what it was told, said and found wrong.
//!
//! The journal is folded once more, and the conversations are watched as they grow, so that what
//! is shown is what the models were sent, message by message.

use std::collections::BTreeMap;

use lao_event::{
    Content, ConversationId, Event, Role, StepId,
    latest::{Finding, FlowValue, Message, OutputSource, StepDefinition},
};
use lao_history::{Contents, HistoryError, Recorded, StoredEvent, for_each_event_to};
use lao_journal::Reader;
use lao_kernel::{State, Step, evolve};
use lao_protocol::{ContentView, FindingView, MessageView, StepDetail, TodoView};

use crate::narrator::verdict;

/// The longest text of the blob store that is shown in place, in bytes.
const TEXT_BYTES_MAX: u64 = 256 * 1024;

/// All texts of the blob store that are shown in place together, in bytes.
const TEXTS_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Reads the inside of a step, as it was after the event at `to`.
pub(crate) fn read(
    key: &str,
    contents: &Contents,
    (reader, to): (&Reader, u64),
) -> Result<StepDetail, HistoryError> {
    let mut watch = Watch {
        texts: Texts { contents, room_bytes: TEXTS_BYTES_MAX },
        seen: BTreeMap::new(),
        detail: StepDetail::default(),
    };
    let mut step = None;
    let mut state = State::new();
    for_each_event_to(reader, to, |stored| {
        let recorded = match stored {
            StoredEvent::Known(recorded) => recorded,
            StoredEvent::Unknown { seq, .. } => return Err(HistoryError::Unknown { seq }),
        };
        let seq = recorded.seq;
        evolve(&mut state, &recorded.event)
            .map_err(|source| HistoryError::Inconsistent { seq, source })?;
        let named = state.step_by_key(key).filter(|named| step != Some(*named));
        if named.is_some() {
            // In a fork, another step may have taken the place of one that was inside a third.
            step = named;
            watch.detail = StepDetail::default();
        }
        if let Some(step) = step {
            watch.messages(&state, step, seq);
            watch.event(step, &recorded);
        }
        Ok(())
    })?;
    if let Some(step) = step {
        watch.definition(&state, step);
    }
    Ok(watch.detail)
}

/// A step that is watched while the journal is folded.
struct Watch<'a> {
    texts: Texts<'a>,
    /// Messages seen of each conversation.
    seen: BTreeMap<ConversationId, usize>,
    detail: StepDetail,
}

impl Watch<'_> {
    /// Notes what the step's conversation has gained.
    fn messages(&mut self, state: &State, step: StepId, seq: u64) {
        let Some((role, talk)) = state.talk(step) else {
            return;
        };
        let Some(id) = talk.id else {
            return;
        };
        let seen = self.seen.entry(id).or_default();
        let new = talk.messages.get(*seen..).unwrap_or_default();
        *seen = talk.messages.len();
        for message in new {
            let view = self.texts.message((seq, role), message);
            self.detail.messages.push(view);
        }
    }

    /// Notes what else an event says of the step.
    fn event(&mut self, step: StepId, published: &Recorded) {
        if let Event::OutputSet(event) = &published.event
            && event.step == step
        {
            self.detail.cached = match &event.source {
                OutputSource::Cache { key: _, keyed_on } => Some(keyed_on.clone()),
                OutputSource::Answer | OutputSource::Inside => None,
            };
        } else if let Event::ChecksEnded(event) = &published.event {
            let reports = event.reports.iter().filter(|report| report.step == step);
            let findings = reports.flat_map(|report| &report.findings);
            let views = findings.map(|found| finding("verifier", found));
            self.detail.findings.extend(views);
        } else if let Event::ReviewGiven(event) = &published.event
            && event.step == step
        {
            let views = event.findings.iter();
            let views = views.map(|found| finding("reviewer", found));
            self.detail.findings.extend(views);
            let summary = &event.summary;
            self.detail.review = Some(format!("{}: {summary}", verdict(event.verdict)));
        } else if let Event::TodoSet(event) = &published.event
            && event.step == step
        {
            let items = event
                .items
                .iter()
                .map(|item| TodoView { text: item.text.clone(), done: item.done });
            self.detail.todo = items.collect();
        }
    }

    /// Notes what the step is to do.
    fn definition(&mut self, state: &State, step: StepId) {
        let (Some(run), Some(step)) = (state.run(), state.step(step)) else {
            return;
        };
        match &step.definition {
            StepDefinition::Planning { chunk } => {
                let chunks = run.plan().map(|plan| &plan.chunks);
                if let Some(chunk) = chunks.and_then(|chunks| chunks.get(*chunk as usize)) {
                    self.detail.description = self.texts.text(chunk);
                }
            }
            StepDefinition::Task(task) => {
                self.detail.description = self.texts.text(&task.description);
                self.detail.claimed_files.clone_from(&task.files);
                self.detail.acceptance.clone_from(&task.acceptance);
            }
            StepDefinition::Flow { spec } => {
                self.detail.description = pretty(spec);
                self.output(step);
            }
            StepDefinition::Item { index: _, value } => {
                self.detail.description = self.texts.value(value);
                self.output(step);
            }
        }
    }
}

impl Watch<'_> {
    /// Notes what the step gave.
    fn output(&mut self, step: &Step) {
        if step.output != FlowValue::Nothing {
            self.detail.output = Some(self.texts.value(&step.output));
        }
    }
}

/// A definition as people read it.
fn pretty(spec: &str) -> String {
    serde_json::from_str::<serde_json::Value>(spec)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| spec.to_owned())
}

/// Texts in place, and those of the blob store as far as there is room for them.
struct Texts<'a> {
    contents: &'a Contents,
    room_bytes: u64,
}

impl Texts<'_> {
    fn view(&mut self, content: &Content) -> ContentView {
        match content {
            Content::Inline(text) => ContentView::Text(text.clone()),
            Content::Blob { hash, size_bytes } => self
                .fetch(content, *size_bytes)
                .map_or_else(|| blob(*hash, *size_bytes), ContentView::Text),
        }
    }

    fn fetch(&mut self, content: &Content, size_bytes: u64) -> Option<String> {
        if size_bytes > TEXT_BYTES_MAX {
            return None;
        }
        self.room_bytes = self.room_bytes.checked_sub(size_bytes)?;
        // What cannot be read is shown by its hash; `lao journal check` says what is wrong.
        self.contents.text(content).ok()
    }

    /// A value of a workflow as text.
    fn value(&mut self, value: &FlowValue) -> String {
        match value {
            FlowValue::Nothing => String::new(),
            FlowValue::Text(content) | FlowValue::Json(content) => self.text(content),
            FlowValue::File { path } => path.clone(),
        }
    }

    /// The text, or in words where it lies.
    fn text(&mut self, content: &Content) -> String {
        match self.view(content) {
            ContentView::Text(text) => text,
            ContentView::Blob { hash, size_bytes } => {
                format!("({size_bytes} bytes in blob {hash})")
            }
        }
    }

    fn message(&mut self, (seq, role): (u64, Role), message: &Message) -> MessageView {
        let (from, content, tool_calls) = match message {
            Message::System { content } => ("system", content, Vec::new()),
            Message::User { content } => ("user", content, Vec::new()),
            Message::Assistant { content, tool_calls } => {
                let calls = tool_calls
                    .iter()
                    .map(|call| format!("{}({})", call.name, self.text(&call.arguments)))
                    .collect();
                ("assistant", content, calls)
            }
            Message::Tool { id: _, name: _, content } => ("tool", content, Vec::new()),
        };
        MessageView {
            seq,
            role: role.name().to_owned(),
            from: from.to_owned(),
            content: self.view(content),
            tool_calls,
        }
    }
}

fn blob(hash: lao_event::Hash, size_bytes: u64) -> ContentView {
    ContentView::Blob { hash: hash.to_string(), size_bytes }
}

pub(crate) fn finding(by: &str, finding: &Finding) -> FindingView {
    let Finding { file, line, rule, message, hint } = finding.clone();
    FindingView { by: by.to_owned(), file, line, rule, message, hint }
}
