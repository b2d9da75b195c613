//! `lao config show`: every value and where it comes from.

use lao_cli::{
    CliError, ExitCode,
    args::{ConfigArgs, ConfigCommand, GlobalArgs},
    render::{self, ConfigLine},
};

use crate::{project::Project, screen::Screen};

pub(crate) fn run(
    global: &GlobalArgs,
    args: &ConfigArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let ConfigCommand::Show(show) = &args.command;
    let project = Project::find(global)?;
    let settings = project.config(global, &[], &[])?;
    let wanted = |key: &str| {
        show.key.as_deref().is_none_or(|prefix| {
            key == prefix
                || key.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(['.', '[']))
        })
    };
    let lines: Vec<ConfigLine> = settings
        .explain()
        .iter()
        .filter(|setting| wanted(&setting.key))
        .map(|setting| ConfigLine {
            key: setting.key.clone(),
            value: setting.value.clone().unwrap_or_else(|| "(not set)".to_owned()),
            source: setting.source.to_string(),
        })
        .collect();
    if lines.is_empty() {
        let key = show.key.as_deref().unwrap_or_default();
        return Err(CliError::new(ExitCode::Usage, format!("there is no setting {key:?}"))
            .hint("`lao config show` lists them all"));
    }
    screen.report_all(&lines, render::config);
    Ok(ExitCode::Done)
}
