//! From a model's call to what would happen.

use lao_event::{ShellAccess, latest::TodoItem};
use lao_port::{Prepared, PreparedAction, ToolRequest};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Bench, search};
use crate::{
    arguments::{
        self, FileDelete, FilePatch, FileRead, FileWriteCall, FindFiles, Grep, ListDir, Shell,
        TodoSet,
    },
    catalogue::Tool,
    excerpt, patch, process,
    workspace::{Found, PathError, WorkspacePath},
};

/// The rule by which a shell command is denied.
const RULE_SHELL_OFF: &str = "shell-off";

/// The most bytes of an unknown tool's name that are repeated.
const NAME_BYTES_MAX: usize = 60;

/// Why a call comes to nothing.
enum Refusal {
    Denied { rule: &'static str, reply: String },
    Invalid(String),
}

impl From<PathError> for Refusal {
    fn from(error: PathError) -> Self {
        match error.rule() {
            Some(rule) => Self::Denied { rule, reply: error.to_string() },
            None => Self::Invalid(error.to_string()),
        }
    }
}

impl From<Refusal> for PreparedAction {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Denied { rule, reply } => Self::Denied { rule: rule.to_owned(), reply },
            Refusal::Invalid(reply) => Self::Invalid { reply },
        }
    }
}

impl Bench {
    pub(super) fn prepare(&self, request: &ToolRequest) -> Prepared {
        let Some(tool) = Tool::named(&request.name) else {
            return self.unknown(&request.name);
        };
        let mut repairs = Vec::new();
        if tool.name() != request.name {
            let called = excerpt::clipped(&request.name, NAME_BYTES_MAX);
            repairs.push(format!("read tool name {called:?} as {:?}", tool.name()));
        }
        let action = if tool == Tool::Shell && self.limits.shell == ShellAccess::Off {
            shell_is_off()
        } else {
            match arguments::read(tool, &request.arguments) {
                Ok(mended) => {
                    repairs.extend(mended.repair);
                    self.action(tool, mended.value).unwrap_or_else(Into::into)
                }
                Err(reply) => PreparedAction::Invalid { reply },
            }
        };
        Prepared {
            tool: tool.name().to_owned(),
            repair: (!repairs.is_empty()).then(|| repairs.join("; ")),
            action,
        }
    }

    fn unknown(&self, called: &str) -> Prepared {
        let called = excerpt::clipped(called.trim(), NAME_BYTES_MAX);
        let offered: Vec<String> =
            crate::specs(self.limits.shell).into_iter().map(|spec| spec.name).collect();
        Prepared {
            action: PreparedAction::Invalid {
                reply: format!(
                    "There is no tool {called:?}. The tools are: {}.",
                    offered.join(", ")
                ),
            },
            tool: called,
            repair: None,
        }
    }

    fn action(&self, tool: Tool, value: Value) -> Result<PreparedAction, Refusal> {
        match tool {
            Tool::FileRead => self.reading(value, |call: &FileRead| &call.path),
            Tool::ListDir => self.reading(value, |call: &ListDir| &call.path),
            Tool::FindFiles => {
                let call: &FindFiles = &arguments::typed(value.clone());
                search::glob(&call.pattern).map_err(Refusal::Invalid)?;
                self.reading(value, |call: &FindFiles| &call.path)
            }
            Tool::Grep => {
                let call: &Grep = &arguments::typed(value.clone());
                search::Pattern::of(call).map_err(Refusal::Invalid)?;
                self.reading(value, |call: &Grep| &call.path)
            }
            Tool::FileWrite => self.writing(&arguments::typed(value)),
            Tool::FilePatch => self.patching(&arguments::typed(value)),
            Tool::FileDelete => self.deleting(&arguments::typed(value)),
            Tool::Shell => Ok(self.command(&arguments::typed(value))),
            Tool::TodoSet => Ok(todo_set(arguments::typed(value))),
            Tool::TodoGet => Ok(PreparedAction::TodoGet),
        }
    }

    fn reading<T: Serialize + DeserializeOwned>(
        &self,
        value: Value,
        path: impl FnOnce(&T) -> &String,
    ) -> Result<PreparedAction, Refusal> {
        let call: T = arguments::typed(value);
        self.workspace.path(path(&call))?;
        Ok(PreparedAction::Read {
            arguments: serde_json::to_string(&call).expect("strings and numbers become JSON"),
        })
    }

