//! Words for the events of workflows.

use lao_event::{Attempt, EffectId, Event, Hash, QuestionId, RunId, StepId, latest::*};

use super::{new_step, text, told};

const NOTES: StepId = StepId(3);
const SAVE: StepId = StepId(4);

pub(super) fn everything() -> Vec<Event> {
    [workflow(), flow_ends(), flow_looks(), actions(), action_ends(), outputs(), approval()]
        .concat()
}

fn flow_values() -> Vec<FlowValue> {
    vec![
        FlowValue::Nothing,
        FlowValue::Text(text("- tea\n- milk")),
        FlowValue::Json(text(r#"["tea","milk"]"#)),
        FlowValue::File { path: "notes/a.md".to_owned() },
    ]
}

fn workflow() -> Vec<Event> {
    let definition = Definition::Flow(FlowDefinition {
        title: "Memo".to_owned(),
        path: "workflows/memo.yaml".to_owned(),
        text: text("name: Memo"),
        inputs: Vec::new(),
        trigger: "{}".to_owned(),
        output: None,
    });
    let started = RunStarted {
        run: RunId::new(0, 0),
        program: "0.1.0".to_owned(),
        definition,
        settings: text("{}"),
        seed: 1,
    };
    let step = |key| new_step(key, StepDefinition::Flow { spec: "{}".to_owned() });
    let item =
        |index, value| new_step(&format!("notes[{index}]"), StepDefinition::Item { index, value });
    let items = (0..).zip(flow_values()).map(|(index, value)| item(index, value)).collect();
    vec![
        started.into(),
        StepsAdded { by: None, steps: vec![step("notes"), step("save")] }.into(),
        StepsAdded { by: Some(NOTES), steps: items }.into(),
        StepStarted { step: NOTES, attempt: Attempt(2), cause: StartCause::Failed }.into(),
    ]
}

fn flow_ends() -> Vec<Event> {
    let failed = |(reason, message): (FailureReason, &str)| {
        let outcome = StepOutcome::Failed { reason, message: message.to_owned() };
        StepEnded { step: NOTES, outcome }.into()
    };
    let mut events: Vec<Event> = [
        (FailureReason::ActionFailed, "jq: no such file"),
        (FailureReason::OutputUnusable, "it is no JSON"),
        (FailureReason::ExpressionFailed, "there is no output `text`"),
        (FailureReason::AssertionFailed, "the list is empty"),
        (FailureReason::Denied, "ada said no"),
        (FailureReason::InsideFailed, "1 of 3 failed"),
    ]
    .map(failed)
    .into();
    events.extend(
        [SkipReason::ConditionFalse, SkipReason::NotNeeded]
            .map(|reason| StepEnded { step: SAVE, outcome: StepOutcome::Skipped(reason) }.into()),
    );
    events
}

fn flow_looks() -> Vec<Event> {
    let file = |before| Found::File { before, start: None };
    let cache =
        |value| Found::Cache { key: Hash([2; 32]), keyed_on: "prompt and model".to_owned(), value };
    [
        Found::Nothing,
        file(Before::Absent),
        file(Before::Known { hash: Hash([1; 32]) }),
        file(Before::Kept(text("old"))),
        Found::Until { until_ms: 1_795_000_000_000 },
        Found::Run { run: RunId::new(1000, 0) },
        cache(None),
        cache(Some(FlowValue::Text(text("- tea")))),
        Found::Refused { message: "../a.md leads out of the workspace".to_owned() },
    ]
    .map(|found| StepLooked { step: SAVE, attempt: Attempt(1), found }.into())
    .into()
}

/// Numbered on from the effects of tasks.
fn actions() -> Vec<Event> {
    let run = ActionRun {
        argv: vec!["jq".to_owned(), ".".to_owned()],
        folder: None,
        env: Vec::new(),
        secrets: Vec::new(),
        input: None,
        json: true,
        exit_codes: vec![0],
        repeatable: false,
    };
    let transcribe = ActionTranscribe {
        endpoint: "ears".to_owned(),
        model: "base".to_owned(),
        file: "memos/a.m4a".to_owned(),
        language: None,
        translate: false,
        prompt: None,
        threads: None,
        format: TranscriptForm::Text,
    };
    let path = || "notes/a.md".to_owned();
    let started =
        |(effect, action)| ActionStarted { effect: EffectId(effect), step: NOTES, action }.into();
    (10..)
        .zip([
            Action::Run(run),
            Action::Read { path: path(), form: ReadForm::Text },
            Action::List { pattern: "notes/*.md".to_owned() },
            Action::Write { path: path(), before: Before::Absent, after: text("# A") },
            Action::Transcribe(transcribe),
            Action::Embed {
                endpoint: "local".to_owned(),
                model: "bge".to_owned(),
                texts: text("[]"),
                single: false,
            },
            Action::Plan { file: "plans/app.md".to_owned(), run: RunId::new(1000, 0) },
            Action::Approve { message: text("Send it?") },
            Action::Wait { until_ms: 1_795_000_000_000 },
            Action::Pause { wait_ms: 4_000 },
        ])
        .map(started)
        .collect()
}

fn action_ends() -> Vec<Event> {
    let ended = |(effect, outcome)| ActionEnded { effect: EffectId(effect), outcome }.into();
    let done = |value| ActionOutcome::Done { value, exit_code: None };
    let failed = |kind, exit_code| ActionOutcome::Failed {
        kind,
        message: "it did not work\nat all".to_owned(),
        exit_code,
    };
    let mut ends = vec![
        (10, ActionOutcome::Done { value: FlowValue::Json(text("{}")), exit_code: Some(1) }),
        (10, failed(ActionFailure::Command, Some(2))),
        (11, failed(ActionFailure::File, None)),
        (13, failed(ActionFailure::Conflict, None)),
        (14, failed(ActionFailure::Engine, None)),
        (15, failed(ActionFailure::Model, None)),
        (15, failed(ActionFailure::Unreachable, None)),
        (15, failed(ActionFailure::ModelMissing, None)),
        (10, failed(ActionFailure::TimedOut, None)),
        (16, failed(ActionFailure::Inside, None)),
        (17, failed(ActionFailure::Denied, None)),
        (18, done(FlowValue::Nothing)),
        (19, done(FlowValue::Nothing)),
    ];
    ends.extend(flow_values().into_iter().map(|value| (11, done(value))));
    ends.into_iter().map(ended).collect()
}

fn outputs() -> Vec<Event> {
    let set = |(value, source)| OutputSet { step: NOTES, value, source }.into();
    let cache = || OutputSource::Cache { key: Hash([2; 32]), keyed_on: "prompt".to_owned() };
    let mut outputs: Vec<(FlowValue, OutputSource)> =
        flow_values().into_iter().map(|value| (value, OutputSource::Inside)).collect();
    outputs.push((FlowValue::Text(text("Yes.")), OutputSource::Answer));
    outputs.extend(flow_values().into_iter().map(|value| (value, cache())));
    outputs.into_iter().map(set).collect()
}

fn approval() -> Vec<Event> {
    let question = QuestionId(3);
    let subject = QuestionSubject::Approval { message: "Send it?".to_owned() };
    let answered = |answer| QuestionAnswered { question, answer, by: "ada".to_owned() }.into();
    vec![
        QuestionAsked { question, step: NOTES, effect: EffectId(17), subject }.into(),
        answered(QuestionAnswer::Approve),
        answered(QuestionAnswer::Deny),
    ]
}

#[test]
fn how_a_workflow_goes() {
    insta::assert_snapshot!(told([workflow(), flow_ends(), approval()].concat()), @r#"
    -    RunStarted       started "Memo" (workflows/memo.yaml)
    -    StepsAdded       added 2 steps: notes, save
    notes StepsAdded       added 4 steps: notes[0], notes[1], notes[2], notes[3]
    notes StepStarted      starting attempt 2: the one before failed
    notes StepEnded        notes failed (action_failed): jq: no such file
    notes StepEnded        notes failed (output_unusable): it is no JSON
    notes StepEnded        notes failed (expression_failed): there is no output `text`
    notes StepEnded        notes failed (assertion_failed): the list is empty
    notes StepEnded        notes failed (denied): ada said no
    notes StepEnded        notes failed (inside_failed): 1 of 3 failed
    save StepEnded        save skipped: its condition is false
    save StepEnded        save skipped: the step it stands in for did not fail
    notes QuestionAsked    question 3: Send it?
    notes QuestionAnswered question 3 answered by ada: approve
    notes QuestionAnswered question 3 answered by ada: deny
    "#);
}

#[test]
fn what_a_workflow_looks_at() {
    insta::assert_snapshot!(told(flow_looks()), @r#"
    save StepLooked       looked up what it needs
    save StepLooked       looked: there is no such file yet
    save StepLooked       looked at the file as it is
    save StepLooked       looked at the file as it is
    save StepLooked       looked at the clock
    save StepLooked       19700101-000001-00000 is the run inside
    save StepLooked       found no earlier result
    save StepLooked       found an earlier result
    save StepLooked       it is not allowed: ../a.md leads out of the workspace
    "#);
}

#[test]
fn what_steps_of_a_workflow_do() {
    insta::assert_snapshot!(told(actions()), @r#"
    notes ActionStarted    running `jq .`
    notes ActionStarted    reading notes/a.md
    notes ActionStarted    listing notes/*.md
    notes ActionStarted    writing notes/a.md
    notes ActionStarted    transcribing memos/a.m4a (base)
    notes ActionStarted    embedding (bge)
    notes ActionStarted    running the plan plans/app.md as 19700101-000001-00000
    notes ActionStarted    asking a person
    notes ActionStarted    waiting
    notes ActionStarted    waiting 4.0 s before the next attempt
    "#);
}

#[test]
fn how_what_they_do_ends() {
    insta::assert_snapshot!(told(action_ends()), @r#"
    notes ActionEnded      running `jq .`: {}
    notes ActionEnded      running `jq .` failed: it did not work
    notes ActionEnded      reading notes/a.md failed: it did not work
    notes ActionEnded      writing notes/a.md failed: it did not work
    notes ActionEnded      transcribing memos/a.m4a (base) failed: it did not work
    notes ActionEnded      embedding (bge) failed: it did not work
    notes ActionEnded      embedding (bge) failed: it did not work
    notes ActionEnded      embedding (bge) failed: it did not work
    notes ActionEnded      running `jq .` failed: it did not work
    notes ActionEnded      running the plan plans/app.md as 19700101-000001-00000 failed: it did not work
    notes ActionEnded      asking a person failed: it did not work
    notes ActionEnded      waiting: done
    notes ActionEnded      waiting 4.0 s before the next attempt: done
    notes ActionEnded      reading notes/a.md: done
    notes ActionEnded      reading notes/a.md: - tea
    notes ActionEnded      reading notes/a.md: ["tea","milk"]
    notes ActionEnded      reading notes/a.md: notes/a.md
    "#);
}

#[test]
fn what_steps_of_a_workflow_give() {
    insta::assert_snapshot!(told(outputs()), @r#"
    notes OutputSet        the output: nothing
    notes OutputSet        the output: - tea
    notes OutputSet        the output: ["tea","milk"]
    notes OutputSet        the output: notes/a.md
    notes OutputSet        the output: Yes.
    notes OutputSet        the output, from an earlier run with the same prompt: nothing
    notes OutputSet        the output, from an earlier run with the same prompt: - tea
    notes OutputSet        the output, from an earlier run with the same prompt: ["tea","milk"]
    notes OutputSet        the output, from an earlier run with the same prompt: notes/a.md
    "#);
}
