//! `lao chain` and `lao steps`: steps on one line.

use std::{
    fs,
    io::{IsTerminal as _, Read as _},
    path::Path,
};

use lao_cli::{
    CliError, ExitCode,
    args::{ChainArgs, GlobalArgs, StepsArgs},
    render::{self, StepLine},
};
use lao_workflow::chain::{self, Library, PromptStep};

use super::flow;
use crate::{
    failure::io_failure,
    flow_file::{FlowFault, FlowFile, told},
    flow_run::{self, FlowPlan},
    project::Project,
    screen::Screen,
};

/// The input that a chain's first step takes.
const TEXT: &str = "text";

/// `lao chain "a | b"`.
pub(crate) async fn chain(
    global: &GlobalArgs,
    args: &ChainArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global);
    let root = project.as_ref().ok().map(|project| project.root.as_path());
    let library = library(root)?;
    let yaml = chain::to_yaml(&args.chain, &library)
        .map_err(|error| CliError::new(ExitCode::Usage, error.render()))?;
    if let Some(path) = &args.to {
        return write(path, &yaml, screen);
    }
    let project = project.map_err(|error| {
        error.hint("with settings of your own, chains run in any folder: docs/configuration.md")
    })?;
    let file = FlowFile::parse(project.top(), "chain", yaml).map_err(FlowFault::Wrong)?;
    let text = given(args, &file)?;
    let inputs = flow_run::bind_all(&file.flow, &[], text.as_deref())?;
    let plan = FlowPlan::new(&file, inputs, &flow_run::by_hand());
    let config = project.config(global, &args.models, &[])?;
    screen.filters = true;
    let driven = flow::start(global, (&project, &config), &plan, screen).await?;
    Ok(driven.code)
}

/// The text that the chain takes: from the flag, else from standard input.
fn given(args: &ChainArgs, file: &FlowFile) -> Result<Option<String>, CliError> {
    let takes = file.flow.inputs.iter().any(|input| input.name == TEXT);
    if let Some(text) = &args.input {
        return Ok(Some(text.clone()));
    }
    if !takes {
        return Ok(None);
    }
    let mut input = std::io::stdin();
    if input.is_terminal() {
        return Err(CliError::new(ExitCode::Usage, "the chain takes a text, and there is none")
            .hint("pipe it in: `cat notes.txt | lao chain ...`, or give it: --input TEXT")
            .hint("or begin the chain with `read FILE` or `transcribe FILE`"));
    }
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(|error| io_failure("cannot read the input", &error))?;
    String::from_utf8(bytes).map(Some).map_err(|_| {
        CliError::new(ExitCode::Usage, "the input is not UTF-8 text")
            .hint("for audio, name the file: `lao chain \"transcribe talk.wav | ...\"`")
    })
}

fn write(path: &Path, yaml: &str, screen: &mut Screen) -> Result<ExitCode, CliError> {
    if path.as_os_str() == "-" {
        screen.output.text(yaml);
        return Ok(ExitCode::Done);
    }
    let mut file =
        fs::File::options().write(true).create_new(true).open(path).map_err(|error| {
            CliError::new(ExitCode::Usage, format!("cannot make {}", path.display()))
                .caused_by(&error)
                .hint("a file that is there is not overwritten")
        })?;
    std::io::Write::write_all(&mut file, yaml.as_bytes())
        .map_err(|error| io_failure(&format!("cannot write {}", path.display()), &error))?;
    if !screen.json {
        let shown = path.display();
        screen.output.line(&format!("wrote {shown}; `lao run {shown}` runs it"));
    }
    Ok(ExitCode::Done)
}

/// `lao steps`.
pub(crate) fn steps(
    global: &GlobalArgs,
    _args: &StepsArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global).ok();
    let library = library(project.as_ref().map(|project| project.root.as_path()))?;
    let lines: Vec<StepLine> = library
        .steps()
        .into_iter()
        .map(|step| StepLine {
            name: step.name,
            usage: step.usage,
            meaning: step.meaning,
            own: step.is_own,
        })
        .collect();
    screen.report_all(&lines, render::steps);
    Ok(ExitCode::Done)
}

/// The steps there are: those of the program, and the prompt files of the project's steps/ folder.
fn library(root: Option<&Path>) -> Result<Library, CliError> {
    let mut library = Library::default();
    let Some(entries) = root.and_then(|root| fs::read_dir(root.join("steps")).ok()) else {
        return Ok(library);
    };
    let mut paths: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let shown = format!("steps/{name}");
        let text = fs::read_to_string(&path)
            .map_err(|error| io_failure(&format!("cannot read {shown}"), &error))?;
        let step = PromptStep::parse(&shown, &text).map_err(|error| told(&error))?;
        library.add(step);
    }
    Ok(library)
}
