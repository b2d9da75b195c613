//! The table itself, in the order in which the template and `lao config show` list it.

use super::{Default, Key, Kind};

const SECONDS_PER_WEEK: u64 = 7 * 24 * 3600;

const fn key(path: &'static str, kind: Kind, default: Default, meaning: &'static str) -> Key {
    Key { path, kind, default, meaning }
}

const fn seconds(min: u64) -> Kind {
    Kind::Integer { min, max: SECONDS_PER_WEEK }
}

const fn count(min: u64, max: u64) -> Kind {
    Kind::Integer { min, max }
}

/// Every key of the file except those inside `verifier.commands`.
pub const KEYS: &[Key] = &[
    key(
        "network.allowed_hosts",
        Kind::TextList,
        Default::Value("[]"),
        "Hosts besides this machine that an endpoint may name; prompts and files are sent there",
    ),
    key(
        "endpoints.*.kind",
        Kind::Choice(&[
            "auto",
            "openai",
            "ollama",
            "lmstudio",
            "llamacpp",
            "vllm",
            "whisper-server",
            "whisper",
            "scripted",
        ]),
        Default::Value("\"auto\""),
        "What the server is; auto asks it, whisper is the engine of this machine, scripted plays a file of answers",
    ),
    key(
        "endpoints.*.url",
        Kind::Text,
        Default::Unset("\"http://127.0.0.1:11434/v1\""),
        "Base URL of the server's OpenAI-compatible interface; needed unless the kind is scripted or whisper",
    ),
    key(
        "endpoints.*.script",
        Kind::Text,
        Default::Unset("\"answers.toml\""),
        "The file of answers, for the kind scripted only",
    ),
    key(
        "endpoints.*.permits",
        count(1, 256),
        Default::Value("1"),
        "How many requests the server may work on at once, over all runs on this machine",
    ),
    key(
        "endpoints.*.api_key_env",
        Kind::Text,
        Default::Unset("\"MY_SERVER_KEY\""),
        "Name of the environment variable that holds the server's key, if it wants one",
    ),
    key(
        "endpoints.*.stream",
        Kind::Bool,
        Default::Value("true"),
        "Answers come token by token; false for servers that cannot, then first_token_timeout_s is for the whole answer",
    ),
    key(
        "endpoints.*.connect_timeout_ms",
        count(1, 600_000),
        Default::Value("3000"),
        "Milliseconds to wait for a connection",
    ),
    key(
        "endpoints.*.first_token_timeout_s",
        seconds(1),
        Default::Value("600"),
        "Seconds to wait for the first token; loading a model and reading the prompt count",
    ),
    key(
        "endpoints.*.idle_timeout_s",
        seconds(1),
        Default::Value("120"),
        "Seconds of silence between two tokens after which an answer counts as broken off",
    ),
    key(
        "endpoints.*.total_timeout_s",
        seconds(0),
        Default::Value("0"),
        "Seconds a whole answer may take; 0 = as long as it flows",
    ),
    key(
        "endpoints.*.wait_for_server_s",
        seconds(0),
        Default::Value("3600"),
        "Seconds a run waits for a server that went away before it ends, resumable",
    ),
    key(
        "roles.*.endpoint",
        Kind::Text,
        Default::Unset("\"ollama\""),
        "Name of the endpoint that serves the role; not needed when there is only one",
    ),
    key(
        "roles.*.model",
        Kind::Text,
        Default::Unset("\"qwen2.5-coder:7b\""),
        "The model's key, as the server lists it; a role without a model is not used",
    ),
    key(
        "roles.*.context_tokens",
        count(512, 100_000_000),
        Default::Value("8192"),
        "The model's window in tokens, as the server has loaded it",
    ),
    key(
        "roles.*.output_tokens_max",
        count(16, 100_000_000),
        Default::Unset("2048"),
        "Most tokens in one answer; unset = half of the window, but not over 8192",
    ),
    key(
        "roles.*.temperature",
        Kind::Milli { min: 0, max: 2000 },
        Default::Unset("0.2"),
        "Randomness from 0.0 to 2.0, up to three places; unset = the server's own setting",
    ),
    key(
        "roles.*.top_p",
        Kind::Milli { min: 1, max: 1000 },
        Default::Unset("0.9"),
        "Share of the likeliest tokens to choose from, up to 1.0; unset = the server's own setting",
    ),
    key(
        "roles.*.seed",
        count(0, 2_147_483_647),
        Default::Unset("42"),
        "Seed of the server's random choices; unset = the server's own choice",
    ),
    key(
        "roles.*.repetition_penalty",
        Kind::Milli { min: 1, max: 10_000 },
        Default::Unset("1.1"),
        "Penalty on repeating, 1.0 = none; unset = the server's own setting",
    ),
    key(
        "roles.*.tools",
        Kind::Bool,
        Default::Value("true"),
        "Whether server and model support tool calls",
    ),
    key(
        "roles.*.json_schema",
        Kind::Bool,
        Default::Value("true"),
        "Whether the server supports response_format json_schema",
    ),
    key(
        "roles.*.instructions",
        Kind::Text,
        Default::Unset("\"You are a careful programmer.\""),
        "What the role is told to be and do, in place of lao's own instructions",
    ),
    key(
        "paths.plans",
        Kind::Text,
        Default::Value("\"plans\""),
        "Folder of the plans, from the project's folder",
    ),
    key(
        "paths.workspace",
        Kind::Text,
        Default::Unset("\"../my-app\""),
        "Folder to work in, or a repository to make a worktree of; unset = one named after the plan, beside the plans",
    ),
    key(
        "orchestration.attempts_max",
        count(1, 100),
        Default::Value("3"),
        "How often a task is tried before it fails",
    ),
    key(
        "orchestration.parallel_tasks",
        count(0, 256),
        Default::Value("0"),
        "How many tasks run at once; 0 = as many as the coder's endpoint has permits",
    ),
    key(
        "orchestration.parallel_steps",
        count(1, 1024),
        Default::Value("8"),
        "How many steps of a workflow are under way at once; models also wait for permits",
    ),
    key(
        "orchestration.planner_tries_max",
        count(1, 100),
        Default::Value("3"),
        "How often the planner is asked again after tasks that cannot be used",
    ),
    key(
        "orchestration.check_rounds_max",
        count(1, 100),
        Default::Value("3"),
        "How often the verifier's findings go back to the coder within one attempt",
    ),
    key(
        "orchestration.review_tries_max",
        count(1, 100),
        Default::Value("3"),
        "How often the reviewer is asked again after an answer that cannot be read",
    ),
    key(
        "orchestration.turns_max",
        count(1, 10_000),
        Default::Value("40"),
        "Model turns in one attempt of a task",
    ),
    key(
        "orchestration.repeated_calls_max",
        count(1, 1000),
        Default::Value("3"),
        "How often the same tool call may be made in a row before the attempt fails",
    ),
    key(
        "orchestration.tool_output_bytes_max",
        count(256, 16 * 1024 * 1024),
        Default::Value("8192"),
        "Bytes of a tool's output that go back to the model; the rest is left out",
    ),
    key(
        "orchestration.task_time_limit_s",
        seconds(0),
        Default::Value("0"),
        "Seconds one attempt of a task may take; 0 = no limit",
    ),
    key(
        "orchestration.watch_interval_ms",
        count(50, 3_600_000),
        Default::Value("2000"),
        "Milliseconds between looks at the plans folder where the system does not tell of changes",
    ),
    key(
        "orchestration.effect_restarts_max",
        count(0, 1000),
        Default::Value("3"),
        "How often one effect may be lost to a crash of its worker before the run stops",
    ),
    key(
        "verifier.commands",
        Kind::Commands,
        Default::Value("[]"),
        "Commands that must succeed before a reviewer is asked",
    ),
    key(
        "verifier.placeholders",
        Kind::Bool,
        Default::Value("true"),
        "Whether placeholder text such as \"rest of code unchanged\" is a finding",
    ),
    key(
        "tools.shell",
        Kind::Choice(&["off", "on"]),
        Default::Value("\"off\""),
        "Whether the coder may run shell commands",
    ),
    key(
        "tools.on_unknown",
        Kind::Choice(&["ask", "rerun", "skip"]),
        Default::Value("\"ask\""),
        "What happens after a crash to a command that may or may not have run",
    ),
    key(
        "tools.shell_timeout_s",
        seconds(1),
        Default::Value("300"),
        "Seconds one shell command may take",
    ),
    key("git.enabled", Kind::Bool, Default::Value("true"), "Whether work is committed to git"),
    key(
        "git.author_name",
        Kind::Text,
        Default::Unset("\"Ada Lovelace\""),
        "Author of the commits; unset = as git is configured",
    ),
    key(
        "git.author_email",
        Kind::Text,
        Default::Unset("\"ada@example.org\""),
        "The author's address; unset = as git is configured",
    ),
    key(
        "secrets.known_shapes",
        Kind::Bool,
        Default::Value("true"),
        "Whether keys and tokens of well-known shapes are kept out of everything that is stored",
    ),
    key(
        "secrets.env",
        Kind::TextList,
        Default::Value("[]"),
        "Names of environment variables whose values are kept out, if they have 8 characters or more",
    ),
    key(
        "secrets.patterns",
        Kind::TextList,
        Default::Value("[]"),
        "Regular expressions of what else is kept out: of each match its named group, else all",
    ),
    key(
        "journal.keep_days",
        count(0, 36_500),
        Default::Value("0"),
        "Days after its end for which `lao prune` keeps a run; 0 = for ever",
    ),
    key(
        "journal.keep_runs",
        count(0, 1_000_000),
        Default::Value("0"),
        "How many runs `lao prune` keeps, the newest; 0 = all",
    ),
    key(
        "journal.max_bytes",
        count(0, 1 << 50),
        Default::Value("0"),
        "Bytes of runs and blobs above which `lao prune` removes the oldest runs; 0 = no limit",
    ),
    key(
        "journal.warn_bytes",
        count(0, 1 << 50),
        Default::Value("0"),
        "Bytes of runs and blobs above which `lao doctor` and the end of a run say so; 0 = never",
    ),
];

/// The keys of one entry of `verifier.commands`.
pub const COMMAND_KEYS: &[Key] = &[
    key(
        "name",
        Kind::Text,
        Default::Unset("\"test\""),
        "The command's name in findings; needed, and different for each",
    ),
    key(
        "run",
        Kind::Words,
        Default::Unset("[\"cargo\", \"test\"]"),
        "Program and arguments, as a list or as one text split like a shell would; no shell runs it; needed",
    ),
    key(
        "per",
        Kind::Choice(&["task", "wave"]),
        Default::Value("\"task\""),
        "When it runs: after each task, or once when every task that could be coded has been",
    ),
    key(
        "files",
        Kind::TextList,
        Default::Unset("[\"*.py\"]"),
        "Patterns; the command then runs once for each changed file that fits, put in place of {file}",
    ),
    key("timeout_s", seconds(1), Default::Value("600"), "Seconds the command may take"),
];
