//! Which files a crate root reaches through `mod`: a file that none reaches is not even compiled.

use std::collections::BTreeSet;

/// Paths of the files that the module file at `path` declares.
fn declared(path: &str, bare: &str, is_root: bool) -> Vec<[String; 2]> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.trim_end_matches(".rs");
    let mut inside = vec![folder.to_owned()];
    if !is_root && stem != "mod" {
        inside.push(stem.to_owned());
    }
    let mut indents = Vec::new();
    let mut files = Vec::new();
    for line in bare.lines() {
        let indent = line.len() - line.trim_start().len();
        let Some(module) = module_name(line) else {
            if line.trim_end().len() == indent + 1
                && line.ends_with('}')
                && indents.last() == Some(&indent)
            {
                indents.pop();
                inside.pop();
            }
            continue;
        };
        match line.trim_end().chars().next_back() {
            Some('{') => {
                indents.push(indent);
                inside.push(module.to_owned());
            }
            Some(';') => {
                let file = [inside.join("/"), module.to_owned()].join("/");
                let file = file.trim_start_matches('/');
                files.push([format!("{file}.rs"), format!("{file}/mod.rs")]);
            }
            Some(_) | None => {}
        }
    }
    files
}

fn module_name(line: &str) -> Option<&str> {
    let mut rest = line.trim();
    if let Some(after) = rest.strip_prefix("pub(") {
        rest = after.split_once(") ")?.1;
    }
    rest = rest.strip_prefix("pub ").unwrap_or(rest);
    let name = rest.strip_prefix("mod ")?;
    Some(name.trim_end_matches(['{', ';', ' ', '}']))
}

/// Every file that is compiled with a crate root, from the bare code of each file.
pub(crate) fn reached<'a>(
    root: &str,
    bare_of: &impl Fn(&str) -> Option<&'a str>,
) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![root.to_owned()];
    while let Some(path) = open.pop() {
        let Some(bare) = bare_of(&path) else { continue };
        let is_root = path == root;
        for candidates in declared(&path, bare, is_root) {
            open.extend(candidates);
        }
        found.insert(path);
    }
    found
}

#[test]
fn modules_are_followed() {
    let files = [
        ("tests/all.rs", "mod all {\n    pub(crate) mod one;\n    mod two;\n}\nmod three;\n"),
        ("tests/all/one.rs", "fn one() {}\n"),
        ("tests/all/two.rs", "mod four;\n"),
        ("tests/all/two/four.rs", ""),
        ("tests/three.rs", ""),
        ("tests/all/forgotten.rs", ""),
    ];
    let bare_of = |path: &str| files.iter().find(|(name, _)| *name == path).map(|(_, text)| *text);
    let reached = reached("tests/all.rs", &bare_of);
    let expected = [
        "tests/all.rs",
        "tests/all/one.rs",
        "tests/all/two.rs",
        "tests/all/two/four.rs",
        "tests/three.rs",
    ];
    assert_eq!(reached.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}
