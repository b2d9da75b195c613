//! interim
use lao_cli::{CliError, ExitCode, args::{NewArgs, GlobalArgs}};
use crate::screen::Screen;
pub(crate) async fn new(_: &GlobalArgs, _: &NewArgs, _: &mut Screen) -> Result<ExitCode, CliError> { Err(CliError::new(ExitCode::Internal, "interim")) }
