//! Reads a time as nearly every event has it, in a third of the time that any RFC 3339 takes.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// The time of `YYYY-MM-DDTHH:MM:SS`, perhaps with a fraction, and `Z` or `±HH:MM`. `None`: it looks
/// otherwise, and may be right all the same.
pub(crate) fn usual(text: &str) -> Option<Timestamp> {
    let (date_time, rest) = text.as_bytes().split_first_chunk::<19>()?;
    let [
        y0,
        y1,
        y2,
        y3,
        b'-',
        m0,
        m1,
        b'-',
        d0,
        d1,
        b'T',
        h0,
        h1,
        b':',
        i0,
        i1,
        b':',
        s0,
        s1,
    ] = date_time
    else {
        return None;
    };
    let (nanoseconds, zone) = fraction(rest)?;
    let date_time = DateTime::new(
        i16::from(two(*y0, *y1)?) * 100 + i16::from(two(*y2, *y3)?),
        two(*m0, *m1)?,
        two(*d0, *d1)?,
        two(*h0, *h1)?,
        two(*i0, *i1)?,
        two(*s0, *s1)?,
        nanoseconds,
    );
    offset(zone)?.to_timestamp(date_time.ok()?).ok()
}

/// Nanoseconds, and what comes after them.
fn fraction(text: &[u8]) -> Option<(i32, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&digits) {
        return None;
    }
    let (fraction, zone) = text.split_at(digits);
    let value = fraction
        .iter()
        .fold(0, |value, byte| value * 10 + i32::from(byte - b'0'));
    Some((value * 10_i32.pow(9 - u32::try_from(digits).ok()?), zone))
}

fn offset(zone: &[u8]) -> Option<Offset> {
    match zone {
        b"Z" => Some(Offset::UTC),
        [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] => {
            let (hours, minutes) = (two(*h0, *h1)?, two(*m0, *m1)?);
            // Beyond these, what is allowed is for the general reading to say.
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = i32::from(hours) * 3_600 + i32::from(minutes) * 60;
            Offset::from_seconds(if *sign == b'-' { -seconds } else { seconds }).ok()
        }
        _ => None,
    }
}

fn two(tens: u8, ones: u8) -> Option<i8> {
    if !tens.is_ascii_digit() || !ones.is_ascii_digit() {
        return None;
    }
    i8::try_from((tens - b'0') * 10 + (ones - b'0')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What it reads is what jiff reads.
        #[test]
        fn it_agrees_with_jiff(
            second in -62_135_596_800_i64..253_402_300_799,
            fraction in prop::sample::select(vec!["", ".5", ".120", ".000001", ".999999999", "."]),
            zone in prop::sample::select(vec!["Z", "+02:00", "-11:30", "-00:00", "+24:00", "z", ""]),
            at in any::<prop::sample::Index>(),
            with in prop::sample::select(b"09+-.:TZ6 ".to_vec()),
        ) {
            let time = jiff::Timestamp::from_second(second).unwrap();
            let time = time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            let text = format!("{time}{fraction}{zone}");
            let mut damaged = text.clone().into_bytes();
            let at = at.index(damaged.len());
            damaged[at] = with;
            for text in [text, String::from_utf8(damaged).unwrap()] {
                if let Some(found) = usual(&text) {
                    prop_assert_eq!(Some(found), text.parse().ok(), "{}", text);
                }
            }
        }
    }

    #[test]
    fn usual_times_are_read() {
        for text in [
            "2017-03-26T10:00:00Z",
            "2017-03-26T10:00:00.123Z",
            "2017-03-26T10:00:00.123456789+02:00",
        ] {
            assert_eq!(usual(text), text.parse().ok(), "{text}");
            assert!(usual(text).is_some(), "{text}");
        }
        for text in [
            "2017-03-26 10:00:00Z",
            "2017-03-26T10:00:60Z",
            "20170326T100000Z",
            "2017-02-29T10:00:00Z",
        ] {
            assert_eq!(usual(text), None, "{text}");
        }
    }
}
