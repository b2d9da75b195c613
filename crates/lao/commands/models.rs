//! `lao models`: the model files that LAO keeps.

use lao_cli::{
    CliError, ExitCode,
    args::{EngineName, ModelsAddArgs, ModelsArgs, ModelsCommand, ModelsRemoveArgs},
    render::{self, ModelLine},
};
use lao_transcriber::{StoreError, StoredModel, suggested_name};

use crate::{flow_world::model_store, screen::Screen};

pub(crate) fn run(args: &ModelsArgs, screen: &mut Screen) -> Result<ExitCode, CliError> {
    match &args.command {
        ModelsCommand::List => list(screen),
        ModelsCommand::Add(add) => self::add(add, screen),
        ModelsCommand::Remove(remove) => self::remove(remove, screen),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn failure(error: StoreError) -> CliError {
    CliError::from_error(ExitCode::Usage, &error)
}

fn list(screen: &mut Screen) -> Result<ExitCode, CliError> {
    let store = model_store();
    let mut lines = Vec::new();
    for stored in store.list().map_err(failure)? {
        match stored {
            Ok(model) => lines.push(line(&model)),
            Err(error) => screen.warn(&failure(error)),
        }
    }
    screen.report_all(&lines, render::models);
    Ok(ExitCode::Done)
}

fn add(args: &ModelsAddArgs, screen: &mut Screen) -> Result<ExitCode, CliError> {
    let EngineName::Whisper = args.engine;
    let name = args.name.clone().or_else(|| suggested_name(&args.file)).ok_or_else(|| {
        CliError::new(ExitCode::Usage, "the file's name is no name for a model")
            .hint("give it one: --name base")
    })?;
    let model = model_store().add(&args.file, &name).map_err(failure)?;
    screen.report_all(&[line(&model)], render::models);
    Ok(ExitCode::Done)
}

fn remove(args: &ModelsRemoveArgs, screen: &mut Screen) -> Result<ExitCode, CliError> {
    let EngineName::Whisper = args.engine;
    model_store().remove(&args.name).map_err(failure)?;
    if !screen.json {
        screen.output.line(&format!("removed {}", args.name));
    }
    Ok(ExitCode::Done)
}

fn line(model: &StoredModel) -> ModelLine {
    ModelLine {
        engine: "whisper".to_owned(),
        name: model.name.clone(),
        size_bytes: model.description.size_bytes,
        hash: model.description.blake3.clone(),
        source: model.description.source.clone(),
        published: model.description.published.clone(),
    }
}
