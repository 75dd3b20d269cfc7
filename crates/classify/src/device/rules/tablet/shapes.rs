//! Forms of model numbers, for prefixes that alone would match too much.

/// `KFTT`, `KFAPWI`, `KFRASWI`: KF and two to five capitals.
pub(super) fn is_kindle_fire(agent: &[u8], _: usize, end: usize) -> bool {
    let capitals = run(agent, end, |byte| byte.is_ascii_uppercase());
    (2..=5).contains(&capitals) && !is_alphanumeric_at(agent, end + capitals)
}

/// `TB128FU`, `TB310XU`: TB, three digits, one or two letters.
pub(super) fn is_lenovo_tab(agent: &[u8], _: usize, end: usize) -> bool {
    let digits = run(agent, end, |byte| byte.is_ascii_digit());
    let letters = run(agent, end + digits, |byte| byte.is_ascii_uppercase());
    digits == 3 && (1..=2).contains(&letters)
}

/// `Lenovo A3500-H`, `A7-30HC`, `A10-70F`, `A2107A-H`, `A1_07`, but not phones such as `A6000`.
pub(super) fn is_lenovo_a_tablet(agent: &[u8], _: usize, end: usize) -> bool {
    let rest = &agent[end..];
    let models: [&[u8]; 12] = [
        b"1_07", b"2107", b"2109", b"3000-", b"3300-", b"3500-", b"5500-", b"7600-", b"7-", b"8-",
        b"10-", b"1010",
    ];
    models.iter().any(|model| rest.starts_with(model))
}

/// `AGS2-W09`: one digit after `-W0` or `-W1`, and before it a word of three to five capitals or
/// digits that begins with a capital.
pub(super) fn is_huawei_wifi_model(agent: &[u8], start: usize, end: usize) -> bool {
    let name = agent[..start]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        .count();
    let digits = run(agent, end, |byte| byte.is_ascii_digit());
    (3..=5).contains(&name) && digits == 1 && agent[start - name].is_ascii_uppercase()
}

/// The rest of a Huawei model: at most one digit, a hyphen, one to three capitals and a digit
/// (`AGS2-L09`, `BAH3-AL00`, `SCMR-L09`, `BZT3-AL00`).
pub(super) fn is_huawei_model(agent: &[u8], _: usize, end: usize) -> bool {
    let figure = run(agent, end, |byte| byte.is_ascii_digit());
    let hyphen = end + figure;
    let letters = run(agent, hyphen + 1, |byte| byte.is_ascii_uppercase());
    figure <= 1
        && agent.get(hyphen) == Some(&b'-')
        && (1..=3).contains(&letters)
        && agent
            .get(hyphen + 1 + letters)
            .is_some_and(u8::is_ascii_digit)
}

/// `23046RP50C`, `2405CRPFDG`: four digits from 2 (year and month) and a digit or letter before RP,
/// two to four digits or letters after it.
pub(super) fn is_xiaomi_pad(agent: &[u8], start: usize, end: usize) -> bool {
    let before = agent[..start]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let word = &agent[start - before..start];
    let after = run(agent, end, |byte| byte.is_ascii_alphanumeric());
    word.len() == 5
        && word[..4].iter().all(u8::is_ascii_digit)
        && word[0] == b'2'
        && (2..=4).contains(&after)
}

/// `TF300TG`, `SGP521`: three digits.
pub(super) fn has_three_digits(agent: &[u8], _: usize, end: usize) -> bool {
    run(agent, end, |byte| byte.is_ascii_digit()) == 3
}

/// `OPD2304`, `RMP2105`: four digits.
pub(super) fn has_four_digits(agent: &[u8], _: usize, end: usize) -> bool {
    run(agent, end, |byte| byte.is_ascii_digit()) == 4
}

/// `TZ70`: two or three digits.
pub(super) fn has_two_digits(agent: &[u8], _: usize, end: usize) -> bool {
    (2..=3).contains(&run(agent, end, |byte| byte.is_ascii_digit()))
}

/// `ME301T`, `ME173X`: three digits and a letter.
pub(super) fn is_asus_me(agent: &[u8], _: usize, end: usize) -> bool {
    let digits = run(agent, end, |byte| byte.is_ascii_digit());
    digits == 3 && agent.get(end + 3).is_some_and(u8::is_ascii_uppercase)
}

/// `K00E`, `K013`, `P01M`, `P00A`, `P024`: one or two more digits or capitals, then the end of the
/// word.
pub(super) fn is_asus_k(agent: &[u8], _: usize, end: usize) -> bool {
    let rest = run(agent, end, |byte| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit()
    });
    (1..=2).contains(&rest) && !is_alphanumeric_at(agent, end + rest)
}

/// `ARCHOS 101 G9`, `Archos 80 Xenon`, `Archos5`, `ARCHOS GEN10`, `Archos Hello 7`: a number that
/// no Archos phone had, or a series of tablets.
pub(super) fn is_archos_tablet(agent: &[u8], _: usize, end: usize) -> bool {
    let rest = &agent[end..agent.len().min(end + 24)];
    let digits_at = rest
        .iter()
        .position(u8::is_ascii_digit)
        .unwrap_or(rest.len());
    let number = rest[digits_at..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0_u32, |number, digit| number * 10 + u32::from(digit - b'0'));
    let is_series = [
        &b" GEN"[..],
        b" Hello",
        b" Oxygen 1",
        b" ChildPad",
        b" FamilyPad",
    ]
    .iter()
    .any(|series| rest.starts_with(series));
    is_series || (digits_at <= 7 && (number == 5 || number == 7 || number >= 70))
}

