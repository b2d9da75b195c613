//! A project whose models are played from a script: two tasks, a file each, the second after the
//! first.

use super::super::support::sandbox::Sandbox;

/// Where its plan lies.
pub(crate) const PLAN: &str = "plans/app.md";

const CONFIG: &str = r#"
[endpoints.script]
kind = "scripted"
script = "model.toml"

[roles]
planner.model = "scripted"
coder.model = "scripted"
reviewer.model = "scripted"

[git]
author_name = "Ada"
author_email = "ada@localhost"
"#;

/// What the planner says.
pub(crate) const PLANNED: &str = r#"
[[turn]]
role = "planner"
step = "plan"
literal = true
text = '''{"tasks": [
  {"id": "a", "title": "The first file", "description": "Write t1.txt.", "files": ["t1.txt"],
   "depends_on": [], "acceptance": ["it is there"]},
  {"id": "b", "title": "The second file", "description": "Write t2.txt.", "files": ["t2.txt"],
   "depends_on": ["a"], "acceptance": ["it is there"]}
]}'''
"#;

/// What the coder does with either task.
pub(crate) const CODED: &str = r#"
[[turn]]
role = "coder"
step = "*"
text = "I write it."
tool_calls = [{ name = "file_write", arguments = { path = "{step}.txt", content = "{step}\n" } }]

[[turn]]
role = "coder"
step = "*"
text = "It is written."
repeat = true
"#;

/// What the reviewer says of either.
pub(crate) const APPROVED: &str = r#"
[[turn]]
role = "reviewer"
step = "*"
text = '{"verdict": "approved", "summary": "It is there.", "findings": []}'
"#;

/// Writes the project, with more configuration, and with this script.
pub(crate) fn write(sandbox: &Sandbox, more_config: &str, script: &[&str]) {
    write_in(sandbox, ".", (more_config, script));
}

/// The same in a folder of its own.
pub(crate) fn write_in(sandbox: &Sandbox, folder: &str, (more_config, script): (&str, &[&str])) {
    let write = |path: &str, text: &str| sandbox.write(&format!("{folder}/{path}"), text);
    write("lao.toml", &format!("{CONFIG}{more_config}"));
    write("model.toml", &script.concat());
    write(PLAN, "# Two files\n\nWrite two files.\n");
}

/// Writes the project as it works.
pub(crate) fn write_working(sandbox: &Sandbox) {
    write(sandbox, "", &[PLANNED, CODED, APPROVED]);
}
