//! The help of every command.

use lao_cli::Cli;

use crate::sample::check;

/// Every command with its path, the program itself first.
pub(crate) fn commands() -> Vec<(String, clap::Command)> {
    let mut program = Cli::description();
    program.build();
    let mut found = vec![("lao".to_owned(), program)];
    let mut next = 0;
    while next < found.len() {
        let (path, command) = found[next].clone();
        let children = command
            .get_subcommands()
            .filter(|child| child.get_name() != "help")
            .map(|child| (format!("{path} {}", child.get_name()), child.clone()));
        found.extend(children);
        next += 1;
    }
    found
}

#[test]
fn every_command_helps() {
    for (path, command) in commands() {
        let help = command.clone().term_width(100).render_long_help().to_string();
        check(&format!("help-{}", path.replace(' ', "-")), &help);
    }
}

#[test]
fn every_command_shows_an_example_and_what_is_next() {
    for (path, command) in commands() {
        let help = command.clone().render_long_help().to_string();
        if command.get_subcommands().next().is_some() && path == "lao" {
            assert!(help.contains("Start here"));
        } else {
            assert!(help.contains("Example"), "{path} has no example");
            assert!(help.contains("Next:"), "{path} does not say what is next");
        }
    }
}
