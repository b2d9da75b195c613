//! `lao export`: a run as one file.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use lao_cli::{
    CliError, ExitCode,
    args::{ExportArgs, ExportFormat, GlobalArgs},
    render::{self, ExportReport, Replaced},
};
use lao_history::RunFolder;
use lao_journal::OpenError;
use lao_redact::{Pattern, Redactor, Rules};
use lao_replay::{
    ExportError, ExportSource, Exported, SCANNER_PATTERNS, Texts, export as write_portable,
    export_lines,
};

use crate::{
    failure::{internal, io_failure, view_failure},
    project::{Project, absolute, state_of},
    screen::Screen,
    secrets,
};

pub(crate) fn export(
    global: &GlobalArgs,
    args: &ExportArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let project = Project::find(global)?;
    let run = project.select_any(&args.run)?;
    let reader = run.reader().map_err(|error| open_failure(error, &run))?;
    let contents = state_of(&run).contents().map_err(|error| internal(&error))?;
    let manifest = run.manifest().map_err(|error| internal(&error))?;
    let lao = env!("CARGO_PKG_VERSION");
    let redactor = args.redact.then(|| redactor(global, &project, args)).transpose()?;
    let source = ExportSource {
        reader: &reader,
        contents: &contents,
        manifest: &manifest,
        lao,
        redactor: redactor.as_ref(),
    };
    let mut target = Target::open(args)?;
    let exported = match write(&source, args, &mut target.out) {
        Ok(exported) => exported,
        // Whoever reads may leave.
        Err(ExportError::Io(error))
            if target.file.is_none() && error.kind() == io::ErrorKind::BrokenPipe =>
        {
            return Ok(ExitCode::Done);
        }
        Err(error) => return Err(failure(&error)),
    };
    if target.finish()? == Seen::ByPeople {
        screen.report(&report(exported, args), render::export);
    }
    Ok(ExitCode::Done)
}

fn write(
    source: &ExportSource<'_>,
    args: &ExportArgs,
    out: &mut dyn Write,
) -> Result<Exported, ExportError> {
    match args.format {
        ExportFormat::Laorun => write_portable(source, out),
        ExportFormat::Jsonl => {
            let texts = if args.blobs { Texts::Written } else { Texts::Named };
            export_lines(source, texts, out)
        }
    }
}

/// What is replaced on the way out: all that the configuration keeps out of runs, well-known shapes
/// whatever it says of them, what is only looked for in exports, and the rules on the command line.
fn redactor(
    global: &GlobalArgs,
    project: &Project,
    args: &ExportArgs,
) -> Result<Redactor, CliError> {
    let config = project.config(global, &[], &[])?;
    let mut patterns = config.secrets.patterns.clone();
    for rule in &args.redact_rule {
        let pattern = Pattern::parse(rule).map_err(|error| {
            CliError::from_error(ExitCode::Usage, &error).hint(format!("the rule is {rule:?}"))
        })?;
        patterns.push(pattern);
    }
    let scanner = SCANNER_PATTERNS.iter().map(|pattern| Pattern::parse(pattern));
    patterns.extend(scanner.map(|pattern| pattern.expect("a test reads every pattern")));
    let rules = Rules { known_shapes: true, values: secrets::values(&config), patterns };
    Redactor::new(rules).map_err(|error| CliError::from_error(ExitCode::Configuration, &error))
}

/// Whether anything but the export itself may be printed.
#[derive(PartialEq, Eq)]
enum Seen {
    ByPeople,
    ByPrograms,
}

/// Where the file goes: it has its name when it is whole.
struct Target {
    out: Box<dyn Write>,
    file: Option<Unfinished>,
}

/// Removed unless it gets its name.
struct Unfinished {
    path: PathBuf,
    to: PathBuf,
    is_needed: bool,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_needed {
            // Best effort: its name says that it is not whole.
            fs::remove_file(&self.path).ok();
        }
    }
}

impl Target {
    fn open(args: &ExportArgs) -> Result<Self, CliError> {
        if args.file.as_os_str() == "-" {
            return Ok(Self { out: Box::new(BufWriter::new(io::stdout())), file: None });
        }
        let to = absolute(&args.file)?;
        if !args.force && to.symlink_metadata().is_ok() {
            let message = format!("{} is there already", args.file.display());
            return Err(CliError::new(ExitCode::Usage, message)
                .hint("name another file, or `--force` to replace it"));
        }
        let mut name = OsString::from(&to);
        name.push(".unfinished");
        let path = PathBuf::from(name);
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).open(&path);
        let file = file.map_err(|error| cannot_write(&path, &error))?;
        let file_name = Unfinished { path, to, is_needed: false };
        Ok(Self { out: Box::new(BufWriter::new(file)), file: Some(file_name) })
    }

    /// Gives the file its name.
    fn finish(mut self) -> Result<Seen, CliError> {
        let Some(mut file) = self.file.take() else {
            self.out.flush().map_err(|error| io_failure("cannot write the export", &error))?;
            return Ok(Seen::ByPrograms);
        };
        self.out
            .flush()
            .and_then(|()| File::open(&file.path)?.sync_all())
            .and_then(|()| fs::rename(&file.path, &file.to))
            .map_err(|error| cannot_write(&file.to, &error))?;
        file.is_needed = true;
        Ok(Seen::ByPeople)
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> CliError {
    io_failure(&format!("cannot write {}", path.display()), error)
}

/// A run that is to be read could not be opened.
fn open_failure(error: OpenError, run: &RunFolder) -> CliError {
    let is_held = matches!(error, OpenError::Held { .. });
    let failure = view_failure(&error.into());
    if !is_held {
        return failure;
    }
    let backup = format!("`lao journal backup {} DIR` copies it while it goes on", run.run);
    failure.hint(format!("{backup}; then name DIR in place of the run"))
}

fn failure(error: &ExportError) -> CliError {
    match error {
        ExportError::Io(_) => internal(error),
        ExportError::History(_)
        | ExportError::Newer { .. }
        | ExportError::Inconsistent { .. }
        | ExportError::TooLarge { .. } => CliError::from_error(ExitCode::JournalUnavailable, error),
        ExportError::Meaning { .. } => CliError::from_error(ExitCode::Usage, error)
            .hint("a `--redact-rule`, or a pattern of the configuration, finds what is no text"),
        ExportError::Blob { .. } => CliError::from_error(ExitCode::JournalUnavailable, error)
            .hint("`lao journal check RUN --deep` names all that is missing"),
    }
}

fn report(exported: Exported, args: &ExportArgs) -> ExportReport {
    let Exported { provenance, bytes } = exported;
    let (head, blobs) = match args.format {
        ExportFormat::Laorun => (Some(provenance.head.hash), provenance.blobs),
        ExportFormat::Jsonl => (None, if args.blobs { provenance.blobs } else { 0 }),
    };
    ExportReport {
        run: provenance.run,
        file: args.file.display().to_string(),
        events: provenance.head.seq,
        blobs,
        size_bytes: bytes,
        head,
        redacted: provenance.redacted.map(|redacted| replaced(redacted.rules)),
    }
}

/// What was replaced, for people.
pub(crate) fn replaced(rules: Vec<lao_replay::RuleCount>) -> Vec<Replaced> {
    rules.into_iter().map(|rule| Replaced { token: rule.token, count: rule.count }).collect()
}
