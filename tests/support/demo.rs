//! The project of `lao demo`, with a pace of its own.

use super::sandbox::Sandbox;

/// The plan of the demo's project.
pub(crate) const PLAN: &str = "plans/todo.md";

/// Writes the demo's project into the folder that commands work in; each answer of the scripted
/// model takes this long.
pub(crate) fn write_demo(sandbox: &Sandbox, delay_ms: u64) {
    let script = include_str!("../../crates/lao/demo/demo-model.toml");
    let lines = script.lines().map(|line| match line.strip_prefix("delay_ms = ") {
        Some(_) => format!("delay_ms = {delay_ms}\n"),
        None => format!("{line}\n"),
    });
    sandbox.write("demo-model.toml", &lines.collect::<String>());
    sandbox.write("lao.toml", include_str!("../../crates/lao/demo/lao.toml"));
    sandbox.write(PLAN, include_str!("../../crates/lao/demo/plan.md"));
}
