//! Records of runs, made from choices.

use std::sync::LazyLock;

use lao_event::{
    Attempt, CallId, Content, EffectId, GitSettings, Hash, Limits, OnUnknown, Role, RunId,
    Settings, ShellAccess, StepId, VerifierSettings, WorkspaceSettings,
    latest::{
        self, ActionFailure, ActionOutcome, ActionRun, ActionTranscribe, Answer, AnswerFormat,
        Before, CheckReport, CommandOutcome, CommandReport, CommitOutcome, CommitPhase,
        FileWriteOutcome, Finding, FinishReason, FlowInput, FlowValue, ModelOutcome, ModelRequest,
        OutputSource, ReadForm, RunOutcome, StartCause, StepDefinition, TaskDefinition, Timing,
        ToolOutcome, ToolVerdict, TranscriptForm, Usage, Verdict,
    },
};
use lao_history::{Contents, RunsFolder};
use lao_replay::diff::{
    Action, ActionRecord, AttemptId, AttemptRecord, CallRecord, CheckRecord, CommitRecord,
    DiffError, OutputRecord, Pair, PromptRecord, RejectedRecord, ReviewRecord, RunDiff, RunEnd,
    RunRecord, Side, Speaker, StepEnd, StepRecord, TalkRecord, Totals, TurnRecord, WriteRecord,
    diff,
};

/// Texts of a project that has no blobs.
static CONTENTS: LazyLock<(tempfile::TempDir, Contents)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let contents = RunsFolder::new(folder.path()).contents().unwrap();
    (folder, contents)
});

/// Compares runs of the same project.
pub(crate) fn compare(a: &RunRecord, b: &RunRecord) -> Result<RunDiff, DiffError> {
    let (_, contents) = &*CONTENTS;
    diff(Pair { a: Side { run: a, contents }, b: Side { run: b, contents } })
}

/// Choices, one after the other; nothing is chosen when they are used up.
pub(crate) struct Maker<'a> {
    choices: &'a [u8],
    /// Position of the last event.
    seq: u64,
    /// How far events lie apart.
    gap: u64,
}

impl<'a> Maker<'a> {
    /// A run from choices. `gap` stands for all that is no difference: positions, effects, times.
    pub(crate) fn run(choices: &'a [u8], gap: u64) -> RunRecord {
        let mut maker = Self { choices, seq: 0, gap };
        let steps = maker.list(4, Self::step);
        let inputs = maker.list(3, Self::input);
        let end = (maker.next(), RunEnd::Over(RunOutcome::Succeeded));
        let folder = format!("/work/{gap}");
        RunRecord {
            run: maker.own().parse().unwrap(),
            title: "A plan".to_owned(),
            plan: maker.text(),
            inputs: (0..)
                .zip(inputs)
                .map(|(index, input)| numbered(index, input))
                .collect::<Vec<_>>()
                .into(),
            settings: (1, settings(&folder)),
            steps: (0..).zip(steps).map(|(number, step)| keyed(number, step)).collect(),
            end,
            last_seq: maker.seq,
            started_ms: i64::try_from(gap).unwrap(),
            totals: Totals { events: gap, resumed: gap, ..Totals::default() },
            files: std::collections::BTreeMap::default(),
        }
    }

    fn choose(&mut self, below: u8) -> u8 {
        match self.choices.split_first() {
            Some((first, rest)) => {
                self.choices = rest;
                first % below
            }
            None => 0,
        }
    }

    fn list<T>(&mut self, below: u8, mut entry: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.choose(below);
        (0..count).map(|_| entry(self)).collect()
    }

    fn next(&mut self) -> u64 {
        self.seq += self.gap;
        self.seq
    }

    fn effect(&mut self) -> EffectId {
        EffectId(self.next())
    }

    fn text(&mut self) -> Content {
        const TEXTS: [&str; 6] =
            ["", "one\n", "one\ntwo\nthree\n", "one\n2\nthree\n", "else", "one two four"];
        let chosen = TEXTS[usize::from(self.choose(6))];
        // The folder is the run's own, as is its name; that they are named is no difference.
        Content::Inline(format!("{chosen} /work/{}/x {}", self.gap, self.own()))
    }

    /// The run's identity.
    fn own(&self) -> String {
        format!("20260302-21140{}-x7k2q", self.gap % 10)
    }

    /// That of a plan's run inside it.
    fn inside(&self) -> RunId {
        format!("20260302-21150{}-x7k2q", self.gap % 10).parse().unwrap()
    }

    fn input(&mut self) -> FlowInput {
        FlowInput { name: String::new(), value: self.value() }
    }

