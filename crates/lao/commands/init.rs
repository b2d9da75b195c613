//! `lao init`: sets a project up, with the local model servers that answer.

use std::{
    fs,
    io::{self, BufRead, IsTerminal, Write},
    path::Path,
    time::Duration,
};

use lao_cli::{
    CliError, ExitCode,
    args::{GlobalArgs, InitArgs},
    render::{self, FileOutcome, InitFile, InitReport, InitRole, InitServer},
};
use lao_config::{Detected, DetectedEndpoint, FoundModel, RoleChoice, assign_roles, template};
use lao_event::Role;
use lao_model::{LocalUrl, Probed, default_ports, probe};

use crate::{
    failure::io_failure,
    project::{CONFIG_FILE, STATE_FOLDER, absolute},
    screen::Screen,
    world,
};

/// How long a server may take to say what it is; most ports refuse at once.
const PROBE_LIMIT: Duration = Duration::from_secs(2);

const PLANS_FOLDER: &str = "plans";
const PLANS_README: &str = "\
# Plans

Each Markdown file here but this one is a plan: what is to be made, in your own words. `lao run`
turns it into tasks, codes, checks and reviews them, and commits each to git.

A plan works in a folder named after it, beside this one. To work on an existing repository, begin
the plan with

    ---
    workspace: ~/src/shop
    ---
";

pub(crate) async fn run(
    global: &GlobalArgs,
    args: &InitArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let root = match &global.project {
        Some(folder) => absolute(folder)?,
        None => absolute(Path::new("."))?,
    };
    fs::create_dir_all(&root)
        .map_err(|error| io_failure(&format!("cannot make {}", root.display()), &error))?;
    let mut report = InitReport { folder: root.display().to_string(), ..InitReport::default() };
    let exists = root.join(CONFIG_FILE).exists();
    if !exists {
        let servers = find_servers(&mut report).await;
        let found: Vec<FoundModel> = servers.iter().flat_map(models_of).collect();
        let mut choices = assign_roles(&found);
        let ask = !args.yes && !global.json && io::stdin().is_terminal() && !found.is_empty();
        if ask {
            choices = ask_roles(choices, &found)?;
        }
        note_roles(&mut report, &choices);
        let detected = Detected {
            endpoints: servers.iter().map(|server| server.endpoint.clone()).collect(),
            roles: choices,
            allowed_hosts: Vec::new(),
        };
        write_new(&root.join(CONFIG_FILE), &template(&detected))?;
    }
    report.files.push(file(CONFIG_FILE, exists));
    add_plans_folder(&root, &mut report)?;
    add_ignore_line(&root, &mut report)?;
    screen.report(&report, render::init);
    Ok(ExitCode::Done)
}

fn file(path: &str, existed: bool) -> InitFile {
    let outcome = if existed { FileOutcome::Kept } else { FileOutcome::Created };
    InitFile { path: path.to_owned(), outcome }
}

struct Server {
    endpoint: DetectedEndpoint,
    probed: Probed,
}

/// Asks the default ports, all at once.
async fn find_servers(report: &mut InitReport) -> Vec<Server> {
    let answers = default_ports().map(|(_, port)| async move {
        let url = format!("http://127.0.0.1:{port}");
        let address = LocalUrl::parse(&url, &[]).expect("loopback is local");
        (url, probe(&address, None, PROBE_LIMIT).await)
    });
    let mut servers: Vec<Server> = Vec::new();
    for (url, answer) in futures_util::future::join_all(answers).await {
        match answer {
            Ok(probed) => {
                report.servers.push(InitServer {
                    name: probed.kind.to_string(),
                    url: url.clone(),
                    models: probed.models.iter().map(|model| model.name.clone()).collect(),
                });
                let kind = world::config_kind(probed.kind);
                let mut name = kind.name().to_owned();
                if servers.iter().any(|server| server.endpoint.name == name) {
                    name = format!("{name}-{}", servers.len() + 1);
                }
                let url = format!("{url}/v1");
                servers.push(Server { endpoint: DetectedEndpoint { name, kind, url }, probed });
            }
            Err(_) => report.silent.push(url),
        }
    }
    servers
}

