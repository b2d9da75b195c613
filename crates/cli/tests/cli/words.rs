//! Numbers, durations and measured text.

use jiff::tz::TimeZone;
use lao_cli::{
    text::{Align, pad, short_run, truncate, visible, width, wrap},
    units::{ago, between, count, date_time, duration, elapsed, number, size, speed, speed_milli},
};

#[test]
fn numbers_have_separators() {
    assert_eq!(number(0), "0");
    assert_eq!(number(999), "999");
    assert_eq!(number(1_000), "1,000");
    assert_eq!(number(u64::MAX), "18,446,744,073,709,551,615");
    assert_eq!(count(1, "task"), "1 task");
    assert_eq!(count(1_200, "task"), "1,200 tasks");
}

#[test]
fn durations_have_two_units_at_most() {
    let cases = [
        (0, "0 ms"),
        (999, "999 ms"),
        (1_000, "1.0 s"),
        (12_499, "12.4 s"),
        (60_000, "1 min 00 s"),
        (3_599_999, "59 min 59 s"),
        (7_620_000, "2 h 07 min"),
        (90_000_000, "1 d 01 h"),
    ];
    for (ms, text) in cases {
        assert_eq!(duration(ms), text);
    }
    assert_eq!(elapsed(12_499), "12 s");
    assert_eq!(elapsed(61_000), "1 min 01 s");
}

#[test]
fn sizes_and_speeds_are_short() {
    assert_eq!(size(1), "1 byte");
    assert_eq!(size(1_023), "1,023 bytes");
    assert_eq!(size(18_637), "18.2 KiB");
    assert_eq!(size(5 * 1024 * 1024), "5.0 MiB");
    assert_eq!(size(u64::MAX), "16,777,215.9 TiB");
    assert_eq!(speed(41_234), "41.2/s");
    assert_eq!(speed_milli(100, 2_000), Some(50_000));
    assert_eq!(speed_milli(100, 0), None);
}

#[test]
fn clocks_may_go_back() {
    assert_eq!(ago(10_000, 5_000), "just now");
    assert_eq!(ago(0, 59_000), "59 s ago");
    assert_eq!(ago(0, 172_800_000), "2 d ago");
    assert_eq!(between(10, 5), 0);
    assert_eq!(between(i64::MIN, i64::MAX), i64::MAX.unsigned_abs());
}

#[test]
fn clocks_may_be_far_off() {
    let utc = TimeZone::UTC;
    assert_eq!(date_time(0, &utc), "1970-01-01 00:00:00");
    assert_eq!(date_time(-86_400_001, &utc), "1969-12-30 23:59:59");
    assert_eq!(date_time(253_402_000_000_000, &utc), "9999-12-28 12:26:40");
    for ms in [i64::MIN, i64::MAX] {
        assert_eq!(date_time(ms, &utc), format!("{ms} ms"));
        assert!(!ago(ms, 0).contains('-'), "{}", ago(ms, 0));
        assert!(!duration(between(ms, 0)).contains('-'), "{}", duration(between(ms, 0)));
    }
}

#[test]
fn text_is_cut_and_filled_by_what_it_shows() {
    assert_eq!(truncate("hello", 5), "hello");
    assert_eq!(truncate("hello!", 5), "hell…");
    assert_eq!(truncate("東京都庁", 5), "東京…");
    assert_eq!(truncate("東京都庁", 4), "東…");
    assert_eq!(truncate("hello", 0), "");
    assert_eq!(pad("東京", 6, Align::Left), "東京  ");
    assert_eq!(pad("7", 3, Align::Right), "  7");
    assert_eq!(width("é東"), 3);
    assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
}

#[test]
fn what_a_terminal_would_obey_is_written_out() {
    assert_eq!(visible("a\u{1b}[31mb"), "a\\x1b[31mb");
    assert_eq!(visible("a\r\nb\tc"), "a\\r\\nb c");
    assert_eq!(visible("\u{9b}2J\u{7f}"), "\\x9b2J\\x7f");
    assert_eq!(visible("x\u{202e}y"), "x\\u{202e}y");
    assert_eq!(visible("plain 東京 é"), "plain 東京 é");
}

#[test]
fn the_short_name_of_a_run_is_its_last_part() {
    assert_eq!(short_run("20260302-211405-x7k2q"), "x7k2q");
    assert_eq!(short_run("odd"), "odd");
    assert_eq!(short_run(""), "");
}