    fn value(&mut self) -> FlowValue {
        match self.choose(4) {
            0 => FlowValue::Nothing,
            1 => FlowValue::Text(self.text()),
            2 => {
                let text = serde_json::json!({ "text": self.string(), "list": [1, 2] });
                FlowValue::Json(Content::Inline(text.to_string()))
            }
            _ => {
                let name = self.string();
                FlowValue::File { path: format!("/work/{}/{name}", self.gap) }
            }
        }
    }

    fn action(&mut self) -> ActionRecord {
        let seq = self.next();
        let action = match self.choose(10) {
            0 => latest::Action::Run(self.command()),
            1 => latest::Action::Read { path: self.string(), form: ReadForm::Text },
            2 => latest::Action::List { pattern: self.string() },
            3 => latest::Action::Write {
                path: self.string(),
                before: Before::Absent,
                after: self.text(),
            },
            4 => latest::Action::Transcribe(ActionTranscribe {
                endpoint: "local".to_owned(),
                model: self.string(),
                file: self.string(),
                language: None,
                translate: self.choose(2) == 1,
                prompt: (self.choose(2) == 1).then(|| self.text()),
                threads: None,
                format: TranscriptForm::Srt,
            }),
            5 => latest::Action::Embed {
                endpoint: "local".to_owned(),
                model: self.string(),
                texts: self.text(),
                single: false,
            },
            6 => latest::Action::Plan { file: self.string(), run: self.inside() },
            7 => latest::Action::Approve { message: self.text() },
            8 => latest::Action::Wait { until_ms: i64::try_from(self.gap).unwrap() },
            _ => latest::Action::Pause { wait_ms: u64::from(self.choose(2)) },
        };
        let outcome = match self.choose(3) {
            0 => None,
            1 => Some(ActionOutcome::Done { value: self.gave(&action), exit_code: Some(0) }),
            _ => Some(ActionOutcome::Failed {
                kind: ActionFailure::Command,
                message: format!("{} in /work/{}", self.string(), self.gap),
                exit_code: Some(i32::from(self.choose(2))),
            }),
        };
        ActionRecord { seq, action, outcome: outcome.map(|outcome| (self.next(), outcome)) }
    }

    /// What an action gives; a plan's run tells which one it was.
    fn gave(&mut self, action: &latest::Action) -> FlowValue {
        if let latest::Action::Plan { run, .. } = action {
            let text = serde_json::json!({ "run": run.as_str(), "outcome": self.string() });
            FlowValue::Json(Content::Inline(text.to_string()))
        } else {
            self.value()
        }
    }

    fn command(&mut self) -> ActionRun {
        ActionRun {
            argv: vec!["make".to_owned(), self.string(), format!("/work/{}", self.gap)],
            folder: None,
            env: vec![("RUN".to_owned(), self.own())],
            secrets: Vec::new(),
            input: (self.choose(2) == 1).then(|| self.text()),
            json: false,
            exit_codes: vec![0],
            repeatable: self.choose(2) == 1,
        }
    }

    fn output(&mut self) -> OutputRecord {
        let source = match self.choose(3) {
            0 => OutputSource::Inside,
            1 => OutputSource::Answer,
            _ => OutputSource::Cache {
                key: Hash::of(&self.gap.to_le_bytes()),
                keyed_on: self.string(),
            },
        };
        OutputRecord { seq: self.next(), value: self.value(), source }
    }

    fn definition(&mut self) -> StepDefinition {
        match self.choose(3) {
            0 => StepDefinition::Task(TaskDefinition {
                description: self.text(),
                files: self.list(3, Self::string),
                deletes: Vec::new(),
                acceptance: Vec::new(),
            }),
            1 => {
                let spec = serde_json::json!({ "do": { "assert": { "that": self.string() } } });
                StepDefinition::Flow { spec: spec.to_string() }
            }
            _ => StepDefinition::Item { index: 0, value: self.value() },
        }
    }

    fn string(&mut self) -> String {
        ["", "short", "other"][usize::from(self.choose(3))].to_owned()
    }

    fn step(&mut self) -> StepRecord {
        let seq = self.next();
        let title = self.string();
        let definition = self.definition();
        let mut attempts = self.list(3, Self::attempt);
        for (number, attempt) in (1..).zip(&mut attempts) {
            attempt.id = AttemptId { retries: 0, attempt: Attempt(number) };
        }
        let end = [StepEnd::Succeeded, StepEnd::Cancelled][usize::from(self.choose(2))].clone();
        StepRecord {
            key: String::new(),
            title,
            needs: self.list(2, Self::string),
            definition,
            seq,
            attempts,
            end: Some((self.next(), end)),
            elapsed_ms: self.gap,
            retries: 0,
        }
    }

