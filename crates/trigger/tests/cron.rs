//! Moments of cron expressions, where clocks are put forward and back, and what errors say.

use jiff::Timestamp;
use lao_trigger::Cron;

fn ms(text: &str) -> i64 {
    text.parse::<Timestamp>().expect("a moment").as_millisecond()
}

/// The moments after one, in UTC.
fn after(expression: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let cron = Cron::read(expression, Some(zone)).expect("it can be read");
    let first = cron.next_after(ms(from));
    let moments = std::iter::successors(first, |moment| cron.next_after(*moment));
    let show = |moment| Timestamp::from_millisecond(moment).expect("in range").to_string();
    moments.take(count).map(show).collect()
}

fn error(expression: &str, zone: Option<&str>) -> String {
    Cron::read(expression, zone).expect_err("it is wrong").to_string()
}

#[test]
fn a_moment_comes_after_another_and_never_twice() {
    assert_eq!(
        after("*/20 * * * *", "UTC", "2026-11-28T10:00:00Z", 3),
        ["2026-11-28T10:20:00Z", "2026-11-28T10:40:00Z", "2026-11-28T11:00:00Z"]
    );
    assert_eq!(
        after("*/30 * * * * *", "UTC", "2026-11-28T10:00:00.001Z", 2),
        ["2026-11-28T10:00:30Z", "2026-11-28T10:01:00Z"],
        "six fields begin with seconds"
    );
    assert_eq!(
        after("*/30 * * * * *", "UTC", "2026-11-28T10:00:29.999Z", 1),
        ["2026-11-28T10:00:30Z"]
    );
    assert_eq!(
        after("0 7 * * mon-fri", "Europe/Berlin", "2026-11-27T12:00:00Z", 2),
        ["2026-11-30T06:00:00Z", "2026-12-01T06:00:00Z"],
        "a weekend between"
    );
    assert_eq!(
        after("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", 2),
        ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]
    );
}

#[test]
fn short_forms_are_what_they_stand_for() {
    for (short, long) in [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@MIDNIGHT", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
    ] {
        let moments = |expression| after(expression, "Asia/Tokyo", "2026-06-10T03:04:05Z", 3);
        assert_eq!(moments(short), moments(long), "{short}");
    }
}

/// Berlin, 2026-03-29: 01:59:59 is followed by 03:00:00.
#[test]
fn where_clocks_are_put_forward() {
    let from = "2026-03-28T12:00:00Z";
    assert_eq!(
        after("30 2 * * *", "Europe/Berlin", from, 3),
        ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"],
        "a moment at a fixed time that is left out comes after the gap"
    );
    assert_eq!(
        after("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:29:00Z", 4),
        [
            "2026-03-29T00:30:00Z",
            "2026-03-29T01:00:00Z",
            "2026-03-29T01:30:00Z",
            "2026-03-29T02:00:00Z"
        ],
        "and those of many are as far apart as ever"
    );
}

/// Berlin, 2026-10-25: 02:59:59 is followed by 02:00:00.
#[test]
fn where_clocks_are_put_back() {
    let from = "2026-10-24T12:00:00Z";
    assert_eq!(
        after("30 2 * * *", "Europe/Berlin", from, 3),
        ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z", "2026-10-27T01:30:00Z"],
        "a moment at a fixed time comes once"
    );
    assert_eq!(
        after("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", 5),
        [
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-25T02:00:00Z",
            "2026-10-25T02:30:00Z"
        ],
        "and those of many both times"
    );
}

#[test]
fn moments_ascend_through_a_whole_year_in_every_odd_zone() {
    for zone in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"] {
        for expression in ["*/15 * * * *", "30 2 * * *", "0 0 * * sun"] {
            let cron = Cron::read(expression, Some(zone)).expect("it can be read");
            let end = ms("2027-01-01T00:00:00Z");
            let mut at = ms("2026-01-01T00:00:00Z");
            let mut count = 0;
            while let Some(next) = cron.next_after(at).filter(|next| *next < end) {
                assert!(next > at, "{expression} in {zone}");
                (at, count) = (next, count + 1);
            }
            let expected = match expression {
                "*/15 * * * *" => 365 * 96 - 3..=365 * 96 + 3,
                "30 2 * * *" => 364..=366,
                _ => 52..=53,
            };
            assert!(expected.contains(&count), "{expression} in {zone}: {count}");
        }
    }
}

#[test]
fn an_error_names_the_place_and_what_could_be_written() {
    assert_eq!(
        error("61 * * * *", None),
        "`61` is no minute (field 1 of `61 * * * *`): 0 to 59, as in `30` or `*/15`"
    );
    assert_eq!(
        error("0 0 7 * * noday", None),
        "`noday` is no weekday (field 6 of `0 0 7 * * noday`): 0 to 7 (0 and 7 are Sunday), or \
         `sun` to `sat`, as in `mon-fri` or `1#1`"
    );
    for (expression, place) in [
        ("* 24 * * *", "`24` is no hour (field 2"),
        ("* * 0 * *", "`0` is no day of the month (field 3"),
        ("* * * 13 *", "`13` is no month (field 4"),
        ("60 * * * * *", "`60` is no second (field 1"),
        ("*/0 * * * *", "`*/0` is no minute"),
        ("5-1 * * * *", "`5-1` is no minute"),
        ("a@daily * * * *", "`a@daily` is no minute"),
        ("ß * * * *", "`ß` is no minute"),
        (", * * * *", "`,` is no minute"),
    ] {
        let error = error(expression, None);
        assert!(error.starts_with(place), "{error}");
    }
    assert_eq!(
        error("* * *", None),
        "`* * *` has 3 fields: write minute, hour, day, month and weekday, as in \
         `0 7 * * mon-fri`, or a second before them"
    );
    assert!(error("", None).starts_with("`` has 0 fields"));
    assert!(error("0 0 1 1 * 2026 7", None).starts_with("`0 0 1 1 * 2026 7` has 7 fields"));
    assert_eq!(
        error("@fortnightly", None),
        "there is no schedule `@fortnightly`: @hourly, @daily, @weekly, @monthly and @yearly are"
    );
    assert_eq!(
        error("* * * * *", Some("Berlin")),
        "there is no time zone `Berlin`: it is named as `Europe/Berlin`, `America/New_York` or `UTC`"
    );
    assert_eq!(error("0 0 30 2 *", None), "`0 0 30 2 *` never comes: no such day is in any year");
}

#[test]
fn time_ends_somewhere() {
    let cron = Cron::read("@yearly", Some("UTC")).expect("it can be read");
    assert_eq!(cron.next_after(i64::MAX), None);
    assert_eq!(cron.next_after(i64::MIN), None);
}
