//! `lao replay --with`: another model is asked the prompts of a run; nothing follows from what it
//! says.

use std::{fmt::Write as _, time::Instant};

use lao_cli::{
    CliError, ExitCode,
    args::{GlobalArgs, ModelOverride},
    render::{self, AgreementWord, ReaskCall, ReaskReport},
};
use lao_event::{Content, Role, RoleSettings, latest::Answer};
use lao_history::{Contents, HistoryError, RunFolder};
use lao_journal::Reader;
use lao_model::Models;
use lao_port::{Chat, ChatAnswer, ChatError, ChatErrorKind, Model, Sampling};
use lao_replay::{Agreement, Call, for_each_call};
use lao_runtime::{answer_event, chat_under_way};
use tokio::sync::{mpsc, oneshot};

use crate::{
    failure::{internal, view_failure},
    project::{Project, state_of},
    screen::Screen,
    world,
};

/// Characters of an answer that are shown.
const SHOWN_CHARS_MAX: usize = 160;

/// Calls on their way to the screen.
const CALLS_MAX: usize = 16;

/// A prompt on its way to the model, and the way back of what it says.
type Asked = (Chat, oneshot::Sender<Result<ChatAnswer, ChatError>>);

pub(crate) async fn reask(
    global: &GlobalArgs,
    (project, folder): (&Project, &RunFolder),
    with: &ModelOverride,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let config = project.config(global, std::slice::from_ref(with), &[])?;
    let (role, settings) = role(&config, &with.role)?;
    let models = world::models(&config, &project.root)?;
    let reader = folder.reader().map_err(|error| view_failure(&error.into()))?;
    let contents = state_of(folder).contents().map_err(|error| internal(&error))?;
    let (to_model, prompts) = mpsc::channel::<Asked>(1);
    let (to_screen, calls) = mpsc::channel(CALLS_MAX);
    let walker = Walker { reader, contents, role, settings, to_model, to_screen };
    let walk = tokio::task::spawn_blocking(move || walker.walk());
    let answers = answer_all(&models, prompts);
    let (shown, answered) = tokio::join!(show_all(calls, screen), answers);
    answered?;
    walk.await.map_err(|error| internal(&error))??;
    let report = ReaskReport {
        run: folder.run.to_string(),
        role: role.name().to_owned(),
        model: with.model.clone(),
        ..shown
    };
    screen.report(&report, render::reask);
    Ok(ExitCode::Done)
}

fn role(config: &lao_config::Config, name: &str) -> Result<(Role, RoleSettings), CliError> {
    let known = Role::ALL.into_iter().find(|role| role.name() == name);
    let settings = known.and_then(|role| config.roles.get(&role).cloned().map(|it| (role, it)));
    settings.ok_or_else(|| {
        let names: Vec<&str> = config.roles.keys().map(|role| role.name()).collect();
        CliError::new(ExitCode::Usage, format!("there is no role {name:?}"))
            .hint(format!("lao.toml has: {}", names.join(", ")))
    })
}

/// Asks the model, one prompt after the other, until there are no more. A server that is away ends
/// it all.
async fn answer_all(models: &Models, mut prompts: mpsc::Receiver<Asked>) -> Result<(), CliError> {
    while let Some((chat, reply)) = prompts.recv().await {
        let answer = models.chat(&chat, &|_| {}).await;
        if let Err(error) = &answer
            && matches!(error.kind, ChatErrorKind::Unreachable | ChatErrorKind::ModelMissing)
        {
            return Err(CliError::new(ExitCode::ServerUnavailable, error.message.clone())
                .hint("`lao doctor` looks at the servers and their models"));
        }
        // A walk that was given up needs no answer.
        drop(reply.send(answer));
    }
    Ok(())
}

