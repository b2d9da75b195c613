//! `lao scenario`: plays scenarios and compares, begins one, makes one of a run.

use std::{
    fs,
    io::{self, BufRead, Write},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
};

use lao_cli::{
    CliError, ExitCode, Style,
    args::{
        GlobalArgs, ScenarioArgs, ScenarioCommand, ScenarioNewArgs, ScenarioRecordArgs,
        ScenarioTestArgs,
    },
    render::{self, json},
};
use lao_protocol::{RunStatus, ScenarioReport, ScenarioVerdict};
use lao_scenario::{FILE_ENDING, Sweep, Tested, Tester, find};

use crate::{
    failure::io_failure,
    project::{Project, absolute, state_of},
    screen::Screen,
};

/// Folder of the scenarios, from the project's folder.
const FOLDER: &str = "scenarios";

pub(crate) fn run(
    global: &GlobalArgs,
    args: &ScenarioArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    match &args.command {
        ScenarioCommand::Test(args) => test(global, args, screen),
        ScenarioCommand::New(args) => new(global, args, screen),
        ScenarioCommand::Record(args) => record(global, args, screen),
    }
}

fn test(
    global: &GlobalArgs,
    args: &ScenarioTestArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let paths = scenarios(global, &args.paths)?;
    let player = Tester {
        summary,
        sweep: if args.crash { Sweep::All } else { Sweep::None },
        jobs: args.jobs.unwrap_or_else(processors),
    };
    // What is accepted or asked about is shown when that is known.
    let at_once = !args.accept && !args.review;
    let shown = Mutex::new(&mut *screen);
    let mut tested = player.test_all(&paths, |done| {
        if at_once {
            let mut screen = shown.lock().expect("showing does not panic");
            show(global, &done.report, &mut screen);
        }
    });
    if args.accept {
        for tested in &mut tested {
            accept(tested)?;
            show(global, &tested.report, screen);
        }
    } else if args.review {
        review(global, &mut tested, screen)?;
    }
    let reports: Vec<ScenarioReport> = tested.into_iter().map(|tested| tested.report).collect();
    if let Some(path) = &args.junit {
        let written = fs::write(path, render::junit(&reports));
        written.map_err(|error| io_failure(&format!("cannot write {}", path.display()), &error))?;
    }
    if !screen.json {
        screen.output.text(&render::scenarios(&reports, &screen.style));
    }
    Ok(reports.iter().map(|report| code(report.verdict)).fold(ExitCode::Done, ExitCode::worse))
}

fn processors() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// What a person sees at the end of a run, whatever the terminal.
fn summary(status: &RunStatus) -> String {
    render::summary(status, &Style::plain())
}

const fn code(verdict: ScenarioVerdict) -> ExitCode {
    match verdict {
        ScenarioVerdict::Passed => ExitCode::Done,
        ScenarioVerdict::New | ScenarioVerdict::Different | ScenarioVerdict::Failed => {
            ExitCode::Different
        }
        ScenarioVerdict::Unreadable => ExitCode::Configuration,
    }
}

/// The files that are meant.
fn scenarios(global: &GlobalArgs, paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let folder;
    let paths = if paths.is_empty() {
        folder = [home(global).join(FOLDER)];
        &folder[..]
    } else {
        paths
    };
    let found = find(paths).map_err(|(path, error)| {
        CliError::new(ExitCode::Usage, format!("cannot look for scenarios in {}", path.display()))
            .caused_by(&error)
            .hint("`lao scenario new NAME` begins one")
    })?;
    if found.is_empty() {
        let places: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        let message = format!("there is no {FILE_ENDING} file in {}", places.join(", "));
        return Err(
            CliError::new(ExitCode::Usage, message).hint("`lao scenario new NAME` begins one")
        );
    }
    Ok(found)
}

/// The project's folder, or the one that was named or is worked in: scenarios need no project.
fn home(global: &GlobalArgs) -> PathBuf {
    match (Project::here(global), &global.project) {
        (Ok(project), _) => relative(&project.root),
        (Err(_), Some(folder)) => folder.clone(),
        (Err(_), None) => PathBuf::new(),
    }
}

/// A folder as it is named from here.
fn relative(folder: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    if here == *folder { PathBuf::new() } else { folder.to_owned() }
}

fn show(global: &GlobalArgs, report: &ScenarioReport, screen: &mut Screen) {
    if screen.json {
        screen.output.line(&json::line(report));
    } else if !global.quiet || report.verdict != ScenarioVerdict::Passed {
        screen.output.text(&render::scenario(report, &screen.style));
    }
}

