//! `lao new workflow`: a commented template, or a draft of a model's that was checked.

use std::{
    fs,
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};

use lao_cli::{
    CliError, ExitCode,
    args::{GlobalArgs, NewArgs, NewWhat, NewWorkflowArgs},
};
use lao_config::Config;
use lao_event::{Role, RoleSettings};
use lao_port::{Chat, ChatFormat, ChatMessage, Model as _, Progress, Sampling};
use lao_workflow::{chain, flow};

use crate::{
    failure::io_failure, flow_file::FlowFile, flow_run, preflight, project::Project,
    screen::Screen, world,
};

/// Drafts that a model may get wrong.
const DRAFTS_MAX: u32 = 4;

/// What the model is told to be.
const SYSTEM: &str = "\
You write workflow files for a program that runs them. Answer with one YAML document and nothing else: \
no explanation, no code fence. Use only the keys and kinds of steps described here. Give every step a \
short `id` of lower-case letters, digits and `_`. Paths are relative to the project. Values of steps \
before are written ${{ steps.ID.output }}, inputs ${{ inputs.NAME }}, the file of a watched folder \
${{ trigger.path }}, its name without ending ${{ trigger.stem }}.";

/// `lao new`.
pub(crate) async fn new(
    global: &GlobalArgs,
    args: &NewArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let NewWhat::Workflow(args) = &args.what;
    let path = file_of(&args.name)?;
    match &args.from {
        None => save(&path, &chain::template(&stem(&args.name)), screen),
        Some(description) => from(global, args, (&path, description), screen).await,
    }
}

/// The file of a workflow with this name.
fn file_of(name: &str) -> Result<PathBuf, CliError> {
    let path = PathBuf::from(name);
    let path = if crate::flow_file::is_workflow(&path) {
        path
    } else {
        PathBuf::from(format!("{name}.yaml"))
    };
    if path.exists() {
        let message = format!("{} is there already", path.display());
        return Err(CliError::new(ExitCode::Usage, message).hint("choose another name"));
    }
    Ok(path)
}

fn stem(name: &str) -> String {
    Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn save(path: &Path, text: &str, screen: &mut Screen) -> Result<ExitCode, CliError> {
    let failed = |error| io_failure(&format!("cannot make {}", path.display()), &error);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = fs::File::options().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    let shown = path.display().to_string();
    if screen.json {
        screen.output.line(&serde_json::json!({ "file": shown }).to_string());
    } else {
        screen.output.line(&format!("wrote {shown}; `lao validate {shown}`, `lao run {shown}`"));
    }
    Ok(ExitCode::Done)
}

/// A draft of a model's: asked for, checked, asked for again with what is wrong, shown, saved.
async fn from(
    global: &GlobalArgs,
    args: &NewWorkflowArgs,
    (path, description): (&Path, &str),
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::here(global)?;
    let config = project.config(global, &args.models, &[])?;
    let role = analyst(&project, &config)?;
    preflight::check_roles_of(&config, std::slice::from_ref(&role)).await?;
    let models = world::models(&config, &project.root)?;
    let mut messages = vec![
        ChatMessage::System(SYSTEM.to_owned()),
        ChatMessage::User(request(&stem(&args.name), description)),
    ];
    let mut problems = String::new();
    for draft in 1..=DRAFTS_MAX {
        say(screen, &format!("asking {} for draft {draft}", role.model));
        let answer = ask(&models, &role, messages.clone()).await?;
        let text = yaml_of(&answer);
        match FlowFile::parse(Some(&project.root), &path.to_string_lossy(), text.clone()) {
            Ok(_) => return offer(args, (path, &text), screen),
            Err(error) => {
                problems = error.render();
                messages.push(ChatMessage::Assistant { text: answer, tool_calls: Vec::new() });
                messages.push(ChatMessage::User(format!(
                    "The file has mistakes:\n\n{problems}\n\nWrite the whole file again, mended. YAML only."
                )));
            }
        }
    }
    let message = format!("no draft of {} was right after {DRAFTS_MAX} tries", role.model);
    Err(CliError::new(ExitCode::StepsFailed, message)
        .cause(problems)
        .hint("say it in other words, name another model with --model analyst=NAME, or")
        .hint(format!("`lao new workflow {}` makes a template to change by hand", args.name)))
}

fn analyst(project: &Project, config: &Config) -> Result<RoleSettings, CliError> {
    let settings = flow_run::settings(project, config, &[Role::Analyst])?;
    Ok(settings.role(Role::Analyst).expect("it was just filled in").clone())
}

/// What the model is asked: the form of the file, every kind of step, and what the person wants.
fn request(name: &str, description: &str) -> String {
    let kinds: Vec<String> = flow::kinds()
        .into_iter()
        .map(|kind| {
            let keys: Vec<String> =
                kind.keys.iter().map(|(name, meaning)| format!("    {name}: {meaning}")).collect();
            format!("- `{}`: {}\n{}", kind.name, kind.meaning, keys.join("\n"))
        })
        .collect();
    format!(
        "The form of the file:\n\n{}\n\nEach step has an `id` and exactly one of these kinds:\n{}\n\n\
         Write the workflow {name:?}. What it is to do:\n\n{description}\n",
        chain::template("example"),
        kinds.join("\n"),
    )
}

async fn ask(
    models: &lao_model::Models,
    role: &RoleSettings,
    messages: Vec<ChatMessage>,
) -> Result<String, CliError> {
    let chat = Chat {
        endpoint: role.endpoint.clone(),
        model: role.model.clone(),
        role: Role::Analyst,
        step: "new".to_owned(),
        messages,
        tools: Vec::new(),
        native_tools: false,
        format: ChatFormat::Text,
        output_tokens_max: role.output_tokens_max,
        sampling: Sampling {
            temperature_milli: role.temperature_milli,
            top_p_milli: role.top_p_milli,
            repetition_penalty_milli: role.repetition_penalty_milli,
            seed: role.seed,
        },
    };
    let on_progress = |_: Progress| {};
    let answer = models
        .chat(&chat, &on_progress)
        .await
        .map_err(|error| CliError::from_error(ExitCode::ServerUnavailable, &error))?;
    Ok(answer.text)
}

/// The document in an answer: what stands in a fence, else all of it.
fn yaml_of(answer: &str) -> String {
    let Some((_, inside)) = answer.split_once("```") else {
        return format!("{}\n", answer.trim());
    };
    let body = inside.split_once('\n').map_or("", |(_, body)| body);
    let body = body.split("```").next().unwrap_or(body);
    format!("{}\n", body.trim_end())
}

/// Shows the draft, and saves it if that is wanted.
fn offer(
    args: &NewWorkflowArgs,
    (path, text): (&Path, &str),
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    if !screen.json {
        screen.output.text(&format!("{text}\n"));
    }
    if !args.yes && !agreed(path, screen)? {
        if !screen.json {
            screen.output.line("nothing was saved; --yes saves without asking");
        }
        return Ok(ExitCode::Done);
    }
    save(path, text, screen)
}

/// Asks on a terminal; where there is none, nobody agreed.
fn agreed(path: &Path, screen: &mut Screen) -> Result<bool, CliError> {
    if screen.json || !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    screen.output.text(&format!("Save it as {}? [y/N] ", path.display()));
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map_err(|error| io_failure("cannot read the answer", &error))?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

fn say(screen: &Screen, words: &str) {
    if !screen.json {
        lao_cli::Output::stderr().line(words);
    }
}
