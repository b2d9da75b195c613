//! Generated workflows: graphs of every kind of step, with conditions, retries and stand-ins.

use lao_event::{
    Content, FlowAction, FlowAgent, FlowApprove, FlowAssert, FlowCall, FlowEmbed, FlowFormat,
    FlowMap, FlowModel, FlowPlan, FlowPrompt, FlowRead, FlowRetry, FlowRun, FlowStep,
    FlowTranscribe, FlowWait, FlowWrite, GitSettings, Limits, MapOver, NamedStep, OnFailure,
    OnUnknown, ReadWhat, Role, RoleSettings, RunId, Settings, ShellAccess, StepId, Template,
    TranscriptFormat, VerifierSettings, WorkspaceSettings, WriteMode,
    latest::{Definition, FlowDefinition, FlowInput, FlowValue, NewStep, StepDefinition},
};
use lao_kernel::{Command, Start};

use super::choices::Choices;

/// A step that does something, and nothing else.
pub(crate) fn plain(action: FlowAction) -> FlowStep {
    FlowStep {
        action,
        when: None,
        retry: None,
        timeout_ms: None,
        on_failure: OnFailure::Stop,
        fallback_for: None,
        cache: false,
    }
}

/// A command of these words.
pub(crate) fn command(argv: &[&str]) -> FlowAction {
    FlowAction::Run(FlowRun {
        argv: argv.iter().map(|word| Template::from(*word)).collect(),
        folder: None,
        env: Vec::new(),
        secrets: Vec::new(),
        input: None,
        format: FlowFormat::Text,
        exit_codes: vec![0],
        repeatable: false,
    })
}

/// What must be true.
pub(crate) fn assertion(that: &str) -> FlowAction {
    FlowAction::Assert(FlowAssert { that: Template::from(that), message: None })
}

fn model() -> FlowModel {
    FlowModel {
        role: Role::Analyst,
        temperature_milli: None,
        top_p_milli: None,
        seed: None,
        output_tokens_max: None,
    }
}

/// A step with its name.
pub(crate) fn named(id: &str, needs: &[&str], step: FlowStep) -> NamedStep {
    NamedStep {
        id: id.to_owned(),
        title: id.to_owned(),
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
        step,
    }
}

/// Steps as a run takes them.
pub(crate) fn new_steps(steps: &[NamedStep]) -> Vec<NewStep> {
    let place = |name: &String| {
        let index = steps.iter().position(|step| step.id == *name).expect("a step that is there");
        StepId(u32::try_from(index).expect("few steps"))
    };
    steps
        .iter()
        .map(|named| NewStep {
            key: named.id.clone(),
            title: named.title.clone(),
            needs: named.needs.iter().map(place).collect(),
            definition: StepDefinition::Flow {
                spec: serde_json::to_string(&named.step).expect("plain JSON"),
            },
        })
        .collect()
}

pub(crate) fn settings(on_unknown: OnUnknown, parallel_steps_max: u32) -> Settings {
    let role = |role: Role| RoleSettings {
        role,
        endpoint: "studio".to_owned(),
        model: format!("{role}-model"),
        context_tokens: 400_000,
        output_tokens_max: 1_024,
        temperature_milli: None,
        top_p_milli: None,
        repetition_penalty_milli: None,
        seed: None,
        tools: true,
        json_schema: false,
        instructions: None,
    };
    Settings {
        roles: Role::ALL.map(role).to_vec(),
        limits: Limits { parallel_steps_max, ..Limits::default() },
        verifier: VerifierSettings::default(),
        git: GitSettings::default(),
        workspace: WorkspaceSettings::Folder { path: "/work/app".to_owned() },
        shell: ShellAccess::On,
        shell_timeout_ms: 120_000,
        on_unknown,
        tools: lao_tool::specs(ShellAccess::On),
    }
}

/// The command that begins a run of these steps.
pub(crate) fn start(steps: Vec<NewStep>, settings: Settings) -> Command {
    let input =
        FlowInput { name: "word".to_owned(), value: FlowValue::Text(Content::from("hello")) };
    Command::Start(Box::new(Start {
        run: RunId::new(1_795_195_597_123, 7),
        program: "0.1.0".to_owned(),
        definition: Definition::Flow(FlowDefinition {
            title: "flow".to_owned(),
            path: "flow.yaml".to_owned(),
            text: Content::from("steps: []"),
            inputs: vec![input],
            trigger: r#"{"kind":"manual"}"#.to_owned(),
            output: None,
        }),
        steps,
        settings,
        seed: 42,
    }))
}

/// A workflow that the choices make up.
pub(crate) fn made_up(choices: &mut Choices<'_>) -> Vec<NamedStep> {
    let count = 1 + choices.below(9);
    let mut steps: Vec<NamedStep> = Vec::new();
    for index in 0..count {
        let earlier: Vec<String> = steps.iter().map(|step| step.id.clone()).collect();
        let about = (!earlier.is_empty()).then(|| choices.one_of(&earlier).clone());
        let mut step = plain(action(choices, about.as_deref(), 0));
        adorn(choices, &mut step, about.as_deref());
        let id = format!("s{index}");
        let mut needs: Vec<String> = about.into_iter().collect();
        if choices.once_in(5) && !earlier.is_empty() {
            let more = choices.one_of(&earlier).clone();
            if !needs.contains(&more) {
                needs.push(more);
            }
        }
        steps.push(NamedStep { id: id.clone(), title: id, needs, step });
    }
    add_stand_in(choices, &mut steps);
    steps
}

