//! interim
use crate::screen::Screen;
use lao_cli::{
    CliError, ExitCode,
    args::{GlobalArgs, NewArgs},
};
pub(crate) async fn new(_: &GlobalArgs, _: &NewArgs, _: &mut Screen) -> Result<ExitCode, CliError> {
    Err(CliError::new(ExitCode::Internal, "interim"))
}
