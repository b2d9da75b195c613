//! Which run is meant by what was typed.

use lao_cli::{
    CliError, ExitCode,
    args::{RunAt, RunSelector, SelectError, ValueError},
};

const IDS: [&str; 4] = [
    "20260302-211405-x7k2q",
    "20260301-080000-a1b2c",
    "20260302-090000-2026z",
    "20260302-210000-x7k2r",
];

fn resolve(name: &str) -> Result<&'static str, SelectError> {
    name.parse::<RunSelector>().unwrap().resolve(&IDS)
}

#[test]
fn last_is_the_newest() {
    assert_eq!(resolve("last"), Ok(IDS[0]));
}

#[test]
fn a_whole_id_a_last_part_and_a_unique_beginning_are_enough() {
    assert_eq!(resolve(IDS[1]), Ok(IDS[1]));
    assert_eq!(resolve("a1b2c"), Ok(IDS[1]));
    assert_eq!(resolve("20260301"), Ok(IDS[1]));
    assert_eq!(resolve("20260302-0"), Ok(IDS[2]));
    assert_eq!(resolve("2026z"), Ok(IDS[2]));
}

#[test]
fn what_fits_several_is_refused_with_their_names() {
    let error = resolve("20260302-21").unwrap_err();
    assert_eq!(
        error,
        SelectError::Ambiguous {
            name: "20260302-21".to_owned(),
            matches: vec![IDS[3].to_owned(), IDS[0].to_owned()],
        }
    );
    let error = CliError::from(error);
    assert_eq!(error.code, ExitCode::Usage);
    assert!(error.message.contains(IDS[3]));
}

#[test]
fn what_fits_none_is_refused() {
    for name in ["", "x7k2", "nope", "-"] {
        assert_eq!(resolve(name), Err(SelectError::Unknown { name: name.to_owned() }));
    }
    assert_eq!(RunSelector::Last.resolve(&[]), Err(SelectError::NoRuns));
}

#[test]
fn a_position_stands_behind_an_at() {
    let read = |text: &str| text.parse::<RunAt>();
    let named = |name: &str| RunSelector::Named(name.to_owned());
    let at = |run: RunSelector, at| Ok(RunAt { run, at });
    assert_eq!(read("x7k2q"), at(named("x7k2q"), None));
    assert_eq!(read("x7k2q@120"), at(named("x7k2q"), Some(120)));
    assert_eq!(read("last@1"), at(RunSelector::Last, Some(1)));
    assert_eq!(read("../copies@2/"), at(named("../copies@2/"), None));
    assert_eq!(read("../copies@2/@7"), at(named("../copies@2/"), Some(7)));
    for wrong in ["x7k2q@", "x7k2q@0", "x7k2q@-1", "x7k2q@last", "@7", "@"] {
        assert_eq!(read(wrong), Err(ValueError::NotPosition), "{wrong}");
    }
}
