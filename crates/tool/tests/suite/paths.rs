//! Paths stay inside the workspace, whatever lies in it.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use lao_tool::{PathError, Workspace};
use proptest::prelude::*;

/// Something in a generated tree.
#[derive(Debug, Clone)]
enum Thing {
    File,
    Folder,
    Link(String),
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[abc]",
        1 => Just(".git".to_owned()),
        1 => Just(".Lao".to_owned()),
    ]
}

fn relative() -> impl Strategy<Value = String> {
    let part = prop_oneof![6 => name(), 2 => Just("..".to_owned()), 1 => Just(".".to_owned())];
    proptest::collection::vec(part, 1..5).prop_map(|parts| parts.join("/"))
}

fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => relative(),
        1 => relative().prop_map(|path| format!("ROOT/{path}")),
        1 => relative().prop_map(|path| format!("OUTSIDE/{path}")),
        1 => Just("/".to_owned()),
        1 => Just("missing/x".to_owned()),
    ]
}

fn thing() -> impl Strategy<Value = Thing> {
    prop_oneof![
        1 => Just(Thing::File),
        2 => Just(Thing::Folder),
        3 => target().prop_map(Thing::Link),
    ]
}

fn tree() -> impl Strategy<Value = Vec<(String, Thing)>> {
    let path = proptest::collection::vec("[abc]", 1..3).prop_map(|parts| parts.join("/"));
    proptest::collection::vec((path, thing()), 0..8)
}

/// Makes what can be made; a parent that is a file or a link is left as it is.
fn make(root: &Path, outside: &Path, things: &[(String, Thing)]) {
    for (path, thing) in things {
        let place = root.join(path);
        let parent = place.parent().expect("it lies below the root");
        if !parent.exists() {
            fs::create_dir_all(parent).ok();
        }
        if !parent.is_dir()
            || parent.canonicalize().ok().as_deref() != Some(parent)
            || place.symlink_metadata().is_ok()
        {
            continue;
        }
        match thing {
            Thing::File => fs::write(&place, "x").expect("the parent is a folder"),
            Thing::Folder => fs::create_dir(&place).expect("the parent is a folder"),
            Thing::Link(target) => {
                let target = target
                    .replace("ROOT", &root.to_string_lossy())
                    .replace("OUTSIDE", &outside.to_string_lossy());
                symlink(target, &place).expect("the parent is a folder");
            }
        }
    }
}

fn is_reserved(path: &Path) -> bool {
    path.components().any(|part| {
        let part = part.as_os_str().to_string_lossy().to_lowercase();
        part == ".git" || part == ".lao"
    })
}

