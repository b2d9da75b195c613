//! Cron expressions in a time zone: which moment comes next.
//!
//! Where clocks are put forward, a moment at a fixed time that is left out comes as the first one
//! after the gap, and one of many (`*/15 * * * *`) not at all. Where they are put back, a moment at a
//! fixed time comes once, the first time, and one of many comes both times.

use croner::{CronPattern, Weekday, parser::CronParser};
use jiff::{
    Timestamp, ToSpan,
    civil::{Date, date},
    tz::TimeZone,
};

/// Short forms, and what they stand for.
const NICKNAMES: &[(&str, &str)] = &[
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// The fields in their order, seconds first: name, range, example.
const FIELDS: [(&str, &str, &str); 6] = [
    ("second", "0 to 59", "`0` or `*/10`"),
    ("minute", "0 to 59", "`30` or `*/15`"),
    ("hour", "0 to 23", "`7` or `8-18`"),
    ("day of the month", "1 to 31, or `L` for the last", "`1` or `1,15`"),
    ("month", "1 to 12, or `jan` to `dec`", "`*` or `mar-oct`"),
    ("weekday", "0 to 7 (0 and 7 are Sunday), or `sun` to `sat`", "`mon-fri` or `1#1`"),
];

/// Years in which every date meets every weekday: an expression without a day in them has none ever.
const YEARS: std::ops::Range<i16> = 2000..2028;

/// A cron expression that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// Too many fields, or too few.
    #[error(
        "`{expression}` has {found} fields: write minute, hour, day, month and weekday, as in \
         `0 7 * * mon-fri`, or a second before them"
    )]
    Fields {
        /// As it is written.
        expression: String,
        /// How many.
        found: usize,
    },
    /// One field is wrong.
    #[error("`{text}` is no {field} (field {number} of `{expression}`): {range}, as in {example}")]
    Field {
        /// As it is written.
        expression: String,
        /// Which field, from 1.
        number: usize,
        /// What it says.
        text: String,
        /// What it should be.
        field: &'static str,
        /// What is possible.
        range: &'static str,
        /// What could be written.
        example: &'static str,
    },
    /// A short form that there is not.
    #[error("there is no schedule `{name}`: @hourly, @daily, @weekly, @monthly and @yearly are")]
    Nickname {
        /// What is written.
        name: String,
    },
    /// Each field is right, and together they name no day.
    #[error("`{expression}` never comes: no such day is in any year")]
    Never {
        /// As it is written.
        expression: String,
    },
    /// A time zone that there is not.
    #[error(
        "there is no time zone `{name}`: it is named as `Europe/Berlin`, `America/New_York` or `UTC`"
    )]
    Zone {
        /// What is written.
        name: String,
    },
}

/// A checked cron expression with its time zone.
#[derive(Debug, Clone)]
pub struct Cron {
    cron: croner::Cron,
    zone: TimeZone,
}

impl Cron {
    /// Reads five fields (minute, hour, day, month, weekday), six with seconds before, or a short form
    /// such as `@daily`; `zone` by its name, the machine's where missing.
    pub fn read(expression: &str, zone: Option<&str>) -> Result<Self, CronError> {
        let zone = match zone {
            None => TimeZone::system(),
            Some(name) => {
                TimeZone::get(name).map_err(|_| CronError::Zone { name: name.to_owned() })?
            }
        };
        let expression = expression.trim();
        let plain = match NICKNAMES.iter().find(|(name, _)| expression.eq_ignore_ascii_case(name)) {
            Some((_, plain)) => plain,
            None if expression.starts_with('@') => {
                return Err(CronError::Nickname { name: expression.to_owned() });
            }
            None => expression,
        };
        let fields: Vec<&str> = plain.split_whitespace().collect();
        if !(5..=6).contains(&fields.len()) {
            let found = fields.len();
            return Err(CronError::Fields { expression: expression.to_owned(), found });
        }
        check_fields(expression, &fields)?;
        let never = || CronError::Never { expression: expression.to_owned() };
        let cron = CronParser::new().parse(&fields.join(" ")).map_err(|_| never())?;
        // The search for a day that never comes takes minutes.
        if !has_day(&cron.pattern) {
            return Err(never());
        }
        Ok(Self { cron, zone })
    }

    /// The first moment after `ms` (milliseconds since 1970); `None` at the end of all time.
    pub fn next_after(&self, ms: i64) -> Option<i64> {
        let from = Timestamp::from_millisecond(ms).ok()?.to_zoned(self.zone.clone());
        let next = self.cron.find_next_occurrence(&from, false).ok()?;
        let next_ms = next.timestamp().as_millisecond();
        // Whatever a time zone does, time goes on.
        (next_ms > ms).then_some(next_ms)
    }
}

/// Whether any day is meant.
fn has_day(pattern: &CronPattern) -> bool {
    let first = date(YEARS.start, 1, 1);
    let mut days = first.series(1.day()).take_while(|day| day.year() < YEARS.end);
    days.any(|day| is_day(pattern, day).unwrap_or(false))
}

fn is_day(pattern: &CronPattern, day: Date) -> Option<bool> {
    let month = u32::try_from(day.month()).ok()?;
    let of_month = u32::try_from(day.day()).ok()?;
    let weekday = u32::try_from(day.weekday().to_sunday_zero_offset()).ok()?;
    let weekday = Weekday::from_days_from_sunday(weekday);
    let is_month = pattern.month_match(month).ok()?;
    Some(is_month && pattern.day_match(day.year().into(), month, of_month, weekday).ok()?)
}

/// Looks at one field after the other, the rest left open, so that an error names its place.
fn check_fields(expression: &str, fields: &[&str]) -> Result<(), CronError> {
    let seconds = FIELDS.len() - fields.len();
    for (index, text) in fields.iter().enumerate() {
        let (field, range, example) = FIELDS[index + seconds];
        let mut alone = ["*"; FIELDS.len()];
        alone[index + seconds] = text;
        // What has an empty part is let through, and searched for ever.
        let is_odd = text.contains('@') || text.split(',').any(str::is_empty);
        if is_odd || CronParser::new().parse(&alone.join(" ")).is_err() {
            return Err(CronError::Field {
                expression: expression.to_owned(),
                number: index + 1,
                text: (*text).to_owned(),
                field,
                range,
                example,
            });
        }
    }
    Ok(())
}
