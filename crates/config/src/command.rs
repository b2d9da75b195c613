//! The entries of `verifier.commands`.

use std::ops::Range;

use globset::Glob;
use lao_event::{CheckCommand, CheckScope};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::nearest::nearest;
use crate::problem::Fault;
use crate::schema::{COMMAND_KEYS, Default, Key};
use crate::settings::FILE_PLACEHOLDER;
use crate::value::{Misfit, Misfits, Value, list_to_toml, quote, wrong_type};

/// Reads the whole list; every entry's problems are reported.
pub(crate) fn from_tree(tree: &Spanned<DeValue<'_>>) -> Result<Vec<CheckCommand>, Misfits> {
    let wrong = || vec![Misfit::at(tree.span(), wrong_type("a list of tables", tree.get_ref()))];
    let entries = tree.get_ref().as_array().ok_or_else(wrong)?;
    let mut commands: Vec<CheckCommand> = Vec::new();
    let mut misfits = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        match read_entry(entry) {
            Ok(command) if commands.iter().any(|other| other.name == command.name) => {
                let fault = Fault::RepeatedName { name: command.name };
                misfits.push(Misfit::at(entry.span(), fault).below(&format!("[{index}].name")));
            }
            Ok(command) => commands.push(command),
            Err(below) => {
                let prefix = format!("[{index}]");
                misfits.extend(below.into_iter().map(|misfit| misfit.below(&prefix)));
            }
        }
    }
    if misfits.is_empty() { Ok(commands) } else { Err(misfits) }
}

/// One entry as a TOML table.
pub(crate) fn to_toml(command: &CheckCommand) -> String {
    let scope = match command.scope {
        CheckScope::Task => "per = \"task\"".to_owned(),
        CheckScope::Wave => "per = \"wave\"".to_owned(),
        CheckScope::File => format!("files = {}", list_to_toml(&command.files)),
    };
    format!(
        "{{ name = {}, run = {}, {scope}, timeout_s = {} }}",
        quote(&command.name),
        list_to_toml(&command.argv),
        command.timeout_ms / 1000
    )
}

/// The values of one entry, as far as they are given or have a default.
struct Fields<'t> {
    table: &'t DeTable<'t>,
    span: Range<usize>,
    misfits: Misfits,
}

fn read_entry(entry: &Spanned<DeValue<'_>>) -> Result<CheckCommand, Misfits> {
    let wrong = || vec![Misfit::at(entry.span(), wrong_type("a table", entry.get_ref()))];
    let mut fields = Fields {
        table: entry.get_ref().as_table().ok_or_else(wrong)?,
        span: entry.span(),
        misfits: Vec::new(),
    };
    fields.refuse_unknown();
    let name = fields.text("name");
    let argv = fields.list("run");
    let per = fields.text("per");
    let files = fields.list("files");
    let timeout_s = fields.integer("timeout_s");
    let scope = fields.scope(per, files.as_deref(), argv.as_deref());
    match (name, argv, scope, timeout_s) {
        (Some(name), Some(argv), Some(scope), Some(timeout_s)) if fields.misfits.is_empty() => {
            Ok(CheckCommand {
                name,
                argv,
                scope,
                files: files.unwrap_or_default(),
                timeout_ms: timeout_s * 1000,
            })
        }
        (_, _, _, _) => Err(fields.misfits),
    }
}