/// Where a path leads without links: its longest existing beginning, resolved, and the rest.
fn landing(path: &Path) -> PathBuf {
    let mut existing = path.to_owned();
    let mut rest = Vec::new();
    loop {
        if let Ok(real) = existing.canonicalize() {
            return real.join(rest.iter().rev().collect::<PathBuf>());
        }
        rest.push(existing.file_name().unwrap().to_owned());
        existing.pop();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_path_leads_out_and_none_inside_is_refused(things in tree(), asked in relative()) {
        let place = tempfile::tempdir().unwrap();
        let base = place.path().canonicalize().unwrap();
        let (root, outside) = (base.join("root"), base.join("outside"));
        fs::create_dir(&root).unwrap();
        fs::create_dir_all(outside.join("a/b")).unwrap();
        fs::write(outside.join("c"), "secret").unwrap();
        make(&root, &outside, &things);

        let truth = root.join(&asked).canonicalize().ok();
        match Workspace::new(&root).path(&asked) {
            Ok(path) => {
                let found = root.join(path.to_string());
                let found = if path.name().is_none() { root.clone() } else { found };
                prop_assert!(landing(&found).starts_with(&root), "{asked} leads to {found:?}");
                prop_assert!(!is_reserved(found.strip_prefix(&root).unwrap()));
                prop_assert_eq!(landing(&found), found.clone(), "a link is left in {}", asked);
                if let Some(truth) = truth {
                    prop_assert_eq!(found, truth);
                }
            }
            Err(PathError::LinkLoop { .. }) => prop_assert_eq!(truth, None),
            Err(PathError::Reserved { .. }) => {}
            Err(PathError::Outside { .. } | PathError::LinkOutside { .. }) => {
                if let Some(truth) = truth {
                    // A path may lead out and in again; refusing that is no loss.
                    let climbs = asked.contains("..") || things.iter().any(|(_, thing)| matches!(thing, Thing::Link(target) if target.contains("..")));
                    prop_assert!(!truth.starts_with(&root) || climbs, "{asked} is refused");
                }
            }
            Err(error) => prop_assert!(false, "{asked}: {error}"),
        }
    }

    #[test]
    fn any_text_that_leads_home_is_refused(lead in "(\\./|a/\\.\\./){1,3}", rest in "(~|C:)(/x)?") {
        let place = tempfile::tempdir().unwrap();
        let asked = format!("{lead}{rest}");
        prop_assert!(Workspace::new(place.path()).path(&asked).is_err(), "{}", asked);
    }

    #[test]
    fn any_text_is_parsed_or_refused(asked in "(\\PC|/|\\\\|\\.\\.|\\.git|\0|:){0,12}") {
        let place = tempfile::tempdir().unwrap();
        let workspace = Workspace::new(place.path());
        if let Ok(path) = workspace.path(&asked) {
            let again = workspace.path(&path.to_string()).unwrap();
            prop_assert_eq!(&again, &path);
            prop_assert!(!Path::new(&path.to_string()).is_absolute());
        }
    }
}

/// A workspace with links of every kind.
fn linked() -> (tempfile::TempDir, Workspace) {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("root");
    fs::create_dir_all(root.join("sub")).unwrap();
    fs::write(root.join("sub/file"), "x").unwrap();
    fs::write(place.path().join("secret"), "s").unwrap();
    for (target, link) in [
        ("sub", "in"),
        ("sub/file", "in-file"),
        ("new", "in-dangling"),
        ("..", "out"),
        ("../secret", "out-file"),
        ("../new", "out-dangling"),
        ("/etc", "out-absolute"),
        ("out", "out-twice"),
        ("loop-b", "loop-a"),
        ("loop-a", "loop-b"),
        (".git", "reserved"),
    ] {
        symlink(target, root.join(link)).unwrap();
    }
    symlink(root.join("sub"), root.join("in-absolute")).unwrap();
    let workspace = Workspace::new(&root);
    (place, workspace)
}

#[test]
fn links_are_resolved_and_those_that_lead_out_refused() {
    let (_place, workspace) = linked();
    for (asked, resolved) in [
        ("in/file", "sub/file"),
        ("in-file", "sub/file"),
        ("in-dangling", "new"),
        ("in-absolute/file", "sub/file"),
        ("in/../sub/./file", "sub/file"),
        ("sub\\file", "sub/file"),
        ("missing/../sub", "sub"),
        (".", "."),
    ] {
        let path = workspace.path(asked).unwrap();
        assert_eq!(path.to_string(), resolved, "{asked}");
        assert_eq!(path.is_through_link(), asked.starts_with("in"), "{asked}");
    }
    for asked in
        ["out", "out/secret", "out-file", "out-dangling", "out-absolute/passwd", "out-twice/x"]
    {
        assert!(matches!(workspace.path(asked), Err(PathError::LinkOutside { .. })), "{asked}");
    }
    assert!(matches!(workspace.path("loop-a/x"), Err(PathError::LinkLoop { .. })));
    assert!(matches!(workspace.path("reserved/config"), Err(PathError::Reserved { .. })));
}

#[test]
fn texts_that_are_no_path_of_the_workspace_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let workspace = Workspace::new(place.path());
    for (asked, part) in [
        ("", "is empty"),
        ("  ", "is empty"),
        ("a\0b", "NUL"),
        ("..", "leads out"),
        ("a/../../b", "leads out"),
        ("/etc/passwd", "not relative"),
        ("\\\\server\\share", "not relative"),
        ("C:\\a", "not relative"),
        ("c:a", "not relative"),
        ("~/a", "not relative"),
        (".git", "out of bounds"),
        (".GIT/config", "out of bounds"),
        ("a/.Git/config", "out of bounds"),
        (".git./config", "out of bounds"),
        (".g\u{200c}it/config", "out of bounds"),
        ("GIT~1/config", "out of bounds"),
        (".git::$INDEX_ALLOCATION/config", "out of bounds"),
        (".lao/runs", "out of bounds"),
        ("a/../.LAO/x", "out of bounds"),
        (".git/../a", "out of bounds"),
        (".lao-tmp-1-2", "out of bounds"),
    ] {
        let error = workspace.path(asked).unwrap_err().to_string();
        assert!(error.contains(part), "{asked:?}: {error}");
    }
    for asked in [
        ".gitignore",
        ".github/x",
        "git",
        "lao",
        ".laor",
        "a.git",
        "ab:c",
        "~a",
        "..a",
        "a..",
        "ä/ö",
    ] {
        assert_eq!(workspace.path(asked).unwrap().to_string(), asked);
    }
}

#[test]
fn an_absolute_path_into_the_workspace_is_taken_as_relative() {
    let (place, workspace) = linked();
    let inside = place.path().join("root/sub/file");
    assert_eq!(workspace.path(inside.to_str().unwrap()).unwrap().to_string(), "sub/file");
    let beside = place.path().join("root-2/sub");
    assert!(workspace.path(beside.to_str().unwrap()).is_err());
    let climbing = format!("{}/root/../secret", place.path().display());
    assert!(workspace.path(&climbing).is_err());
}
