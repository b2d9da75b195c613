//! Which run is meant by what was typed.

use lao_cli::{
    CliError, ExitCode,
    args::{RunSelector, SelectError},
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