impl Fields<'_> {
    fn refuse_unknown(&mut self) {
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            if COMMAND_KEYS.iter().all(|known| known.path != name) {
                let known = COMMAND_KEYS.iter().map(|key| key.path);
                let nearest = nearest(name, known).map(str::to_owned);
                let misfit = Misfit::at(key.span(), Fault::UnknownKey { nearest });
                self.misfits.push(misfit.below(&format!(".{name}")));
            }
        }
    }

    fn value(&mut self, name: &str) -> Option<Value> {
        let key = COMMAND_KEYS.iter().find(|key| key.path == name)?;
        let read = match self.table.get(name) {
            Some(tree) => Value::from_tree(key.kind, tree),
            None => return self.value_unset(key),
        };
        match read {
            Ok(value) => Some(value),
            Err(misfits) => {
                let below = format!(".{name}");
                let misfits = misfits.into_iter().map(|misfit| misfit.below(&below));
                self.misfits.extend(misfits);
                None
            }
        }
    }

    fn value_unset(&mut self, key: &Key) -> Option<Value> {
        match key.default {
            Default::Value(toml) => {
                Some(Value::from_toml(key.kind, toml).expect("a test reads every default"))
            }
            Default::Unset(_) if key.path == "files" => None,
            Default::Unset(example) => {
                let example = format!("{} = {example}", key.path);
                let misfit = Misfit::at(self.span.clone(), Fault::Missing { example });
                self.misfits.push(misfit.below(&format!(".{}", key.path)));
                None
            }
        }
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::Text(text) => Some(text),
            Value::Bool(_)
            | Value::Integer(_)
            | Value::Milli(_)
            | Value::List(_)
            | Value::Commands(_) => None,
        }
    }

    fn list(&mut self, name: &str) -> Option<Vec<String>> {
        match self.value(name)? {
            Value::List(list) => Some(list),
            Value::Bool(_)
            | Value::Integer(_)
            | Value::Milli(_)
            | Value::Text(_)
            | Value::Commands(_) => None,
        }
    }

    fn integer(&mut self, name: &str) -> Option<u64> {
        match self.value(name)? {
            Value::Integer(integer) => Some(integer),
            Value::Bool(_)
            | Value::Milli(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Commands(_) => None,
        }
    }

    fn scope(
        &mut self,
        per: Option<String>,
        files: Option<&[String]>,
        argv: Option<&[String]>,
    ) -> Option<CheckScope> {
        let per_wave = per? == "wave";
        let names_file =
            argv.is_some_and(|argv| argv.iter().any(|word| word.contains(FILE_PLACEHOLDER)));
        let Some(patterns) = files else {
            if names_file {
                self.refuse(
                    "run",
                    "{file} stands for a changed file; add files = [..] to say which",
                );
            }
            return Some(if per_wave { CheckScope::Wave } else { CheckScope::Task });
        };
        if per_wave {
            self.refuse(
                "per",
                "a command for single files runs after each task; remove per or files",
            );
        }
        if argv.is_some() && !names_file {
            self.refuse(
                "run",
                "the command does not say where the file's name goes; put {file} into it",
            );
        }
        if patterns.is_empty() {
            self.refuse(
                "files",
                "no pattern, so the command would never run; add one or remove files",
            );
        }
        for pattern in patterns {
            if let Err(error) = Glob::new(pattern) {
                let fault =
                    Fault::BadPattern { pattern: pattern.clone(), cause: error.kind().to_string() };
                self.push("files", fault);
            }
        }
        Some(CheckScope::File)
    }

    fn refuse(&mut self, name: &str, why: &'static str) {
        self.push(name, Fault::Unusable { why });
    }

    fn push(&mut self, name: &str, fault: Fault) {
        let span = self.table.get(name).map_or(self.span.clone(), Spanned::span);
        self.misfits.push(Misfit::at(span, fault).below(&format!(".{name}")));
    }
}

#[cfg(test)]
mod tests {
    use super::to_toml;
    use crate::schema::Kind;
    use crate::value::{Misfits, Value};
    use lao_event::CheckScope;

    fn read(toml: &str) -> Result<Value, Misfits> {
        Value::from_toml(Kind::Commands, toml)
    }

    #[test]
    fn entries_are_read_and_written_back() {
        let value = read(
            "[{ name = 'test', run = 'cargo test', per = 'wave' },
              { name = 'py', run = ['python3', '-m', 'py_compile', '{file}'], files = ['*.py'], timeout_s = 9 },
              { name = 'lint', run = ['ruff'] }]",
        )
        .expect("three commands");
        let Value::Commands(commands) = &value else {
            panic!("commands, not {value:?}");
        };
        assert_eq!(commands[0].argv, ["cargo", "test"]);
        assert_eq!(commands[0].scope, CheckScope::Wave);
        assert_eq!(commands[1].timeout_ms, 9000);
        assert_eq!(commands[2].scope, CheckScope::Task);
        assert_eq!(read(&value.to_toml()), Ok(value.clone()));
        assert!(to_toml(&commands[1]).contains("files = [\"*.py\"]"));
    }

    #[test]
    fn every_problem_of_every_entry_is_reported() {
        let misfits = read(
            "[{ run = '\"', per = 'day', typo = 1 },
              { name = 'a', run = 'x {file}' },
              { name = 'b', run = 'x', files = ['['], per = 'wave' },
              { name = 'c', run = 'x' }, { name = 'c', run = 'x' }, 7]",
        )
        .expect_err("nothing fits");
        let keys: Vec<_> = misfits.iter().map(|misfit| misfit.below.as_str()).collect();
        assert_eq!(
            keys,
            [
                "[0].typo",
                "[0].name",
                "[0].run",
                "[0].per",
                "[1].run",
                "[2].per",
                "[2].run",
                "[2].files",
                "[4].name",
                "[5]"
            ]
        );
    }
}