fn accept(tested: &mut Tested) -> Result<(), CliError> {
    let failed = |error| io_failure("cannot write a snapshot", &error);
    match tested.report.verdict {
        ScenarioVerdict::New | ScenarioVerdict::Different => tested.accept().map_err(failed),
        ScenarioVerdict::Passed | ScenarioVerdict::Failed | ScenarioVerdict::Unreadable => Ok(()),
    }
}

/// Asks for each that differs whether that is meant.
fn review(global: &GlobalArgs, tested: &mut [Tested], screen: &mut Screen) -> Result<(), CliError> {
    if screen.json {
        let message = "--review asks a person, and --json is for programs";
        return Err(CliError::new(ExitCode::Usage, message).hint("--accept takes them all"));
    }
    let mut answers = io::stdin().lock().lines();
    let mut goes_on = true;
    for tested in tested {
        show(global, &tested.report, screen);
        let differs =
            matches!(tested.report.verdict, ScenarioVerdict::New | ScenarioVerdict::Different);
        if !differs || !goes_on {
            continue;
        }
        match ask(&mut answers, screen)? {
            Reviewed::Accepted => accept(tested)?,
            Reviewed::Rejected => {}
            Reviewed::Left => goes_on = false,
        }
    }
    Ok(())
}

/// What a person says of a difference.
enum Reviewed {
    Accepted,
    Rejected,
    /// Of this and all that follow: nothing.
    Left,
}

fn ask(
    answers: &mut impl Iterator<Item = io::Result<String>>,
    screen: &mut Screen,
) -> Result<Reviewed, CliError> {
    loop {
        screen.output.text("accept it? [y]es, [n]o, [q]uit: ");
        let failed = |error| io_failure("cannot ask", &error);
        io::stdout().flush().map_err(failed)?;
        let Some(answer) = answers.next().transpose().map_err(failed)? else {
            screen.output.line("");
            return Ok(Reviewed::Left);
        };
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => return Ok(Reviewed::Accepted),
            "n" | "no" => return Ok(Reviewed::Rejected),
            "q" | "quit" => return Ok(Reviewed::Left),
            _ => {}
        }
    }
}

fn new(
    global: &GlobalArgs,
    args: &ScenarioNewArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let path = place(global, &args.name);
    write_new(&path, lao_scenario::TEMPLATE)?;
    written(&path, screen);
    Ok(ExitCode::Done)
}

fn record(
    global: &GlobalArgs,
    args: &ScenarioRecordArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let folder = project.select_any(&args.run)?;
    let path = match &args.to {
        Some(path) => path.clone(),
        None => place(global, Path::new(folder.run.as_str())),
    };
    let contents = state_of(&folder)
        .contents()
        .map_err(|error| CliError::from_error(ExitCode::JournalUnavailable, &error))?;
    let text = lao_scenario::record(&folder, &contents)
        .map_err(|error| CliError::from_error(ExitCode::JournalUnavailable, &error))?;
    write_new(&path, &text)?;
    written(&path, screen);
    Ok(ExitCode::Done)
}

/// Where a scenario of this name lies: a path says so itself.
fn place(global: &GlobalArgs, name: &Path) -> PathBuf {
    let text = name.to_string_lossy();
    let whole = if text.ends_with(FILE_ENDING) {
        name.to_owned()
    } else {
        PathBuf::from(format!("{text}{FILE_ENDING}"))
    };
    let is_bare = whole.components().count() == 1 && !text.ends_with(FILE_ENDING);
    if is_bare { home(global).join(FOLDER).join(whole) } else { whole }
}

fn write_new(path: &Path, text: &str) -> Result<(), CliError> {
    let failed = |error: io::Error| io_failure(&format!("cannot write {}", path.display()), &error);
    let whole = absolute(path)?;
    if let Some(folder) = whole.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let made = fs::File::create_new(&whole).and_then(|mut file| file.write_all(text.as_bytes()));
    made.map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            CliError::new(ExitCode::Usage, format!("{} is there already", path.display()))
                .hint("name another file")
        } else {
            failed(error)
        }
    })
}

fn written(path: &Path, screen: &mut Screen) {
    let shown = path.display().to_string();
    if screen.json {
        screen.output.line(&json::line(&serde_json::json!({ "scenario": shown })));
    } else {
        screen.output.line(&format!("wrote {shown}"));
        screen.output.line(&format!("next: lao scenario test {shown} --review"));
    }
}
