//! Listing, finding and searching.

use lao_event::{ShellAccess, latest::ToolOutcome};
use lao_tool::ToolLimits;

use crate::place::Place;

fn project() -> Place {
    Place::with(&[
        (".gitignore", "target/\n"),
        (".git/config", "needle"),
        (".lao/x", "needle"),
        ("target/out.rs", "needle"),
        ("src/main.rs", "fn main() {\n    needle();\n}\n"),
        ("src/deep/lib.rs", "// Needle\n"),
        ("src/data.bin", "needle\0"),
        ("README.md", "needle here\n"),
    ])
}

#[tokio::test]
async fn a_folder_is_listed_without_what_is_reserved() {
    let place = project();
    let root = place.read("list_dir", "{}").await;
    assert_eq!(root.text, ".gitignore\nREADME.md\nsrc/\ntarget/\n");
    let src = place.read("list_dir", r#"{"path":"src/"}"#).await;
    assert_eq!(src.text, "data.bin\ndeep/\nmain.rs\n");
    for path in ["missing", "README.md"] {
        let reply = place.read("list_dir", &format!(r#"{{"path":"{path}"}}"#)).await;
        assert_eq!(reply.outcome, ToolOutcome::Failed, "{path}: {}", reply.text);
    }
}

#[tokio::test]
async fn files_are_found_by_glob() {
    let place = project();
    for (arguments, text) in [
        (r#"{"pattern":"*.rs"}"#, "src/deep/lib.rs\nsrc/main.rs\n"),
        (r#"{"pattern":"src/*.rs"}"#, "src/main.rs\n"),
        (r#"{"pattern":"./src/**/*.rs"}"#, "src/deep/lib.rs\nsrc/main.rs\n"),
        (r#"{"pattern":"deep/*","path":"src"}"#, "src/deep/lib.rs\n"),
        (r#"{"pattern":"*.{md,bin}"}"#, "README.md\nsrc/data.bin\n"),
        (r#"{"pattern":"*.rs","skip":1}"#, "src/main.rs\n"),
        (r#"{"pattern":"*.rs","path":"target"}"#, "target/out.rs\n"),
        (r#"{"pattern":"*.py"}"#, "No file matches \"*.py\" in .."),
    ] {
        assert_eq!(place.read("find_files", arguments).await.text, text, "{arguments}");
    }
    let reply = place.invalid("find_files", r#"{"pattern":"a[b"}"#).await;
    assert!(reply.contains("cannot be read"), "{reply}");
}

#[tokio::test]
async fn contents_are_searched_by_regular_expression() {
    let place = project();
    for (arguments, text) in [
        (r#"{"pattern":"needle"}"#, "README.md:1: needle here\nsrc/main.rs:2:     needle();\n"),
        (
            r#"{"pattern":"(?i)needle","files":"*.rs"}"#,
            "src/deep/lib.rs:1: // Needle\nsrc/main.rs:2:     needle();\n",
        ),
        (r#"{"pattern":"needle","path":"src/main.rs"}"#, "src/main.rs:2:     needle();\n"),
        (r#"{"pattern":"^fn \\w+","path":"src"}"#, "src/main.rs:1: fn main() {\n"),
        (r#"{"pattern":"^fn \w+","path":"src"}"#, "src/main.rs:1: fn main() {\n"),
        (r#"{"pattern":"absent"}"#, "No line matches absent in .."),
    ] {
        assert_eq!(place.read("grep", arguments).await.text, text, "{arguments}");
    }
    let reply = place.invalid("grep", r#"{"pattern":"foo("}"#).await;
    assert!(reply.contains("unclosed group"), "{reply}");
}

#[tokio::test]
async fn long_results_come_in_pages_to_the_last() {
    let limits =
        ToolLimits { output_bytes_max: 600, shell: ShellAccess::Off, shell_timeout_ms: 1000 };
    let text = "a hit\n".repeat(100);
    let place = Place::limited(&[("a.txt", &text)], &limits);
    let mut hits = 0;
    let mut skip = 0;
    loop {
        let arguments = format!(r#"{{"pattern":"hit","skip":{skip}}}"#);
        let reply = place.read("grep", &arguments).await.text;
        assert!(reply.len() <= 600, "{} bytes", reply.len());
        hits += reply.matches("a.txt:").count();
        match reply.rsplit_once("go on with skip=") {
            Some((_, next)) => skip = next.trim_end_matches(']').parse().unwrap(),
            None => break,
        }
    }
    assert_eq!(hits, 100);
}
