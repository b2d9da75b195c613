//! The tools as they are offered: names, descriptions, schemas, examples.

use std::sync::LazyLock;

use jsonschema::Validator;
use lao_event::{ShellAccess, ToolSpec};
use serde_json::Value;

/// The built-in tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    FileRead,
    FileWrite,
    FilePatch,
    FileDelete,
    ListDir,
    FindFiles,
    Grep,
    Shell,
    TodoSet,
    TodoGet,
}

impl Tool {
    /// Every tool, in the order they are offered.
    pub(crate) const ALL: [Self; 10] = [
        Self::FileRead,
        Self::FileWrite,
        Self::FilePatch,
        Self::FileDelete,
        Self::ListDir,
        Self::FindFiles,
        Self::Grep,
        Self::Shell,
        Self::TodoSet,
        Self::TodoGet,
    ];

    /// The name a model calls it by.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::FileRead => "file_read",
            Self::FileWrite => "file_write",
            Self::FilePatch => "file_patch",
            Self::FileDelete => "file_delete",
            Self::ListDir => "list_dir",
            Self::FindFiles => "find_files",
            Self::Grep => "grep",
            Self::Shell => "shell",
            Self::TodoSet => "todo_set",
            Self::TodoGet => "todo_get",
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::FileRead => {
                "Read a text file, with line numbers. Long files come in pages; the end of a page says how to go on."
            }
            Self::FileWrite => "Create a file or replace its whole content.",
            Self::FilePatch => {
                "Replace a passage of a file. search must be copied exactly (no line numbers) and occur once."
            }
            Self::FileDelete => "Delete a file.",
            Self::ListDir => "List a folder.",
            Self::FindFiles => "Find files by glob, e.g. *.rs or src/**/*.ts.",
            Self::Grep => "Search file contents by regular expression.",
            Self::Shell => "Run a shell command in the workspace; returns exit code and output.",
            Self::TodoSet => "Replace your to-do list. All items must be done at the end.",
            Self::TodoGet => "Show your to-do list.",
        }
    }

    /// JSON Schema of the arguments.
    pub(crate) const fn parameters(self) -> &'static str {
        match self {
            Self::FileRead => concat!(
                r#"{"type":"object","properties":{"path":{"type":"string"},"#,
                r#""first_line":{"type":"integer","minimum":1},"#,
                r#""last_line":{"type":"integer","minimum":1},"#,
                r#""skip_bytes":{"type":"integer","minimum":0,"description":"of first_line"}},"#,
                r#""required":["path"],"additionalProperties":false}"#
            ),
            Self::FileWrite => concat!(
                r#"{"type":"object","properties":{"path":{"type":"string"},"#,
                r#""content":{"type":"string"}},"#,
                r#""required":["path","content"],"additionalProperties":false}"#
            ),
            Self::FilePatch => concat!(
                r#"{"type":"object","properties":{"path":{"type":"string"},"#,
                r#""search":{"type":"string","minLength":1},"replace":{"type":"string"},"#,
                r#""all":{"type":"boolean","description":"replace every occurrence"}},"#,
                r#""required":["path","search","replace"],"additionalProperties":false}"#
            ),
            Self::FileDelete => concat!(
                r#"{"type":"object","properties":{"path":{"type":"string"}},"#,
                r#""required":["path"],"additionalProperties":false}"#
            ),
            Self::ListDir => concat!(
                r#"{"type":"object","properties":{"path":{"type":"string"},"#,
                r#""skip":{"type":"integer","minimum":0}},"additionalProperties":false}"#
            ),
            Self::FindFiles => concat!(
                r#"{"type":"object","properties":{"pattern":{"type":"string"},"#,
                r#""path":{"type":"string","description":"folder"},"#,
                r#""skip":{"type":"integer","minimum":0}},"#,
                r#""required":["pattern"],"additionalProperties":false}"#
            ),
            Self::Grep => concat!(
                r#"{"type":"object","properties":{"pattern":{"type":"string"},"#,
                r#""path":{"type":"string","description":"file or folder"},"#,
                r#""files":{"type":"string","description":"glob"},"#,
                r#""skip":{"type":"integer","minimum":0}},"#,
                r#""required":["pattern"],"additionalProperties":false}"#
            ),
            Self::Shell => concat!(
                r#"{"type":"object","properties":{"command":{"type":"string","minLength":1}},"#,
                r#""required":["command"],"additionalProperties":false}"#
            ),
            Self::TodoSet => concat!(
                r#"{"type":"object","properties":{"items":{"type":"array","items":{"type":"object","#,
                r#""properties":{"text":{"type":"string"},"done":{"type":"boolean"}},"#,
                r#""required":["text","done"],"additionalProperties":false}}},"#,
                r#""required":["items"],"additionalProperties":false}"#
            ),
            Self::TodoGet => r#"{"type":"object","properties":{},"additionalProperties":false}"#,
        }
    }

    /// Arguments as they should look.
    pub(crate) const fn example(self) -> &'static str {
        match self {
            Self::FileRead => r#"{"path":"src/main.py","first_line":40,"last_line":80}"#,
            Self::FileWrite => r#"{"path":"src/main.py","content":"print('hello')\n"}"#,
            Self::FilePatch => {
                r#"{"path":"src/main.py","search":"count = 0","replace":"count = 1"}"#
            }
            Self::FileDelete => r#"{"path":"src/old.py"}"#,
            Self::ListDir => r#"{"path":"src"}"#,
            Self::FindFiles => r#"{"pattern":"*.py"}"#,
            Self::Grep => r#"{"pattern":"def \\w+","files":"*.py"}"#,
            Self::Shell => r#"{"command":"ls -l src"}"#,
            Self::TodoSet => r#"{"items":[{"text":"write the parser","done":false}]}"#,
            Self::TodoGet => "{}",
        }
    }

    /// The schema as a value, for mending arguments by it.
    pub(crate) fn schema(self) -> &'static Value {
        &self.entry().schema
    }

    /// The schema, compiled.
    pub(crate) fn validator(self) -> &'static Validator {
        &self.entry().validator
    }

    fn entry(self) -> &'static Entry {
        static ENTRIES: LazyLock<[Entry; Tool::ALL.len()]> =
            LazyLock::new(|| Tool::ALL.map(Entry::new));
        &ENTRIES[self as usize]
    }

    /// The tool that a called name means: exact, without a namespace, or the only one that
    /// equals it when case, `-` and `_` do not count.
    pub(crate) fn named(called: &str) -> Option<Self> {
        let exact = |name: &str| Self::ALL.into_iter().find(|tool| tool.name() == name);
        let called = called.trim();
        let bare = called.strip_prefix("functions.").unwrap_or(called);
        exact(called).or_else(|| exact(bare)).or_else(|| {
            let mut alike =
                Self::ALL.into_iter().filter(|tool| folded(tool.name()) == folded(bare));
            match (alike.next(), alike.next()) {
                (Some(tool), None) => Some(tool),
                (None | Some(_), _) => None,
            }
        })
    }
}

