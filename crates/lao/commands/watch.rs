//! interim
use crate::screen::Screen;
use lao_cli::{
    CliError, ExitCode,
    args::{GlobalArgs, ServeArgs, WatchArgs},
};
pub(crate) async fn watch(
    _: &GlobalArgs,
    _: &WatchArgs,
    _: &mut Screen,
) -> Result<ExitCode, CliError> {
    Err(CliError::new(ExitCode::Internal, "interim"))
}
pub(crate) async fn serve(
    _: &GlobalArgs,
    _: &ServeArgs,
    _: &mut Screen,
) -> Result<ExitCode, CliError> {
    Err(CliError::new(ExitCode::Internal, "interim"))
}
