use std::fmt::Write as _;

use affluenza_pipeline::audit::{
    Audit, AuditPeriod, ON_THEIR_WAY_MINUTES, UNREAD_SECONDS_MAX, audit,
};
use affluenza_pipeline::erase::{erase_again, open_erasures};
use affluenza_pipeline::{Reconciled, stream};
use affluenza_store::Store;
use anyhow::{Context, Result, bail};
use jiff::civil::Date;

use crate::args::{self, OutputFormat};
use crate::output;
use crate::platform::{Needs, Platform};
use crate::settings::Settings;

/// Limit of findings in text output; JSON lists all.
const LISTED_MAX: usize = 50;

pub fn run(settings: &Settings, args: &args::AuditArgs) -> Result<()> {
    let mut period = period_of(args.period.as_deref())?;
    period.on_their_way_minutes = args.on_their_way;
    period.unread_seconds_max = settings.consume.stuck_seconds;
    let (audit, mended) = super::with_platform(settings, Needs::BOTH, async |platform, _| {
        check(platform, settings, args, &period).await
    })?;
    output::print(&match args.format {
        OutputFormat::Json => json(&audit)?,
        OutputFormat::Text => text(&audit, mended.as_ref()),
    })?;
    if !audit.balanced {
        bail!(
            "{} finding(s): the accounts do not balance; each names the command that helps",
            audit.findings.len()
        );
    }
    Ok(())
}

async fn check(
    platform: &Platform,
    settings: &Settings,
    args: &args::AuditArgs,
    period: &AuditPeriod,
) -> Result<(Audit, Option<Reconciled>)> {
    let store = Store::new(&platform.store);
    store.admin().check_schema().await?;
    let mended = if args.repair {
        let mut classifier = super::classifier(settings)?;
        let stream = stream::present(store.ledger(), &platform.bus).await?;
        let bus = &platform.bus;
        let open = open_erasures(&store, bus, &stream).await?;
        let mut open = open.unwrap_or_default();
        Some(erase_again(&store, bus, &stream, &mut classifier, &mut open).await?)
    } else {
        None
    };
    Ok((audit(&store, &platform.bus, period).await?, mended))
}

/// Returns the period of an option. Default: all days.
pub fn period_of(option: Option<&str>) -> Result<AuditPeriod> {
    option.map_or(Ok(AuditPeriod::ALL), parse_period)
}

/// Parses a year, a quarter, a month or a day: `2017`, `2017-Q1`, `2017-03`, `2017-03-26`; or
/// `FROM..TO`, both included.
pub fn parse_period(text: &str) -> Result<AuditPeriod> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let days = days_of(from).and_then(|first| Ok((first, days_of(to)?)));
    let ((first, _), (_, last)) = days.with_context(|| {
        format!(
            "--period {text}: give a year, a quarter, a month or a day, such as 2017, 2017-Q1, 2017-03 or 2017-03-26, or two of them as FROM..TO"
        )
    })?;
    if last < first {
        bail!("--period {text}: it ends before it begins");
    }
    Ok(AuditPeriod {
        months: month_number(first)..=month_number(last),
        days: day_number(first)?..day_number(last)?.saturating_add(1),
        on_their_way_minutes: ON_THEIR_WAY_MINUTES,
        unread_seconds_max: UNREAD_SECONDS_MAX,
    })
}

/// Days since 1970.
fn day_number(date: Date) -> Result<u16> {
    let days = date.since(Date::new(1970, 1, 1)?)?.get_days();
    Ok(u16::try_from(days.max(0)).unwrap_or(u16::MAX))
}

fn month_number(date: Date) -> u32 {
    u32::from(date.year().unsigned_abs()) * 100 + u32::from(date.month().unsigned_abs())
}

fn number(text: &str) -> Result<i8> {
    text.parse().context("not a number")
}

/// Returns the first and last day of a year, a quarter, a month or a day.
fn days_of(text: &str) -> Result<(Date, Date)> {
    let parts: Vec<&str> = text.split('-').collect();
    let year = parts[0].parse::<i16>().context("not a year")?;
    Ok(match parts[1..] {
        [] => (Date::new(year, 1, 1)?, Date::new(year, 12, 31)?),
        [part] => {
            let quarter = part.strip_prefix(['Q', 'q']).map(number).transpose()?;
            let last =
                quarter.map_or_else(|| number(part), |quarter| Ok(quarter.saturating_mul(3)))?;
            let first = quarter.map_or(last, |_| last - 2);
            (
                Date::new(year, first, 1)?,
                Date::new(year, last, 1)?.last_of_month(),
            )
        }
        [month, day] => {
            let day = Date::new(year, number(month)?, number(day)?)?;
            (day, day)
        }
        _ => bail!("not a date"),
    })
}

