//! The settings of a run as a `lao.toml` says them, as far as they decide what it does.

use lao_event::{CheckCommand, CheckScope, OnUnknown, Role, Settings, ShellAccess};
use toml::{Table, Value};

/// Who plays every role.
const ENDPOINT: &str = "script";

pub(super) fn config(settings: &Settings) -> Table {
    let limits = &settings.limits;
    let mut orchestration = Table::new();
    for (key, value) in [
        ("attempts_max", limits.attempts_max),
        ("planner_tries_max", limits.planner_tries_max),
        ("check_rounds_max", limits.check_rounds_max),
        ("review_tries_max", limits.review_tries_max),
        ("turns_max", limits.turns_max),
        ("repeated_calls_max", limits.repeated_calls_max),
        ("tool_output_bytes_max", limits.tool_output_bytes_max),
        ("parallel_tasks", limits.parallel_tasks_max),
    ] {
        orchestration.insert(key.to_owned(), i64::from(value).into());
    }
    if let Some(limit_ms) = limits.attempt_time_limit_ms {
        orchestration.insert("task_time_limit_s".to_owned(), integer(limit_ms / 1000));
    }
    let mut config = Table::new();
    config.insert("orchestration".to_owned(), orchestration.into());
    config.insert("roles".to_owned(), roles(settings).into());
    config.insert("verifier".to_owned(), verifier(settings).into());
    config.insert("tools".to_owned(), tools(settings).into());
    let mut script = Table::new();
    script.insert("kind".to_owned(), "scripted".into());
    script.insert("script".to_owned(), "scenario".into());
    script.insert("permits".to_owned(), i64::from(limits.parallel_tasks_max.max(1)).into());
    let endpoints = Table::from_iter([(ENDPOINT.to_owned(), Value::Table(script))]);
    config.insert("endpoints".to_owned(), endpoints.into());
    config
}

fn integer(value: u64) -> Value {
    Value::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

fn roles(settings: &Settings) -> Table {
    let role = |role: &lao_event::RoleSettings| {
        let mut table = Table::new();
        table.insert("endpoint".to_owned(), ENDPOINT.into());
        table.insert("model".to_owned(), role.model.clone().into());
        // Who turns speech into text, or texts into vectors, has no conversations.
        if !matches!(role.role, Role::Transcriber | Role::Embedder) {
            let output_max = i64::from(role.output_tokens_max);
            table.insert("context_tokens".to_owned(), i64::from(role.context_tokens).into());
            table.insert("output_tokens_max".to_owned(), output_max.into());
            table.insert("tools".to_owned(), role.tools.into());
            table.insert("json_schema".to_owned(), role.json_schema.into());
        }
        (role.role.name().to_owned(), Value::Table(table))
    };
    settings.roles.iter().map(role).collect()
}

fn verifier(settings: &Settings) -> Table {
    let commands = settings.verifier.commands.iter().map(command).map(Value::Table).collect();
    Table::from_iter([
        ("placeholders".to_owned(), settings.verifier.placeholders.into()),
        ("commands".to_owned(), Value::Array(commands)),
    ])
}

fn command(command: &CheckCommand) -> Table {
    let texts = |texts: &[String]| texts.iter().map(|text| Value::from(text.as_str())).collect();
    let mut table = Table::new();
    table.insert("name".to_owned(), command.name.clone().into());
    table.insert("run".to_owned(), Value::Array(texts(&command.argv)));
    table.insert("timeout_s".to_owned(), integer(command.timeout_ms / 1000));
    match command.scope {
        CheckScope::Task => table.insert("per".to_owned(), "task".into()),
        CheckScope::Wave => table.insert("per".to_owned(), "wave".into()),
        CheckScope::File => table.insert("files".to_owned(), Value::Array(texts(&command.files))),
    };
    table
}

fn tools(settings: &Settings) -> Table {
    let on_unknown = match settings.on_unknown {
        OnUnknown::Ask => "ask",
        OnUnknown::Rerun => "rerun",
        OnUnknown::Skip => "skip",
    };
    let shell = match settings.shell {
        ShellAccess::Off => "off",
        ShellAccess::On => "on",
    };
    Table::from_iter([
        ("shell".to_owned(), shell.into()),
        ("on_unknown".to_owned(), on_unknown.into()),
        ("shell_timeout_s".to_owned(), integer(settings.shell_timeout_ms / 1000)),
    ])
}
