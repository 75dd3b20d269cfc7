use std::io::{self, BufRead, Read};

use affluenza_classify::device::{Device, DeviceRules, Hints};
use affluenza_classify::hours::{Band, date_since_1970};
use affluenza_event::{Activity, UnixMillis};
use affluenza_kafka::Offset;
use affluenza_pipeline::Classifier;
use affluenza_store::Fact;
use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::Value;

use super::rows::Rows;
use crate::args::Classify;
use crate::output;
use crate::settings::Settings;

/// Limit of a line, in bytes; the rest is skipped. The rules use the first 1,024 bytes of a user
/// agent, and an event has at most 64 KiB.
const LINE_BYTES_MAX: u64 = 128 * 1024;

pub fn run(settings: &Settings, args: &Classify) -> Result<()> {
    let mut out = Rows::to_stdout(args.format);
    if args.events {
        let mut classifier = super::classifier(settings)?;
        let (mut lines, mut refused) = (0_u64, 0_u64);
        for_each_line(|line| {
            let row = EventRow::of(line, &mut classifier);
            lines += 1;
            refused += u64::from(!row.refused.is_empty());
            out.write(&row)
        })?;
        if refused > 0 {
            output::say(&format!(
                "a consumer would refuse {refused} lines; the column `refused` has the reasons"
            ));
        }
        out.finish()?;
        ensure!(
            lines == 0 || refused < lines,
            "no line is an event that a consumer would accept"
        );
        return Ok(());
    }
    for_each_line(|line| out.write(&AgentRow::of(line)))?;
    out.finish()
}

/// Calls `show` for every non-empty line, without its end.
fn for_each_line(mut show: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .context("standard input")?;
        if read == 0 {
            return Ok(());
        }
        if !line.ends_with(b"\n") && line.len() as u64 == LINE_BYTES_MAX {
            input.skip_until(b'\n').context("standard input")?;
        }
        let text = line.trim_ascii_end();
        if !text.is_empty() {
            show(text)?;
        }
    }
}

/// User agent and its classification.
#[derive(Serialize)]
struct AgentRow<'l> {
    device: &'static str,
    rule: &'static str,
    bot: &'static str,
    browser: &'static str,
    os: &'static str,
    rules_version: &'static str,
    user_agent: std::borrow::Cow<'l, str>,
}

impl<'l> AgentRow<'l> {
    fn of(line: &'l [u8]) -> Self {
        let rules = DeviceRules::in_use();
        let verdict = rules.classify(line, &Hints::NONE);
        Self {
            device: verdict.device.into(),
            rule: verdict.rule.as_str(),
            bot: verdict.bot.map_or("", <&str>::from),
            browser: verdict.browser.into(),
            os: verdict.os.into(),
            rules_version: rules.version(),
            user_agent: String::from_utf8_lossy(line),
        }
    }
}

/// Classification of an event.
#[derive(Default, Serialize)]
struct EventRow {
    id: String,
    ente: String,
    portal: String,
    service: String,
    category: String,
    activity: &'static str,
    kind: &'static str,
    local_date: String,
    local_hour: u8,
    band: &'static str,
    device: &'static str,
    device_rule: String,
    country: String,
    region: String,
    rules: String,
    /// Reason of the refusal; empty for a valid event.
    refused: String,
}

impl EventRow {
    fn of(line: &[u8], classifier: &mut Classifier) -> Self {
        let rules = classifier.rules().to_owned();
        let id = serde_json::from_slice::<Value>(line)
            .ok()
            .and_then(|event| Some(output::masked(event.get("id")?.as_str()?)))
            .unwrap_or_default();
        // Accept times in the future, since the event is only classified.
        let event = match affluenza_event::parse(line, UnixMillis(i64::MAX)) {
            Ok(event) => event,
            Err(refusal) => {
                return Self {
                    id,
                    rules,
                    refused: format!("{}: {refusal}", refusal.code()),
                    ..Self::default()
                };
            }
        };
        let (activity, kind) = match event.activity {
            Activity::Access(_) => ("access", ""),
            Activity::ServiceUse(kind) => ("service-use", kind.into()),
        };
        classifier.classify(&event, Offset(0), |fact| Self {
            id,
            activity,
            kind,
            rules,
            ..Self::of_fact(fact)
        })
    }

    fn of_fact(fact: &Fact<'_>) -> Self {
        let attributes = fact.attributes;
        Self {
            ente: fact.ente.to_owned(),
            portal: fact.portal.to_owned(),
            service: fact.service.to_owned(),
            category: fact.category.to_owned(),
            local_date: date_since_1970(fact.local_date.into()).to_string(),
            local_hour: fact.local_hour,
            band: Band::from_repr(fact.band.unsigned_abs()).map_or("", <&str>::from),
            device: Device::from_repr(attributes.device.unsigned_abs()).map_or("", <&str>::from),
            device_rule: attributes.device_rule.to_owned(),
            country: attributes.country.to_owned(),
            region: attributes.region.to_owned(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Lines;

    #[test]
    fn any_content_stays_one_line() {
        let mut out = Rows::new(Lines::Tsv, Vec::new());
        for agent in ["curl/8.1", "a\tb\"c"] {
            out.write(&AgentRow::of(agent.as_bytes())).unwrap();
        }
        let Rows::Tsv(writer) = out else {
            unreachable!("it was made so")
        };
        let text = writer.into_inner().unwrap();
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(b'\t')
            .from_reader(&*text);
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(reader.headers().unwrap().get(0), Some("device"));
        assert_eq!(rows.len(), 2);
        assert_eq!(&rows[0][0], "bot");
        assert_eq!(rows[1].get(rows[1].len() - 1), Some("a\tb\"c"));
    }
}
