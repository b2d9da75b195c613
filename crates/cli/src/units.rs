//! Numbers, sizes, durations and times as people read them.

use jiff::{Timestamp, tz::TimeZone};

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// A whole number with a comma between thousands.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and its noun: `1 task`, `2 tasks`.
pub fn count(value: u64, noun: &str) -> String {
    let ending = if value == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", number(value))
}

/// Milliseconds as a duration with at most two units: `850 ms`, `12.4 s`, `3 min 05 s`, `2 h 07 min`.
pub fn duration(ms: u64) -> String {
    match ms {
        0..SECOND_MS => format!("{ms} ms"),
        SECOND_MS..MINUTE_MS => format!("{}.{} s", ms / SECOND_MS, ms % SECOND_MS / 100),
        MINUTE_MS..HOUR_MS => {
            format!("{} min {:02} s", ms / MINUTE_MS, ms % MINUTE_MS / SECOND_MS)
        }
        HOUR_MS..DAY_MS => format!("{} h {:02} min", ms / HOUR_MS, ms % HOUR_MS / MINUTE_MS),
        DAY_MS.. => format!("{} d {:02} h", ms / DAY_MS, ms % DAY_MS / HOUR_MS),
    }
}

/// Milliseconds as a duration that does not flicker when shown again and again: whole seconds.
pub fn elapsed(ms: u64) -> String {
    if ms < MINUTE_MS { format!("{} s", ms / SECOND_MS) } else { duration(ms) }
}

/// Thousandths of a piece per second as a speed: `41.3/s`.
pub fn speed(per_second_milli: u64) -> String {
    format!("{}.{}/s", number(per_second_milli / 1000), per_second_milli % 1000 / 100)
}

/// Pieces per second, in thousandths; `None` where no time passed.
pub fn speed_milli(pieces: u64, ms: u64) -> Option<u64> {
    pieces.saturating_mul(1_000_000).checked_div(ms)
}

/// A size in bytes, in the largest unit that keeps it above one: `18.2 KiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return count(bytes, "byte");
    }
    let (mut whole, mut tenths, mut unit) = (bytes / 1024, bytes % 1024 * 10 / 1024, 0);
    while whole >= 1024 && unit + 1 < UNITS.len() {
        tenths = whole % 1024 * 10 / 1024;
        whole /= 1024;
        unit += 1;
    }
    format!("{}.{tenths} {}", number(whole), UNITS[unit])
}

/// Milliseconds since 1970 as RFC 3339, UTC, to the second.
pub fn rfc3339(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms - ms.rem_euclid(1000))
        .map_or_else(|_| String::new(), |moment| moment.to_string())
}

/// Milliseconds since 1970 as local date and time: `2026-03-01 14:03:22`.
pub fn date_time(ms: i64, zone: &TimeZone) -> String {
    Timestamp::from_millisecond(ms).map_or_else(
        |_| format!("{ms} ms"),
        |time| time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// How long ago something was: `3 min ago`, `just now`.
pub fn ago(then_ms: i64, now_ms: i64) -> String {
    let past = u64::try_from(now_ms.saturating_sub(then_ms)).unwrap_or(0);
    match past {
        0..SECOND_MS => "just now".to_owned(),
        SECOND_MS..MINUTE_MS => format!("{} s ago", past / SECOND_MS),
        MINUTE_MS..HOUR_MS => format!("{} min ago", past / MINUTE_MS),
        HOUR_MS..DAY_MS => format!("{} h ago", past / HOUR_MS),
        DAY_MS.. => format!("{} d ago", past / DAY_MS),
    }
}

/// Milliseconds from one wall-clock time to a later one; 0 where the clock went back.
pub fn between(from_ms: i64, to_ms: i64) -> u64 {
    u64::try_from(to_ms.saturating_sub(from_ms)).unwrap_or(0)
}
