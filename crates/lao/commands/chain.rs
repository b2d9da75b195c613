//! interim
use crate::screen::Screen;
use lao_cli::{
    CliError, ExitCode,
    args::{ChainArgs, GlobalArgs, StepsArgs},
};
pub(crate) async fn chain(
    _: &GlobalArgs,
    _: &ChainArgs,
    _: &mut Screen,
) -> Result<ExitCode, CliError> {
    Err(CliError::new(ExitCode::Internal, "interim"))
}
pub(crate) fn steps(_: &GlobalArgs, _: &StepsArgs, _: &mut Screen) -> Result<ExitCode, CliError> {
    Err(CliError::new(ExitCode::Internal, "interim"))
}