/// Conditions, retries, tolerance, time limits, earlier results.
fn adorn(choices: &mut Choices<'_>, step: &mut FlowStep, about: Option<&str>) {
    let whole = matches!(step.action, FlowAction::Map(_) | FlowAction::Workflow(_));
    if let Some(about) = about.filter(|_| choices.once_in(5)) {
        let text = format!("${{{{ steps.{about}.status == 'succeeded' }}}}");
        step.when = Some(Template(text));
    }
    if !whole && choices.once_in(4) {
        let pause_ms = if choices.once_in(2) { 0 } else { 1000 };
        step.retry =
            Some(FlowRetry { attempts: 2, pause_ms, pause_ms_max: 60_000, on: Vec::new() });
    }
    if !whole && choices.once_in(5) {
        step.timeout_ms = Some(5_000);
    }
    if choices.once_in(5) {
        step.on_failure = OnFailure::Continue;
    }
    let may_cache = matches!(
        step.action,
        FlowAction::Prompt(_) | FlowAction::Transcribe(_) | FlowAction::Run(_)
    );
    step.cache = may_cache && choices.once_in(5);
}

/// Sometimes the last step stands in for an earlier one, whose dependents then need both.
fn add_stand_in(choices: &mut Choices<'_>, steps: &mut Vec<NamedStep>) {
    if !choices.once_in(3) {
        return;
    }
    let place = choices.below(steps.len());
    let failing = steps[place].id.clone();
    let mut spare = plain(command(&["spare"]));
    spare.fallback_for = Some(failing.clone());
    steps[place].step.on_failure = OnFailure::Fallback("spare".to_owned());
    for step in steps.iter_mut().filter(|step| step.needs.contains(&failing)) {
        step.needs.push("spare".to_owned());
    }
    let spare = NamedStep {
        id: "spare".to_owned(),
        title: "spare".to_owned(),
        needs: vec![failing],
        step: spare,
    };
    steps.insert(place + 1, spare);
}

/// What a step does; about the output of another, or the input.
fn action(choices: &mut Choices<'_>, about: Option<&str>, depth: u32) -> FlowAction {
    let value = match about {
        Some(about) => format!("${{{{ steps.{about}.output }}}}"),
        None => "${{ inputs.word }}".to_owned(),
    };
    let text = Template(format!("About {value}"));
    let kinds = if depth == 0 { 14 } else { 6 };
    match choices.below(kinds) {
        0 => command(&["do", &text.0]),
        1 => FlowAction::Prompt(FlowPrompt {
            text,
            system: Some(Template::from("Be short.")),
            model: model(),
            format: FlowFormat::Text,
        }),
        2 => assertion("${{ true }}"),
        3 => FlowAction::Write(FlowWrite {
            path: Template::from("out/file.txt"),
            text,
            mode: *choices.one_of(&[WriteMode::Replace, WriteMode::Append, WriteMode::Create]),
        }),
        4 => FlowAction::Transcribe(FlowTranscribe {
            file: Template::from("a.wav"),
            language: Template::from("auto"),
            translate: false,
            prompt: None,
            threads: None,
            format: TranscriptFormat::Text,
        }),
        5 => FlowAction::Prompt(FlowPrompt {
            text,
            system: None,
            model: model(),
            format: FlowFormat::Json {
                schema: Some(r#"{"type":"object","required":["a"]}"#.to_owned()),
            },
        }),
        6 => FlowAction::Agent(FlowAgent {
            text,
            system: None,
            model: model(),
            tools: vec!["file_read".to_owned()],
            turns_max: 4,
        }),
        7 => map(choices),
        8 => FlowAction::Workflow(called(choices, &value)),
        9 => FlowAction::Approve(FlowApprove { message: text }),
        10 => FlowAction::Wait(FlowWait::Ms(60_000)),
        11 => FlowAction::Read(FlowRead { what: ReadWhat::Files(Template::from("*.txt")) }),
        12 => FlowAction::Embed(FlowEmbed { text }),
        _ => FlowAction::Plan(FlowPlan { file: Template::from("plans/a.md") }),
    }
}

fn map(choices: &mut Choices<'_>) -> FlowAction {
    let over = if choices.once_in(3) {
        MapOver::Files(Template::from("*.txt"))
    } else {
        let items = ["[]", "['a']", "['a', 'b', 'c', 'd', 'e']"];
        MapOver::List(Template(format!("${{{{ {} }}}}", choices.one_of(&items))))
    };
    let mut step = plain(command(&["each", "${{ item }}", "${{ index }}"]));
    adorn(choices, &mut step, None);
    let concurrency = 1 + u32::try_from(choices.below(3)).expect("below three");
    FlowAction::Map(Box::new(FlowMap { over, concurrency, step }))
}

fn called(choices: &mut Choices<'_>, value: &str) -> FlowCall {
    let first = named("first", &[], plain(command(&["inner", "${{ inputs.given }}"])));
    let mut second = plain(action(choices, Some("first"), 1));
    adorn(choices, &mut second, Some("first"));
    let second = named("second", &["first"], second);
    FlowCall {
        file: "inner.yaml".to_owned(),
        inputs: vec![("given".to_owned(), Template(value.to_owned()))],
        steps: vec![first, second],
        output: Template::from("${{ steps.second.output }}"),
    }
}