/// The models of a server that run on this machine.
fn models_of(server: &Server) -> impl Iterator<Item = FoundModel> {
    let endpoint = server.endpoint.name.clone();
    server.probed.models.iter().filter(|model| !model.cloud).map(move |model| FoundModel {
        endpoint: endpoint.clone(),
        name: model.name.clone(),
        context_tokens: model.context_tokens.or(model.context_tokens_max),
        embedding: model.embedding,
        tools: model.tools,
        size_bytes: None,
    })
}

/// Lets a person change the choice for the three roles of a plan.
fn ask_roles(choices: Vec<RoleChoice>, found: &[FoundModel]) -> Result<Vec<RoleChoice>, CliError> {
    let mut out = io::stderr();
    let failure = |error: io::Error| io_failure("cannot ask", &error);
    for (number, model) in found.iter().enumerate() {
        writeln!(out, "{:3}  {} ({})", number + 1, model.name, model.endpoint).map_err(failure)?;
    }
    let mut asked = Vec::with_capacity(choices.len());
    for choice in choices {
        if !matches!(choice.role, Role::Planner | Role::Coder | Role::Reviewer) {
            asked.push(choice);
            continue;
        }
        write!(out, "{} [{}]: ", choice.role, choice.model).map_err(failure)?;
        out.flush().map_err(failure)?;
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(failure)?;
        asked.push(chosen(choice, line.trim(), found));
    }
    Ok(asked)
}

/// The model with the number or name that was typed; the proposal when nothing fits.
fn chosen(proposal: RoleChoice, typed: &str, found: &[FoundModel]) -> RoleChoice {
    let by_number =
        typed.parse::<usize>().ok().and_then(|number| found.get(number.wrapping_sub(1)));
    match by_number.or_else(|| found.iter().find(|model| model.name == typed)) {
        Some(model) => RoleChoice {
            role: proposal.role,
            endpoint: model.endpoint.clone(),
            model: model.name.clone(),
            context_tokens: model.context_tokens,
            tools: model.tools,
        },
        None => proposal,
    }
}

fn note_roles(report: &mut InitReport, choices: &[RoleChoice]) {
    report.roles = choices
        .iter()
        .map(|choice| InitRole {
            role: choice.role.name().to_owned(),
            model: choice.model.clone(),
            endpoint: choice.endpoint.clone(),
            why: String::new(),
        })
        .collect();
    report.roles_missing = [Role::Planner, Role::Coder, Role::Reviewer]
        .into_iter()
        .filter(|role| choices.iter().all(|choice| choice.role != *role))
        .map(|role| role.name().to_owned())
        .collect();
}

/// Writes a file that is not there yet; one that appeared meanwhile is left alone.
fn write_new(path: &Path, text: &str) -> Result<(), CliError> {
    let failure =
        |error: io::Error| io_failure(&format!("cannot write {}", path.display()), &error);
    match fs::File::create_new(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map_err(failure),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failure(error)),
    }
}

fn add_plans_folder(root: &Path, report: &mut InitReport) -> Result<(), CliError> {
    let folder = root.join(PLANS_FOLDER);
    let existed = folder.is_dir();
    if !existed {
        fs::create_dir_all(&folder).map_err(|error| io_failure("cannot make plans/", &error))?;
        write_new(&folder.join("README.md"), PLANS_README)?;
    }
    report.files.push(file("plans/", existed));
    Ok(())
}

fn add_ignore_line(root: &Path, report: &mut InitReport) -> Result<(), CliError> {
    let path = root.join(".gitignore");
    let line = format!("{STATE_FOLDER}/");
    let existing = match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(io_failure("cannot read .gitignore", &error)),
    };
    let outcome = match &existing {
        Some(text) if text.lines().any(|known| known.trim().trim_matches('/') == STATE_FOLDER) => {
            FileOutcome::Kept
        }
        Some(text) => {
            let separator = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
            let mut file = fs::File::options()
                .append(true)
                .open(&path)
                .map_err(|error| io_failure("cannot write .gitignore", &error))?;
            file.write_all(format!("{separator}{line}\n").as_bytes())
                .map_err(|error| io_failure("cannot write .gitignore", &error))?;
            FileOutcome::Extended
        }
        None => {
            write_new(&path, &format!("{line}\n"))?;
            FileOutcome::Created
        }
    };
    report.files.push(InitFile { path: ".gitignore".to_owned(), outcome });
    Ok(())
}
