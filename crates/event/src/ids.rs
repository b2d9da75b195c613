//! Identities: of runs across the machine, of everything else within one run.

use std::{fmt, str::FromStr};

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// The identity of a run: `yyyymmdd-hhmmss-xxxxx`, in UTC, so that names sort by time; see
/// [`RunId::after`] for clocks that go back.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

/// A text that is not a run's identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a run id (yyyymmdd-hhmmss-xxxxx): {0:?}")]
pub struct RunIdError(pub String);

/// Digits of the last part of a run id: no letters that look alike.
const TAIL_DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The last moment that an id can name: the end of the year 9999, in seconds since 1970.
const SECONDS_MAX: u64 = 253_402_300_799;

impl RunId {
    /// Builds an id from a wall clock (milliseconds since 1970, UTC) and random bits.
    pub fn new(unix_ms: u64, random: u32) -> Self {
        let seconds = (unix_ms / 1000).min(SECONDS_MAX);
        let (year, month, day) = civil_date(seconds / 86_400);
        let of_day = seconds % 86_400;
        let tail: String = (0..5)
            .map(|digit| TAIL_DIGITS[(random >> (digit * 5)) as usize & 31] as char)
            .collect();
        Self(format!(
            "{year:04}{month:02}{day:02}-{:02}{:02}{:02}-{tail}",
            of_day / 3600,
            of_day / 60 % 60,
            of_day % 60
        ))
    }

    /// Builds an id that sorts behind the newest one there is, whatever the clock says: where it
    /// went back, the id names the second after the newest.
    pub fn after(newest: Option<&Self>, unix_ms: u64, random: u32) -> Self {
        let id = Self::new(unix_ms, random);
        match newest {
            Some(newest) if id <= *newest => Self::new((newest.seconds() + 1) * 1000, random),
            Some(_) | None => id,
        }
    }

    /// The moment it names, in seconds since 1970.
    fn seconds(&self) -> u64 {
        let number = |from: usize, to: usize| {
            self.0[from..to].bytes().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
        };
        let days = day_number(number(0, 4), number(4, 6), number(6, 8));
        days * 86_400 + number(9, 11) * 3600 + number(11, 13) * 60 + number(13, 15)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Year, month and day of a day number since 1970 (proleptic Gregorian calendar).
fn civil_date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// The day number since 1970 of a date; what is no date, or before 1970, gives some number.
fn day_number(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year.saturating_sub(1) } else { year };
    let era = year / 400;
    let year_of_era = year % 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.saturating_sub(1);
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    (era * 146_097 + of_era).saturating_sub(719_468)
}

impl FromStr for RunId {
    type Err = RunIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = |index: usize, byte: u8| match index {
            8 | 15 => byte == b'-',
            0..=14 => byte.is_ascii_digit(),
            _ => TAIL_DIGITS.contains(&byte),
        };
        let fits = text.len() == 21 && text.bytes().enumerate().all(|(i, b)| shape(i, b));
        if fits { Ok(Self(text.to_owned())) } else { Err(RunIdError(text.to_owned())) }
    }
}

impl TryFrom<String> for RunId {
    type Error = RunIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident($inner:ty), $prefix:literal) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize,
            Deserialize,
        )]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

number_id!(
    /// A step of the run's graph: its index in the order of addition, from 0.
    StepId(u32), "step "
);
number_id!(
    /// One try at a step, from 1.
    Attempt(u32), "attempt "
);
number_id!(
    /// Something that touches the world, numbered in the order of starting, from 1.
    EffectId(u64), "#"
);
number_id!(
    /// A conversation with a model: an append-only list of messages; numbered from 1.
    ConversationId(u32), "conversation "
);
number_id!(
    /// A question to a person, numbered from 1.
    QuestionId(u32), "question "
);

/// One tool call of one model answer.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize,
)]
pub struct CallId {
    /// The model call whose answer asked for it.
    pub answer: EffectId,
    /// Its place in that answer, from 0.
    pub index: u32,
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.answer, self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_names_its_second_and_parses_back() {
        let id = RunId::new(1_795_195_597_123, 0x00ab_cdef);
        assert_eq!(id.as_str(), "20261120-172637-ffkqa");
        assert_eq!(id.as_str().parse::<RunId>(), Ok(id));
        assert_eq!(RunId::new(951_782_400_000, 0).as_str(), "20000229-000000-00000");
    }

    #[test]
    fn the_next_run_sorts_behind_whatever_the_clock_says() {
        let hour_ms = 3_600_000;
        let now_ms = 1_795_195_597_123;
        let newest = RunId::new(now_ms, 7);
        let text = |unix_ms| RunId::after(Some(&newest), unix_ms, 7).to_string();
        assert_eq!(text(now_ms + hour_ms), "20261120-182637-70000", "time goes on");
        assert_eq!(text(now_ms), "20261120-172638-70000", "the same moment and the same bits");
        assert_eq!(text(now_ms - hour_ms), "20261120-172638-70000", "an hour back");
        assert_eq!(text(0), "20261120-172638-70000", "1970");
        assert_eq!(RunId::after(None, 0, 7).to_string(), "19700101-000000-70000");
        let last_day = "20280228-235959-zzzzz".parse::<RunId>().unwrap();
        assert_eq!(RunId::after(Some(&last_day), 0, 0).as_str(), "20280229-000000-00000");
        let last_year = "20271231-235959-zzzzz".parse::<RunId>().unwrap();
        assert_eq!(RunId::after(Some(&last_year), 0, 0).as_str(), "20280101-000000-00000");
        let no_date = "00009999-999999-zzzzz".parse::<RunId>().unwrap();
        assert!(RunId::after(Some(&no_date), now_ms, 0) > no_date);
    }

    #[test]
    fn runs_of_a_clock_that_stands_or_jumps_are_in_order() {
        let mut newest = None;
        for unix_ms in [5, 5, 900_000_000_000, 4].into_iter().cycle().take(100) {
            let next = RunId::after(newest.as_ref(), unix_ms, 0);
            assert!(newest.is_none_or(|newest| newest < next), "{next}");
            newest = Some(next);
        }
        let end = RunId::new(u64::MAX, 0);
        assert_eq!(end.as_str(), "99991231-235959-00000");
        assert_eq!(end.as_str().parse::<RunId>(), Ok(end));
    }

    #[test]
    fn other_texts_are_no_run_ids() {
        for text in
            ["", "last", "20261120-172637", "20261120-172637-UPPER", "../../../etc/passwd00"]
        {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
    }
}