/// `9137W`: three more digits and a capital.
pub(super) fn is_alcatel_tablet(agent: &[u8], _: usize, end: usize) -> bool {
    let digits = run(agent, end, |byte| byte.is_ascii_digit());
    digits == 3 && agent.get(end + 3).is_some_and(u8::is_ascii_uppercase)
}

/// `d-42A`, `d-01K`: two digits and the letter of the year, then the end of the word.
pub(super) fn is_docomo_tablet(agent: &[u8], _: usize, end: usize) -> bool {
    run(agent, end, |byte| byte.is_ascii_digit()) == 2
        && agent.get(end + 2).is_some_and(u8::is_ascii_uppercase)
        && !is_alphanumeric_at(agent, end + 3)
}

/// `TM800W560L`: three digits, then a capital.
pub(super) fn is_nuvision(agent: &[u8], _: usize, end: usize) -> bool {
    run(agent, end, |byte| byte.is_ascii_digit()) == 3
        && agent.get(end + 3).is_some_and(u8::is_ascii_uppercase)
}

/// `DT9138B`: four digits and a capital.
pub(super) fn is_dragon_touch(agent: &[u8], _: usize, end: usize) -> bool {
    run(agent, end, |byte| byte.is_ascii_digit()) == 4
        && agent.get(end + 4).is_some_and(u8::is_ascii_uppercase)
}

/// `PA2170`, `PA2373`: PA2 and three digits.
pub(super) fn is_vivo_pad(agent: &[u8], _: usize, end: usize) -> bool {
    agent.get(end) == Some(&b'2') && run(agent, end, |byte| byte.is_ascii_digit()) == 4
}

/// `100005206`, `100071481`: item numbers of Walmart, of nine digits. Checks the last four.
pub(super) fn is_onn_tablet(agent: &[u8], _: usize, end: usize) -> bool {
    run(agent, end, |byte| byte.is_ascii_digit()) == 4
}

/// `Puffin/2.9737AT`, `Puffin/5.1IT`.
pub(super) fn is_puffin_tablet(agent: &[u8], _: usize, end: usize) -> bool {
    let version = run(agent, end, |byte| {
        byte.is_ascii_alphanumeric() || *byte == b'.'
    });
    matches!(agent[end..end + version], [.., b'A' | b'I', b'T'])
}

/// Counts the consecutive bytes from `at` that are `wanted`.
fn run(agent: &[u8], at: usize, wanted: impl Fn(&u8) -> bool) -> usize {
    agent.get(at..).map_or(0, |rest| {
        rest.iter().take_while(|byte| wanted(byte)).count()
    })
}

fn is_alphanumeric_at(agent: &[u8], at: usize) -> bool {
    agent.get(at).is_some_and(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::token::Shape;

    fn holds(shape: Shape, token: &str, agent: &str) -> bool {
        let start = agent.find(token).unwrap();
        shape(agent.as_bytes(), start, start + token.len())
    }

    #[test]
    fn tablets_have_the_shape_and_phones_do_not() {
        let cases: [(Shape, &str, &[&str], &[&str]); 9] = [
            (
                is_kindle_fire,
                "KF",
                &["KFTT)", "KFAPWI "],
                &["KFC", "KF1", "KFTTWIAB"],
            ),
            (
                is_lenovo_tab,
                "TB",
                &["TB128FU ", "TB310XU"],
                &["TB1", "TBA", "TB1280FU"],
            ),
            (
                is_huawei_wifi_model,
                "-W0",
                &["AGS2-W09)", "DBY-W09"],
                &["ab-W09", "X-W09", "AGS2-W0A"],
            ),
            (
                is_huawei_model,
                "AGS",
                &["AGS2-L09)", "AGS-W09", "AGS3-AL00"],
                &["AGS2", "AGSX-L09", "AGS22-L09"],
            ),
            (
                is_xiaomi_pad,
                "RP",
                &["23046RP50C ", "2405CRPFDG)"],
                &["RP50C", "13046RP50C", "2304RP50C"],
            ),
            (is_asus_k, "K01", &["K013 ", "K01E)"], &["K01", "K01ABC"]),
            (
                is_archos_tablet,
                "Archos",
                &["Archos 101 X", "Archos5 B", "Archos Hello 7"],
                &["Archos 50 D", "Archos 45", "Archos"],
            ),
            (
                is_vivo_pad,
                "PA",
                &["PA2170", "PA2373 "],
                &["PA217", "PA3170", "PAD"],
            ),
            (
                is_puffin_tablet,
                "Puffin/",
                &["Puffin/2.9AT Mobile", "Puffin/5.1IT"],
                &["Puffin/2.9AP", "Puffin/7.8"],
            ),
        ];
        for (shape, token, tablets, phones) in cases {
            for tablet in tablets {
                assert!(holds(shape, token, tablet), "{tablet}");
            }
            for phone in phones {
                assert!(!holds(shape, token, phone), "{phone}");
            }
        }
    }
}
