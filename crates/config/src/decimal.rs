//! Decimal numbers as whole thousandths, read from text and written back without floats.

/// Reads a decimal such as `0.7` as thousandths (700). `None` when the text is no plain
/// decimal, has more than three significant places, is negative, or does not fit.
pub(crate) fn parse_milli(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let whole = whole.strip_prefix('+').unwrap_or(whole);
    let fraction = fraction.trim_end_matches('0');
    if whole.is_empty() || fraction.len() > 3 {
        return None;
    }
    if !(whole.bytes().chain(fraction.bytes())).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: u32 = format!("{fraction:0<3}").parse().ok()?;
    let whole: u32 = whole.parse().ok()?;
    whole.checked_mul(1000)?.checked_add(thousandths)
}

/// Writes thousandths as the shortest decimal with at least one place.
pub(crate) fn format_milli(milli: u32) -> String {
    let fraction = format!("{:03}", milli % 1000);
    let fraction = match fraction.trim_end_matches('0') {
        "" => "0",
        trimmed => trimmed,
    };
    format!("{}.{fraction}", milli / 1000)
}

#[cfg(test)]
mod tests {
    use super::{format_milli, parse_milli};
    use proptest::prelude::*;

    #[test]
    fn reads_plain_decimals_only() {
        for (text, milli) in [("0.7", 700), ("1", 1000), ("+2.050", 2050), ("0.001", 1)] {
            assert_eq!(parse_milli(text), Some(milli), "{text}");
        }
        for text in ["", ".5", "-0.1", "0.0001", "1e3", "nan", "inf", "5000000", "1.2.3"] {
            assert_eq!(parse_milli(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(milli: u32) {
            prop_assert_eq!(parse_milli(&format_milli(milli)), Some(milli));
        }

        #[test]
        fn any_text_is_safe(text in ".{0,20}") {
            if let Some(milli) = parse_milli(&text) {
                prop_assert_eq!(parse_milli(&format_milli(milli)), Some(milli));
            }
        }
    }
}
