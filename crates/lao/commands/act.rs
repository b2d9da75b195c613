//! `lao cancel` and `lao answer`: asks the process that works on a run, or writes into the
//! journal of one that nobody works on.

use lao_cli::{
    CliError, ExitCode,
    args::{AnswerArgs, CancelArgs, GlobalArgs},
    render,
};
use lao_event::{QuestionId, latest::QuestionAnswer};
use lao_gateway::{Client, live, offline};
use lao_history::RunFolder;
use lao_kernel::{Command, Rejection};
use lao_protocol::{AnswerChoice, Reply, Request, RunStatus};
use lao_runtime::{BeginError, note};

use super::{
    import::demand_own,
    resume::{over, rejected},
};
use crate::{
    failure::{begin_failure, internal, view_failure},
    plan_run,
    project::Project,
    screen::Screen,
    world::SystemClock,
};

pub(crate) async fn cancel(
    global: &GlobalArgs,
    args: &CancelArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let folder = project.select(&args.run)?;
    if let Some(mut client) = live(&folder).await.map_err(|error| internal(&error))? {
        let reply = client.request(&Request::Cancel).await.map_err(|error| internal(&error))?;
        return answered(reply, (&folder, &mut client), screen).await;
    }
    note_offline(&project, &folder, Command::Cancel)?;
    show(&folder, screen)
}

pub(crate) async fn answer(
    global: &GlobalArgs,
    args: &AnswerArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let folder = project.select(&args.run)?;
    let answer = AnswerChoice::from(args.answer);
    let by = std::env::var("USER").unwrap_or_else(|_| "a person".to_owned());
    if let Some(mut client) = live(&folder).await.map_err(|error| internal(&error))? {
        let request = Request::Answer { question: args.question, answer, by };
        let reply = client.request(&request).await.map_err(|error| internal(&error))?;
        return answered(reply, (&folder, &mut client), screen).await;
    }
    let answer = match answer {
        AnswerChoice::Rerun => QuestionAnswer::Rerun,
        AnswerChoice::Skip => QuestionAnswer::Skip,
        AnswerChoice::Approve => QuestionAnswer::Approve,
        AnswerChoice::Deny => QuestionAnswer::Deny,
    };
    let command = Command::Answer { question: QuestionId(args.question), answer, by };
    note_offline(&project, &folder, command)?;
    show(&folder, screen)
}

/// Shows how a run of another process stands after it did what was asked.
pub(crate) async fn answered(
    reply: Reply,
    (folder, client): (&RunFolder, &mut Client),
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    if let Some(error) = rejected(&reply) {
        return Err(error);
    }
    // What was asked for may have ended the process: then the journal tells.
    match client.request(&Request::Status).await {
        Ok(Reply::Status(status)) => {
            screen.report(&*status, render::status);
            Ok(ExitCode::Done)
        }
        Ok(
            Reply::Hello { .. }
            | Reply::Step(_)
            | Reply::Update(_)
            | Reply::Done
            | Reply::Rejected { .. },
        )
        | Err(_) => show(folder, screen),
    }
}

/// Notes a person's word in the journal of a run that no process works on.
fn note_offline(project: &Project, folder: &RunFolder, command: Command) -> Result<(), CliError> {
    if let Some(outcome) = plan_run::outcome(folder) {
        return Err(over(folder, outcome));
    }
    demand_own(folder)?;
    let contents = project.runs().contents().map_err(|error| internal(&error))?;
    note(folder, &contents, &SystemClock::new(), command).map_err(|error| match error {
        BeginError::Rejected(Rejection::UnknownQuestion(_)) => begin_failure(&error)
            .hint(format!("`lao status {}` lists the questions that wait", folder.run)),
        BeginError::Folder(_)
        | BeginError::Create(_)
        | BeginError::Open(_)
        | BeginError::Fold(_)
        | BeginError::Append(_)
        | BeginError::Rejected(_)
        | BeginError::Actors(_) => begin_failure(&error),
    })
}

fn show(folder: &RunFolder, screen: &mut Screen) -> Result<ExitCode, CliError> {
    let view = offline::view(folder).map_err(|error| view_failure(&error))?;
    let status: RunStatus = view.status(None);
    lao_gateway::remember(folder, &status).map_err(|error| internal(&error))?;
    screen.report(&status, render::status);
    Ok(ExitCode::Done)
}
