//! `lao demo`: the main job with no server and no download.

use std::{fs, path::Path};

use lao_cli::{
    CliError, ExitCode,
    args::{DemoArgs, GlobalArgs},
};

use super::run::{RunOptions, run_plan};
use crate::{
    failure::io_failure,
    project::{CONFIG_FILE, Project, absolute},
    screen::Screen,
};

/// The demo's files: name in its folder, and content.
const FILES: [(&str, &str); 4] = [
    (CONFIG_FILE, include_str!("../demo/lao.toml")),
    ("demo-model.toml", include_str!("../demo/demo-model.toml")),
    ("plans/todo.md", include_str!("../demo/plan.md")),
    (".gitignore", ".lao/\n"),
];

pub(crate) async fn run(
    global: &GlobalArgs,
    args: &DemoArgs,
    screen: &mut Screen,
) -> Result<ExitCode, CliError> {
    let root = absolute(&args.folder)?;
    write_files(&root)?;
    let project = Project::at(root.clone());
    let plan = root.join("plans/todo.md");
    let options = RunOptions::default();
    let code = run_plan(global, &project, &plan, &options, screen).await?;
    if code == ExitCode::Done && !global.json && !global.quiet {
        screen.output.text(&next_steps(&args.folder));
    }
    Ok(code)
}

/// Writes what is missing; a folder with a project of somebody else's is refused.
fn write_files(root: &Path) -> Result<(), CliError> {
    let config = root.join(CONFIG_FILE);
    if let Ok(text) = fs::read_to_string(&config)
        && !text.contains("demo-model.toml")
    {
        let message = format!("{} is a project already", root.display());
        return Err(
            CliError::new(ExitCode::Usage, message).hint("name another folder: `lao demo DIR`")
        );
    }
    for (name, content) in FILES {
        let path = root.join(name);
        if path.exists() {
            continue;
        }
        let failure = |error| io_failure(&format!("cannot write {}", path.display()), &error);
        fs::create_dir_all(path.parent().expect("it lies in the folder")).map_err(failure)?;
        fs::write(&path, content).map_err(failure)?;
    }
    Ok(())
}

fn next_steps(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "
Look at what it made, in {folder}:
  cd {folder}
  git -C todo log --stat      the commits: plan, code, reviews
  lao show last --step t2     a task from the inside: prompts, tool calls, findings
  lao log last                every event of the journal
  cat plans/todo.md           the plan it came from; demo-model.toml plays the models

To see a crash: `lao run plans/todo.md --again`, kill it with -9 half-way, and run
`lao run plans/todo.md`: it goes on where it was.
"
    )
}