/// Shows each call as it comes, and counts.
async fn show_all(mut calls: mpsc::Receiver<ReaskCall>, screen: &mut Screen) -> ReaskReport {
    let mut report = ReaskReport {
        run: String::new(),
        role: String::new(),
        model: String::new(),
        calls: 0,
        same: 0,
        alike: 0,
        different: 0,
        unanswered: 0,
    };
    while let Some(call) = calls.recv().await {
        report.calls += 1;
        *match call.agreement {
            AgreementWord::Same => &mut report.same,
            AgreementWord::Alike => &mut report.alike,
            AgreementWord::Different => &mut report.different,
            AgreementWord::Unanswered => &mut report.unanswered,
        } += 1;
        screen.report(&call, render::reask_call);
    }
    report
}

/// Goes through the run on a thread of its own, and waits there for each answer.
struct Walker {
    reader: Reader,
    contents: Contents,
    role: Role,
    settings: RoleSettings,
    to_model: mpsc::Sender<Asked>,
    to_screen: mpsc::Sender<ReaskCall>,
}

/// Why a walk ends early.
enum Stop {
    /// The model is not to be had; whoever asked it says why.
    GivenUp,
    Failed(CliError),
}

impl From<HistoryError> for Stop {
    fn from(error: HistoryError) -> Self {
        Self::Failed(CliError::from_error(ExitCode::JournalUnavailable, &error))
    }
}

impl Walker {
    fn walk(self) -> Result<(), CliError> {
        match for_each_call(&self.reader, self.role, |call| self.ask(call)) {
            Ok(()) | Err(Stop::GivenUp) => Ok(()),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    fn ask(&self, call: &Call<'_>) -> Result<(), Stop> {
        let chat = chat_under_way(&self.contents, call.state, call.effect);
        let unreadable = |error: lao_history::ContentError| {
            Stop::Failed(CliError::from_error(ExitCode::JournalUnavailable, &error))
        };
        let Some(chat) = chat.map_err(unreadable)? else {
            return Ok(());
        };
        let asked_at = Instant::now();
        let (reply, answer) = oneshot::channel();
        let sent = self.to_model.blocking_send((self.addressed(chat), reply));
        sent.map_err(|_| Stop::GivenUp)?;
        let answer = answer.blocking_recv().map_err(|_| Stop::GivenUp)?;
        let (agreement, asked) = match answer {
            Ok(answer) => {
                let answer = answer_event(answer);
                let agreement = match call.compare(self.role, &answer, &self.contents) {
                    Agreement::Same => AgreementWord::Same,
                    Agreement::Alike => AgreementWord::Alike,
                    Agreement::Different => AgreementWord::Different,
                };
                (agreement, self.short(&answer))
            }
            Err(error) => (AgreementWord::Unanswered, error.message),
        };
        let step = call.state.step(call.step).map(|step| step.key.clone());
        let call = ReaskCall {
            seq: call.seq,
            step: step.unwrap_or_default(),
            agreement,
            recorded: self.short(call.answer),
            asked,
            elapsed_ms: u64::try_from(asked_at.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        // Nobody listens any more only if the command is being ended.
        self.to_screen.blocking_send(call).map_err(|_| Stop::GivenUp)
    }

    /// The recorded prompt, to the model that the configuration names.
    fn addressed(&self, chat: Chat) -> Chat {
        let settings = &self.settings;
        Chat {
            endpoint: settings.endpoint.clone(),
            model: settings.model.clone(),
            native_tools: settings.tools,
            sampling: Sampling {
                temperature_milli: settings.temperature_milli,
                top_p_milli: settings.top_p_milli,
                repetition_penalty_milli: settings.repetition_penalty_milli,
                seed: settings.seed,
            },
            ..chat
        }
    }

    /// An answer on one line.
    fn short(&self, answer: &Answer) -> String {
        let text = |content: &Content| self.contents.text(content).unwrap_or_default();
        let mut said = text(&answer.text);
        for call in &answer.tool_calls {
            let arguments = text(&call.arguments);
            write!(said, " -> {}({arguments})", call.name).expect("writing to a String");
        }
        let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
        line.chars().take(SHOWN_CHARS_MAX).collect()
    }
}
