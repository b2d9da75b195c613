//! Moments as people write them.

use jiff::{Timestamp, Zoned, civil};
use lao_port::ActionError;

/// Milliseconds since 1970 of a moment: RFC 3339; a date and a time of day where this machine is;
/// a time of day, today or (where it is past) tomorrow; milliseconds since 1970.
pub(super) fn of(text: &str, now: &Zoned) -> Result<i64, ActionError> {
    let text = text.trim();
    find(text, now).map(Timestamp::as_millisecond).ok_or_else(|| {
        ActionError::file(format!(
            "{text:?} is no moment; write it like 2027-03-01T18:30:00+01:00, 2027-03-01 18:30, \
             18:30, or as milliseconds since 1970"
        ))
    })
}

fn find(text: &str, now: &Zoned) -> Option<Timestamp> {
    if let Ok(ms) = text.parse::<i64>() {
        return Timestamp::from_millisecond(ms).ok();
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let here = |local: civil::DateTime| local.to_zoned(now.time_zone().clone()).ok();
    if let Ok(local) = text.parse::<civil::DateTime>() {
        return here(local).map(|moment| moment.timestamp());
    }
    let time: civil::Time = text.parse().ok()?;
    let today = here(now.date().to_datetime(time))?;
    let next =
        if today < *now { here(now.date().tomorrow().ok()?.to_datetime(time))? } else { today };
    Some(next.timestamp())
}

#[cfg(test)]
mod tests {
    use jiff::{
        Timestamp, Zoned,
        tz::{self, TimeZone},
    };

    use super::of;

    /// Half past noon at UTC+2.
    fn now() -> Zoned {
        let moment: Timestamp = "2027-03-01T10:30:00Z".parse().unwrap();
        moment.to_zoned(TimeZone::fixed(tz::offset(2)))
    }

    #[test]
    fn moments_are_read_in_every_form() {
        for (text, same) in [
            ("2027-03-01T18:30:00Z", "2027-03-01T18:30:00Z"),
            ("2027-03-01t18:30:00.250+05:30", "2027-03-01T13:00:00.250Z"),
            (" 2027-03-01 18:30 ", "2027-03-01T16:30:00Z"),
            ("2027-03-01T18:30:05", "2027-03-01T16:30:05Z"),
            ("2027-03-02", "2027-03-01T22:00:00Z"),
            ("18:30", "2027-03-01T16:30:00Z"),
            ("12:30", "2027-03-01T10:30:00Z"),
            ("12:29", "2027-03-02T10:29:00Z"),
            ("00:00:30", "2027-03-01T22:00:30Z"),
            ("1803925800000", "2027-03-01T18:30:00Z"),
        ] {
            let same: Timestamp = same.parse().unwrap();
            assert_eq!(of(text, &now()).unwrap(), same.as_millisecond(), "{text}");
        }
        assert_eq!(of("-1", &now()).unwrap(), -1);
    }

    #[test]
    fn what_is_no_moment_is_refused_with_examples() {
        for text in
            ["", "soon", "25:00", "2027-13-01", "18:30 tomorrow", "9223372036854775807", "1e3"]
        {
            let error = of(text, &now()).unwrap_err();
            assert!(error.message.contains("18:30, or as milliseconds"), "{text}: {error}");
        }
    }
}