    fn writing(&self, call: &FileWriteCall) -> Result<PreparedAction, Refusal> {
        let path = self.workspace.path(&call.path)?;
        let before = self.text_before(&path)?;
        let lines = call.content.lines().count();
        let size = call.content.len();
        let reply = match &before {
            None => format!("Created {path} ({lines} lines, {size} bytes)."),
            Some(text) if *text == call.content => {
                format!("{path} already has exactly this content; nothing changed.")
            }
            Some(_) => format!("Wrote {path} ({lines} lines, {size} bytes)."),
        };
        Ok(PreparedAction::Write {
            path: path.to_string(),
            before: before.map(String::into_bytes),
            after: Some(call.content.clone()),
            reply,
        })
    }

    fn patching(&self, call: &FilePatch) -> Result<PreparedAction, Refusal> {
        let path = self.workspace.path(&call.path)?;
        let before = self.text_before(&path)?.ok_or_else(|| self.missing(&path))?;
        let patched = patch::apply(&before, call).map_err(Refusal::Invalid)?;
        let reply = match patched.count {
            1 => format!("Replaced 1 passage in {path}, at line {}.", patched.line),
            count => format!("Replaced {count} passages in {path}."),
        };
        Ok(PreparedAction::Write {
            path: path.to_string(),
            before: Some(before.into_bytes()),
            after: Some(patched.text),
            reply,
        })
    }

    fn deleting(&self, call: &FileDelete) -> Result<PreparedAction, Refusal> {
        let path = self.workspace.path(&call.path)?;
        if path.is_through_link() {
            return Err(Refusal::Invalid(format!(
                "{} leads through a symbolic link to {path}; delete {path} itself",
                call.path
            )));
        }
        let before = self.bytes_before(&path)?.ok_or_else(|| self.missing(&path))?;
        Ok(PreparedAction::Write {
            reply: format!("Deleted {path}."),
            path: path.to_string(),
            before: Some(before),
            after: None,
        })
    }

    /// The bytes of a file; `None` where there is nothing.
    fn bytes_before(&self, path: &WorkspacePath) -> Result<Option<Vec<u8>>, Refusal> {
        match self.workspace.read(path) {
            Ok(Found::Nothing) => Ok(None),
            Ok(Found::File(bytes)) => Ok(Some(bytes)),
            Ok(Found::Folder) => Err(Refusal::Invalid(format!("{path} is a folder, not a file"))),
            Ok(Found::Other) => Err(Refusal::Invalid(format!("{path} is no regular file"))),
            Err(error) => Err(Refusal::Invalid(format!("{path} cannot be read: {error}"))),
        }
    }

    /// The text of a file; one that is no text is not to be replaced by text.
    fn text_before(&self, path: &WorkspacePath) -> Result<Option<String>, Refusal> {
        self.bytes_before(path)?.map(String::from_utf8).transpose().map_err(|error| {
            Refusal::Invalid(format!(
                "{path} is not UTF-8 text (byte {} is not valid), so it is not changed by this \
                     tool; delete it first if it is to be replaced",
                error.utf8_error().valid_up_to()
            ))
        })
    }

    fn missing(&self, path: &WorkspacePath) -> Refusal {
        Refusal::Invalid(self.no_such_file(path))
    }

    fn command(&self, call: &Shell) -> PreparedAction {
        PreparedAction::Command {
            argv: process::shell_argv(&call.command),
            timeout_ms: self.limits.shell_timeout_ms,
        }
    }
}

fn shell_is_off() -> PreparedAction {
    PreparedAction::Denied {
        rule: RULE_SHELL_OFF.to_owned(),
        reply: "The shell is switched off in this project. Use the other tools; checks are run \
                for you when you are done."
            .to_owned(),
    }
}

fn todo_set(call: TodoSet) -> PreparedAction {
    PreparedAction::TodoSet {
        items: call
            .items
            .into_iter()
            .map(|item| TodoItem { text: item.text, done: item.done })
            .collect(),
    }
}