    fn attempt(&mut self) -> AttemptRecord {
        AttemptRecord {
            id: AttemptId { retries: 0, attempt: Attempt(1) },
            cause: [StartCause::Ready, StartCause::Rework][usize::from(self.choose(2))],
            seq: self.next(),
            talks: self.list(3, Self::talk),
            checks: self.list(3, Self::check),
            reviews: self.list(3, Self::review),
            rejected: self.list(2, |maker| RejectedRecord {
                seq: maker.next(),
                problems: maker.list(3, Self::string),
            }),
            commits: self.list(2, |maker| CommitRecord {
                seq: maker.next(),
                phase: CommitPhase::Code,
                subject: maker.string(),
                outcome: Some(CommitOutcome::Made { id: maker.gap.to_string() }),
            }),
            actions: self.list(4, Self::action),
            outputs: self.list(2, Self::output),
        }
    }

    fn talk(&mut self) -> TalkRecord {
        TalkRecord {
            role: [Role::Coder, Role::Reviewer][usize::from(self.choose(2))],
            prompts: self.list(3, |maker| PromptRecord {
                seq: maker.next(),
                from: [Speaker::System, Speaker::User][usize::from(maker.choose(2))],
                content: maker.text(),
            }),
            turns: self.list(4, Self::turn),
        }
    }

    fn turn(&mut self) -> TurnRecord {
        let seq = self.next();
        let ended = self.next();
        let answer = Answer {
            text: self.text(),
            reasoning: Content::empty(),
            tool_calls: Vec::new(),
            finish: FinishReason::Stop,
            usage: Usage {
                prompt_tokens: u64::from(self.choose(2)),
                cached_tokens: self.gap,
                completion_tokens: 1,
            },
            timing: Timing { first_token_ms: self.gap, total_ms: self.gap },
            model: "qwen3:8b".to_owned(),
            server: None,
        };
        TurnRecord {
            seq,
            request: request(["qwen3:8b", "llama3"][usize::from(self.choose(2))]),
            settings: None,
            outcome: Some((ended, ModelOutcome::Answered(answer))),
            failed_tries: self.gap,
            calls: self.list(3, Self::call),
        }
    }

    fn call(&mut self) -> CallRecord {
        let action = match self.choose(4) {
            0 => Action::TodoSet,
            1 => Action::Read { ended: Some((ToolOutcome::Succeeded, self.text())) },
            2 => Action::Command {
                argv: vec!["make".to_owned()],
                ended: Some((CommandOutcome::Exited { code: 0 }, self.text())),
            },
            _ => Action::Write(WriteRecord {
                path: self.string(),
                before: Before::Absent,
                after: Some(self.text()),
                reply: Content::empty(),
                outcome: Some(FileWriteOutcome::Written),
            }),
        };
        CallRecord {
            id: CallId { answer: self.effect(), index: 0 },
            seq: self.next(),
            name: format!("tool_{}", self.choose(2)),
            arguments: self.text(),
            verdict: Some(ToolVerdict::Allowed { rule: "default".to_owned() }),
            action,
        }
    }

    fn check(&mut self) -> CheckRecord {
        CheckRecord {
            seq: self.next(),
            report: CheckReport {
                step: StepId(0),
                findings: self.list(4, Self::finding),
                diff: Content::empty(),
            },
            commands: vec![CommandReport {
                name: "test".to_owned(),
                outcome: CommandOutcome::Exited { code: i32::from(self.choose(2)) },
                output: Content::Inline(format!("in {} s", self.gap)),
                elapsed_ms: self.gap,
            }],
        }
    }

    fn review(&mut self) -> ReviewRecord {
        ReviewRecord {
            seq: self.next(),
            verdict: [Verdict::Approved, Verdict::Rework][usize::from(self.choose(2))],
            summary: self.string(),
            findings: self.list(3, Self::finding),
        }
    }

    fn finding(&mut self) -> Finding {
        Finding {
            file: None,
            line: None,
            rule: self.string(),
            message: self.string(),
            hint: String::new(),
        }
    }
}

/// How a model is asked.
pub(crate) fn request(model: &str) -> ModelRequest {
    ModelRequest {
        endpoint: "local".to_owned(),
        model: model.to_owned(),
        format: AnswerFormat::Text,
        tools: true,
        output_tokens_max: 1000,
    }
}

fn numbered(number: usize, input: FlowInput) -> FlowInput {
    FlowInput { name: format!("i{number}"), ..input }
}

fn keyed(number: usize, step: StepRecord) -> StepRecord {
    StepRecord { key: format!("t{number}"), ..step }
}

/// What a run is told that works in this folder.
pub(crate) fn settings(folder: &str) -> Settings {
    Settings {
        roles: Vec::new(),
        limits: Limits::default(),
        verifier: VerifierSettings::default(),
        git: GitSettings::default(),
        workspace: WorkspaceSettings::Folder { path: folder.to_owned() },
        shell: ShellAccess::default(),
        shell_timeout_ms: 1000,
        on_unknown: OnUnknown::default(),
        tools: Vec::new(),
    }
}