fn text(audit: &Audit, mended: Option<&Reconciled>) -> String {
    let mut text = String::new();
    if let Some(done) = mended {
        let _ = writeln!(
            text,
            "repaired: {} facts restored, {} ledger rows, {} cells of the aggregate",
            done.facts_restored, done.ledger_rows, done.cells_corrected
        );
        for failure in &done.failures {
            let _ = writeln!(text, "not repaired: {failure}");
        }
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "{:>9} {:>12} {:>12} {:>12} {:>12} {:>10} {:>9} {:>11} {:>12} {:>8}",
        "partition",
        "ledger to",
        "read",
        "= stored",
        "+ duplicate",
        "+ rejected",
        "+ quar.",
        "facts",
        "committed",
        "lag"
    );
    for partition in &audit.partitions {
        let committed = partition
            .committed_offset
            .map_or_else(|| "–".to_owned(), |at| at.to_string());
        let lag = match (
            partition.log_next_offset,
            partition.committed_offset.or(partition.log_first_offset),
        ) {
            (Some(high), Some(at)) => (high - at).to_string(),
            _ => "past".to_owned(),
        };
        let _ = writeln!(
            text,
            "{:>9} {:>12} {:>12} {:>12} {:>12} {:>10} {:>9} {:>11} {:>12} {:>8}",
            partition.partition,
            partition.ledger_next_offset,
            partition.records_read,
            partition.stored,
            partition.duplicate,
            partition.rejected,
            partition.quarantined,
            partition.facts,
            committed,
            lag
        );
    }
    let _ = writeln!(
        text,
        "\naggregate compared with the facts: {} months",
        audit.months_compared
    );
    if let Some(first) = audit.compared_from {
        let (year, month) = (first / 100, first % 100);
        let _ = writeln!(
            text,
            "compared from {year}-{month:02} on: older facts expire"
        );
    }
    let partitions = audit.partitions.iter();
    let erased: u64 = partitions.clone().map(|one| one.erased).sum();
    let control: u64 = partitions.map(|one| one.control).sum();
    if control > 0 {
        let _ = writeln!(
            text,
            "offsets without a record of a producer: {control} (transaction markers, aborted records, compaction)"
        );
    }
    if erased > 0 {
        let _ = writeln!(
            text,
            "erased by order: {erased} events that had been stored"
        );
    }
    accepted(audit, &mut text);
    for finding in audit.findings.iter().take(LISTED_MAX) {
        let remedy = finding.remedy(audit);
        let _ = writeln!(text, "{finding}\n    -> {remedy}");
    }
    if audit.findings.len() > LISTED_MAX {
        let _ = writeln!(
            text,
            "… and {} more (--format json)",
            audit.findings.len() - LISTED_MAX
        );
    }
    for open in &audit.open_transactions {
        let _ = writeln!(text, "{}", super::transactions::sentence(open));
    }
    before_the_log(audit, &mut text);
    text.push_str(if audit.balanced {
        "balanced: every record is accounted for\n"
    } else {
        "NOT balanced\n"
    });
    text
}

/// Formats the audit as JSON, each finding with its remedy.
fn json(audit: &Audit) -> Result<String> {
    let mut document = serde_json::to_value(audit).context("an audit is JSON")?;
    let findings = document["findings"].as_array_mut();
    for (finding, json) in audit.findings.iter().zip(findings.into_iter().flatten()) {
        json["remedy"] = finding.remedy(audit).into();
    }
    serde_json::to_string_pretty(&document).context("an audit is JSON")
}

/// Lists the differences that operators accepted.
fn accepted(audit: &Audit, text: &mut String) {
    for one in &audit.accepted {
        let at = jiff::Timestamp::from_second(i64::from(one.accepted_at))
            .map_or_else(|_| one.accepted_at.to_string(), |at| at.to_string());
        let what = match &*one.what {
            "loss" => format!("{} records lost", one.records),
            "place" => "place of the group set".to_owned(),
            "log" => "log read as a new stream from then on".to_owned(),
            _ => format!("{} facts without a record removed", one.records),
        };
        let _ = writeln!(
            text,
            "accepted: partition {}, offsets {} to {}: {what}: {} ({}, {at})",
            one.kafka_partition, one.first_offset, one.next_offset, one.reason, one.accepted_by
        );
    }
}

/// Lists events that were lost or dropped before they reached the log.
fn before_the_log(audit: &Audit, text: &mut String) {
    for drops in &audit.reported_drops {
        let _ = writeln!(
            text,
            "dropped before the log, as {} producers reported: {} events of {}: {}",
            drops.producers, drops.events, drops.ente, drops.reason
        );
    }
    for gap in &audit.producer_gaps {
        let ranges: Vec<String> = gap
            .ranges
            .iter()
            .map(|(first, last)| match first == last {
                true => first.to_string(),
                false => format!("{first} to {last}"),
            })
            .collect();
        let _ = writeln!(
            text,
            "lost before the log: producer {} of {}/{} numbered {} events; {} never arrived, {} of them reported as dropped (numbers {})",
            gap.producer,
            gap.ente,
            gap.portal,
            gap.last_sequence,
            gap.missing,
            gap.reported,
            ranges.join(", ")
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_years_months_days_and_ranges() {
        let month = parse_period("2016-02").unwrap();
        assert_eq!(month.months, 201_602..=201_602);
        assert_eq!(month.days.len(), 29);
        assert_eq!(parse_period("2017").unwrap().days.len(), 365);
        assert_eq!(parse_period("2017-03-26..2017-04").unwrap().days.len(), 36);
        let quarter = parse_period("2016-Q1").unwrap();
        assert_eq!(
            (quarter.months, quarter.days.len()),
            (201_601..=201_603, 91)
        );
        for wrong in [
            "2017-Q0",
            "2017-Q5",
            "2017-Q99",
            "",
            "17-2017",
            "2017-13",
            "2017-02-30",
            "2018..2017",
            "x",
        ] {
            assert!(parse_period(wrong).is_err(), "{wrong}");
        }
    }
}