fn folded(name: &str) -> String {
    name.chars()
        .filter(|character| !matches!(character, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

struct Entry {
    schema: Value,
    validator: Validator,
}

impl Entry {
    fn new(tool: Tool) -> Self {
        let schema: Value =
            serde_json::from_str(tool.parameters()).expect("a test parses every schema");
        let validator = jsonschema::validator_for(&schema).expect("a test compiles every schema");
        Self { schema, validator }
    }
}

/// The tools as they are offered to a model. The shell is offered only where it is allowed.
pub fn specs(shell: ShellAccess) -> Vec<ToolSpec> {
    Tool::ALL
        .into_iter()
        .filter(|tool| *tool != Tool::Shell || shell == ShellAccess::On)
        .map(|tool| ToolSpec {
            name: tool.name().to_owned(),
            description: tool.description().to_owned(),
            parameters: tool.parameters().to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use lao_event::ShellAccess;

    use super::{Tool, specs};

    #[test]
    fn every_schema_compiles_and_accepts_its_example() {
        for tool in Tool::ALL {
            let example = serde_json::from_str(tool.example()).unwrap();
            assert!(tool.validator().is_valid(&example), "{}", tool.name());
            assert_eq!(tool.schema()["additionalProperties"], false);
        }
    }

    #[test]
    fn the_specs_fit_a_small_prompt() {
        let size: usize = specs(ShellAccess::On)
            .iter()
            .map(|spec| spec.name.len() + spec.description.len() + spec.parameters.len())
            .sum();
        assert!(size < 2700, "the tools take {size} bytes of every prompt");
    }

    #[test]
    fn the_shell_is_offered_only_when_allowed() {
        let offered = |access| specs(access).iter().any(|spec| spec.name == "shell");
        assert!(offered(ShellAccess::On));
        assert!(!offered(ShellAccess::Off));
    }

    #[test]
    fn names_are_matched_as_far_as_they_are_unique() {
        for (called, tool) in [
            ("file_read", Some(Tool::FileRead)),
            ("functions.file_read", Some(Tool::FileRead)),
            ("functions.File-Read", Some(Tool::FileRead)),
            ("fileRead", Some(Tool::FileRead)),
            (" grep ", Some(Tool::Grep)),
            ("read_file", None),
            ("functions.", None),
            ("", None),
        ] {
            assert_eq!(Tool::named(called), tool, "{called}");
        }
    }
}
