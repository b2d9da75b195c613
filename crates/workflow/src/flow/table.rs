//! What the keys of a workflow hold: one form for the tables that reader and schema share.

/// A mapping of known keys.
#[derive(Debug)]
pub(crate) struct Table {
    /// What it is, for messages: `a step`.
    pub what: &'static str,
    pub keys: &'static [Key],
    /// Exactly one of these keys must be there, if there are any.
    pub one_of: &'static [&'static str],
    /// The key that a single text stands for.
    pub short: Option<&'static str>,
    /// The key that a list stands for.
    pub short_list: Option<&'static str>,
}

/// A known key.
#[derive(Debug)]
pub(crate) struct Key {
    pub name: &'static str,
    pub holds: Holds,
    /// It must be there.
    pub needed: bool,
    pub meaning: &'static str,
}

/// What a key holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Holds {
    /// A text with `${{ }}`.
    Template,
    /// Any value, with `${{ }}` in its texts.
    Value,
    /// A text or a list of them, with `${{ }}`.
    TextOrList,
    /// An expression that comes to true or false, with or without `${{ }}` around.
    Condition,
    /// A text without `${{ }}`, in one line.
    Text,
    /// A name of a step.
    Id,
    Flag,
    Count {
        min: u64,
        max: u64,
    },
    /// A decimal number, kept in thousandths.
    Milli {
        max: u32,
    },
    /// Milliseconds as a number, or a text such as `90s`.
    Duration,
    Choice(&'static [&'static str]),
    /// A text or a list of texts, without `${{ }}`.
    Texts,
    /// A list of texts with `${{ }}`.
    Templates,
    /// A list, or one `${{ }}` that comes to one.
    Items,
    /// Names with texts that may have `${{ }}`.
    Pairs,
    /// Names, or a mapping of names to names.
    Renames,
    /// Whole numbers, negative ones too.
    Codes,
    /// Anything, taken as JSON.
    Json,
    /// A mapping, or its short forms.
    Table(&'static Table),
    /// One mapping or a list of them.
    Several(&'static Table),
    /// Names, each with a default or with a mapping.
    Inputs(&'static Table),
    /// Names, or names with defaults.
    Args,
    /// A list of mappings.
    Steps(&'static Table),
    /// One of these words, or a mapping.
    ChoiceOr(&'static [&'static str], &'static Table),
    /// A duration, or a mapping.
    DurationOr(&'static Table),
    /// A number, or a mapping.
    CountOr {
        min: u64,
        max: u64,
        table: &'static Table,
    },
}

impl Holds {
    /// The mapping that it may be.
    pub(crate) fn table(&self) -> Option<&'static Table> {
        match self {
            Self::Table(table)
            | Self::Several(table)
            | Self::Inputs(table)
            | Self::Steps(table)
            | Self::ChoiceOr(_, table)
            | Self::DurationOr(table)
            | Self::CountOr { table, .. } => Some(table),
            Self::Template
            | Self::Value
            | Self::TextOrList
            | Self::Condition
            | Self::Text
            | Self::Id
            | Self::Flag
            | Self::Count { .. }
            | Self::Milli { .. }
            | Self::Duration
            | Self::Choice(_)
            | Self::Texts
            | Self::Templates
            | Self::Items
            | Self::Pairs
            | Self::Renames
            | Self::Codes
            | Self::Json
            | Self::Args => None,
        }
    }
}

impl Table {
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

const fn key(name: &'static str, holds: Holds, meaning: &'static str) -> Key {
    Key { name, holds, needed: false, meaning }
}

const fn needed(name: &'static str, holds: Holds, meaning: &'static str) -> Key {
    Key { name, holds, needed: true, meaning }
}

const fn plain(what: &'static str, keys: &'static [Key]) -> Table {
    Table { what, keys, one_of: &[], short: None, short_list: None }
}

const fn short(what: &'static str, short: &'static str, keys: &'static [Key]) -> Table {
    Table { what, keys, one_of: &[], short: Some(short), short_list: None }
}

pub(crate) const ATTEMPTS_MAX: u64 = 100;
pub(crate) const CONCURRENCY_MAX: u64 = 1024;
const TOKENS_MAX: u64 = 10_000_000;
const TURNS_MAX: u64 = 1000;
const THREADS_MAX: u64 = 1024;

/// The roles whose model a step may ask.
pub(crate) const MODELS: &[&str] = &["planner", "coder", "reviewer", "analyst", "pilot"];

const FORMATS: &[&str] = &["text", "json"];

/// The kinds of step there are.
pub(crate) const KINDS: &[&str] = &[
    "prompt",
    "agent",
    "plan",
    "transcribe",
    "embed",
    "run",
    "read",
    "write",
    "map",
    "approve",
    "wait",
    "workflow",
    "assert",
];

/// The file.
pub(crate) static FILE: Table = plain(
    "a workflow",
    &[
        key("name", Holds::Text, "What it is called; the file's name without this"),
        key("description", Holds::Text, "What it is for"),
        key(
            "inputs",
            Holds::Inputs(&INPUT),
            "What it is given: names, each with a default or more",
        ),
        key("on", Holds::Table(&ON), "What starts it by itself; it can always be started by hand"),
        key("output", Holds::Value, "What the run gives; the last step's output without this"),
        needed("steps", Holds::Steps(&STEP), "What it does"),
    ],
);

/// The front matter of a step written in Markdown.
pub(crate) static PROMPT_FILE: Table = plain(
    "the front matter of a step",
    &[
        key("title", Holds::Text, "What it makes of a text, in one line"),
        key("args", Holds::Args, "What it takes: a list of names, or names with defaults"),
        key("system", Holds::Template, "What the model is told to be"),
        MODEL_KEY,
        SETTINGS_KEY,
        key("format", Holds::Choice(FORMATS), "The form of the answer; text without this"),
        key("schema", Holds::Json, "A JSON Schema that the answer fits; the format is json then"),
    ],
);

pub(crate) static INPUT: Table = plain(
    "an input",
    &[
        key(
            "type",
            Holds::Choice(&["text", "path", "number", "boolean", "json"]),
            "What is accepted; text without this",
        ),
        key("default", Holds::Json, "Its value where none is given; without this, one must be"),
        key("description", Holds::Text, "What it is for"),
    ],
);

pub(crate) static ON: Table = plain(
    "`on`",
    &[
        key("watch", Holds::Several(&WATCH), "A new file in a folder"),
        key("schedule", Holds::Several(&SCHEDULE), "Moments"),
        key("manual", Holds::Table(&MANUAL), "By hand only"),
    ],
);

pub(crate) static MANUAL: Table = plain("`manual`", &[]);

pub(crate) static WATCH: Table = short(
    "a watched folder",
    "path",
    &[
        needed("path", Holds::Template, "The folder; only inputs are known here"),
        key("match", Holds::Texts, "Patterns of file names, such as `*.wav`; all without this"),
        key("settle_ms", Holds::Duration, "How long a file must not grow; 2s without this"),
        key(
            "concurrency",
            Holds::Count { min: 1, max: CONCURRENCY_MAX },
            "The most runs at the same time; 1 without this",
        ),
        key(
            "existing",
            Holds::Flag,
            "False: files that are there at the very first start do not count",
        ),
        key("recursive", Holds::Flag, "Folders inside are watched too"),
    ],
);

pub(crate) static SCHEDULE: Table = short(
    "a schedule",
    "cron",
    &[
        needed(
            "cron",
            Holds::Text,
            "Five fields: minute, hour, day, month, weekday; or six with seconds before",
        ),
        key(
            "zone",
            Holds::Text,
            "The time zone, such as `Europe/Berlin`; the machine's without this",
        ),
        key(
            "missed",
            Holds::Choice(&["skip", "once", "all"]),
            "What is made up for after the program was not running; once without this",
        ),
        key("overlap", Holds::Flag, "It starts even if the last run still goes on"),
    ],
);

/// A step.
pub(crate) static STEP: Table = Table {
    what: "a step",
    keys: &[
        needed("id", Holds::Id, "Its name: a letter, then letters, digits and `_`"),
        key("title", Holds::Text, "What people see; the id without this"),
        PROMPT_KEY,
        AGENT_KEY,
        PLAN_KEY,
        TRANSCRIBE_KEY,
        EMBED_KEY,
        RUN_KEY,
        READ_KEY,
        WRITE_KEY,
        key("map", Holds::Table(&MAP), "The same step for every item"),
        APPROVE_KEY,
        WAIT_KEY,
        WORKFLOW_KEY,
        ASSERT_KEY,
        key("needs", Holds::Texts, "Steps that come first, besides those whose values it uses"),
        WHEN_KEY,
        RETRY_KEY,
        TIMEOUT_KEY,
        key(
            "on_failure",
            Holds::ChoiceOr(&["stop", "continue"], &FALLBACK),
            "What follows when it fails; stop without this",
        ),
        CACHE_KEY,
        MODEL_KEY,
        SETTINGS_KEY,
    ],
    one_of: KINDS,
    short: None,
    short_list: None,
};

/// The step inside a map.
pub(crate) static INNER_STEP: Table = Table {
    what: "the step inside a map",
    keys: &[
        PROMPT_KEY,
        AGENT_KEY,
        PLAN_KEY,
        TRANSCRIBE_KEY,
        EMBED_KEY,
        RUN_KEY,
        READ_KEY,
        WRITE_KEY,
        key("map", Holds::Table(&MAP), "The same step for every item"),
        APPROVE_KEY,
        WAIT_KEY,
        WORKFLOW_KEY,
        ASSERT_KEY,
        WHEN_KEY,
        RETRY_KEY,
        TIMEOUT_KEY,
        key(
            "on_failure",
            Holds::Choice(&["stop", "continue"]),
            "What follows when it fails for an item; stop without this",
        ),
        CACHE_KEY,
        MODEL_KEY,
        SETTINGS_KEY,
    ],
    one_of: KINDS,
    short: None,
    short_list: None,
};

const PROMPT_KEY: Key = key("prompt", Holds::Table(&PROMPT), "One question to a model");
const AGENT_KEY: Key = key("agent", Holds::Table(&AGENT), "A model with tools, until it is done");
const PLAN_KEY: Key =
    key("plan", Holds::Table(&PLAN), "A plan: coded, checked, reviewed, committed");
const TRANSCRIBE_KEY: Key = key("transcribe", Holds::Table(&TRANSCRIBE), "Speech to text");
const EMBED_KEY: Key = key("embed", Holds::Table(&EMBED), "Text to vectors");
const RUN_KEY: Key = key("run", Holds::Table(&RUN), "A command: a list, or a text for the shell");
const READ_KEY: Key = key("read", Holds::Table(&READ), "A file, or the files that fit a pattern");
const WRITE_KEY: Key = key("write", Holds::Table(&WRITE), "A file written");
const APPROVE_KEY: Key = key("approve", Holds::Table(&APPROVE), "A person is asked");
const WAIT_KEY: Key = key("wait", Holds::DurationOr(&WAIT), "Time passes");
const WORKFLOW_KEY: Key = key("workflow", Holds::Table(&WORKFLOW), "Another workflow");
const ASSERT_KEY: Key = key("assert", Holds::Table(&ASSERT), "Something that must be true");
const WHEN_KEY: Key = key("when", Holds::Condition, "It runs only if this is true");
const RETRY_KEY: Key = key(
    "retry",
    Holds::CountOr { min: 1, max: ATTEMPTS_MAX, table: &RETRY },
    "How often it is tried: a number of tries, or more",
);
const TIMEOUT_KEY: Key = key("timeout", Holds::Duration, "How long one try may take");
const CACHE_KEY: Key =
    key("cache", Holds::Flag, "An earlier result with the same inputs is taken instead");
const MODEL_KEY: Key = key("model", Holds::Choice(MODELS), "The role whose model is asked");
const SETTINGS_KEY: Key = key("settings", Holds::Table(&SETTINGS), "How the model is asked");

pub(crate) static FALLBACK: Table =
    plain("`on_failure`", &[needed("fallback", Holds::Id, "The step that runs in its place")]);

pub(crate) static RETRY: Table = plain(
    "`retry`",
    &[
        needed("attempts", Holds::Count { min: 1, max: ATTEMPTS_MAX }, "Tries, counting the first"),
        key("pause", Holds::Duration, "Before the second try; it doubles; 1s without this"),
        key("pause_max", Holds::Duration, "The longest pause; 1m without this"),
        key(
            "on",
            Holds::Texts,
            "After which failures: model, command, file, engine, timeout, inside",
        ),
    ],
);

pub(crate) static SETTINGS: Table = plain(
    "`settings`",
    &[
        key("temperature", Holds::Milli { max: 2000 }, "Sampling temperature, 0 to 2"),
        key("top_p", Holds::Milli { max: 1000 }, "Nucleus sampling, 0 to 1"),
        key("seed", Holds::Count { min: 0, max: u64::MAX }, "Sampling seed"),
        key("max_tokens", Holds::Count { min: 1, max: TOKENS_MAX }, "The most tokens of an answer"),
    ],
);

pub(crate) static PROMPT: Table = short(
    "`prompt`",
    "text",
    &[
        needed("text", Holds::Template, "What is asked"),
        key("system", Holds::Template, "What the model is told to be"),
        key("format", Holds::Choice(FORMATS), "The form of the answer; text without this"),
        key("schema", Holds::Json, "A JSON Schema that the answer fits; the format is json then"),
    ],
);

pub(crate) static AGENT: Table = short(
    "`agent`",
    "task",
    &[
        needed("task", Holds::Template, "What is to be done"),
        key("system", Holds::Template, "What the model is told to be"),
        key("tools", Holds::Texts, "The tools offered; all of the project's without this"),
        key("turns", Holds::Count { min: 1, max: TURNS_MAX }, "The most answers; 40 without this"),
    ],
);

pub(crate) static PLAN: Table =
    short("`plan`", "file", &[needed("file", Holds::Template, "The plan's file")]);

pub(crate) static TRANSCRIBE: Table = short(
    "`transcribe`",
    "file",
    &[
        needed("file", Holds::Template, "The audio file"),
        key("language", Holds::Template, "Two letters, or auto; auto without this"),
        key("translate", Holds::Flag, "Translate into English"),
        key("prompt", Holds::Template, "Words that the speaker is likely to use"),
        key("threads", Holds::Count { min: 1, max: THREADS_MAX }, "Threads to use"),
        key(
            "format",
            Holds::Choice(&["text", "srt", "vtt", "json"]),
            "The form of the output; text without this",
        ),
    ],
);

pub(crate) static EMBED: Table = Table {
    short_list: Some("text"),
    ..short("`embed`", "text", &[needed("text", Holds::TextOrList, "A text, or a list of texts")])
};

pub(crate) static RUN: Table = Table {
    what: "`run`",
    keys: &[
        key("command", Holds::Templates, "Program and arguments, without a shell"),
        key("shell", Holds::Template, "A line for `sh -c`; put values through `| quote`"),
        key("folder", Holds::Template, "The folder it runs in"),
        key("env", Holds::Pairs, "Variables it sees besides the few that every command does"),
        key(
            "secrets",
            Holds::Renames,
            "Variables of `lao` that it sees too; they are in no journal",
        ),
        key("input", Holds::Template, "Its standard input"),
        key("format", Holds::Choice(FORMATS), "The form of its output; text without this"),
        key("exit_codes", Holds::Codes, "Exit codes that are no failure; 0 without this"),
        key("repeatable", Holds::Flag, "It may run again when a crash hid whether it ended"),
    ],
    one_of: &["command", "shell"],
    short: Some("shell"),
    short_list: Some("command"),
};

pub(crate) static READ: Table = Table {
    what: "`read`",
    keys: &[
        key("file", Holds::Template, "A file's text"),
        key("json", Holds::Template, "A file's JSON"),
        key("lines", Holds::Template, "A file's lines, as a list"),
        key("files", Holds::Template, "The paths that fit a pattern, sorted, as a list"),
    ],
    one_of: &["file", "json", "lines", "files"],
    short: Some("file"),
    short_list: None,
};

pub(crate) static WRITE: Table = plain(
    "`write`",
    &[
        needed("path", Holds::Template, "The file"),
        needed("text", Holds::Template, "Its text; what is no text is written as JSON"),
        key(
            "mode",
            Holds::Choice(&["replace", "append", "create"]),
            "What happens to a file that is there; replace without this",
        ),
    ],
);

pub(crate) static MAP: Table = Table {
    what: "`map`",
    keys: &[
        key("over", Holds::Items, "The items: a list, or an expression that comes to one"),
        key("files", Holds::Template, "The files that fit a pattern are the items"),
        key(
            "concurrency",
            Holds::Count { min: 1, max: CONCURRENCY_MAX },
            "The most items at the same time; 1 without this",
        ),
        needed("do", Holds::Table(&INNER_STEP), "The step; `item` and `index` are known in it"),
    ],
    one_of: &["over", "files"],
    short: None,
    short_list: None,
};

pub(crate) static APPROVE: Table =
    short("`approve`", "message", &[needed("message", Holds::Template, "What is asked")]);

pub(crate) static WAIT: Table = Table {
    what: "`wait`",
    keys: &[
        key("for", Holds::Duration, "So long"),
        key("until", Holds::Template, "A moment: RFC 3339, or milliseconds since 1970"),
    ],
    one_of: &["for", "until"],
    short: None,
    short_list: None,
};

pub(crate) static WORKFLOW: Table = short(
    "`workflow`",
    "file",
    &[
        needed("file", Holds::Text, "Its file, from the folder of this one"),
        key("with", Holds::Pairs, "Its inputs"),
    ],
);

pub(crate) static ASSERT: Table = short(
    "`assert`",
    "that",
    &[
        needed("that", Holds::Condition, "What must be true"),
        key("message", Holds::Template, "What is said where it is not"),
    ],
);
