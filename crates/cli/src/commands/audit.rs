use std::fmt::Write as _;

use affluenza_pipeline::audit::{
    Audit, AuditPeriod, Finding, ON_THEIR_WAY_MINUTES, UNREAD_SECONDS_MAX, UnreadRecords, audit,
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
    let mut period = args
        .period
        .as_deref()
        .map_or(Ok(AuditPeriod::ALL), parse_period)?;
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
    store.check_schema().await?;
    let mended = if args.repair {
        let mut classifier = super::classifier(settings)?;
        let stream = stream::present(&store, &platform.bus).await?;
        let bus = &platform.bus;
        let open = open_erasures(&store, bus, &stream).await?;
        let mut open = open.unwrap_or_default();
        Some(erase_again(&store, bus, &stream, &mut classifier, &mut open).await?)
    } else {
        None
    };
    Ok((audit(&store, &platform.bus, period).await?, mended))
}

/// Parses a year, a month or a day: `2017`, `2017-03`, `2017-03-26`; or `FROM..TO`, both included.
pub fn parse_period(text: &str) -> Result<AuditPeriod> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let days = days_of(from).and_then(|first| Ok((first, days_of(to)?)));
    let ((first, _), (_, last)) = days.with_context(|| {
        format!(
            "--period {text}: give a year, a month or a day, such as 2017, 2017-03 or 2017-03-26, or two of them as FROM..TO"
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

/// Returns the first and last day of a year, a month or a day.
fn days_of(text: &str) -> Result<(Date, Date)> {
    let parts: Vec<&str> = text.split('-').collect();
    let year = parts[0].parse::<i16>().context("not a year")?;
    Ok(match parts[1..] {
        [] => (Date::new(year, 1, 1)?, Date::new(year, 12, 31)?),
        [month] => {
            let first = Date::new(year, number(month)?, 1)?;
            (first, first.last_of_month())
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
    let erased: u64 = audit
        .partitions
        .iter()
        .map(|partition| partition.erased)
        .sum();
    let control: u64 = audit
        .partitions
        .iter()
        .map(|partition| partition.control)
        .sum();
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
        let _ = writeln!(text, "{}\n    -> {remedy}", sentence(finding));
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

fn sentence(finding: &Finding) -> String {
    match finding {
        Finding::FatesDoNotAddUp {
            partition,
            records_read,
            fates,
        } => {
            format!(
                "partition {partition}: {records_read} records were read, but {fates} have a fate"
            )
        }
        Finding::UnreadRecords(unread) => unread_sentence(unread),
        Finding::SchemaDiffers(fault) => fault.to_string(),
        Finding::TopicMissing { topic } => format!(
            "topic {topic} does not exist, so the next bad record stops its partition: create it, or run `affluenza migrate`"
        ),
        Finding::LedgerGap(gap) => format!(
            "partition {}: the ledger has no block for offsets {} to {}",
            gap.kafka_partition, gap.ends_at, gap.begins_at
        ),
        Finding::LedgerOverlap(gap) => format!(
            "partition {}: two blocks of the ledger share offsets {} to {}",
            gap.kafka_partition, gap.begins_at, gap.ends_at
        ),
        Finding::CommittedBeyondLedger {
            partition,
            committed_offset,
            ledger_next_offset,
        } => format!(
            "partition {partition}: the group reads on at {committed_offset}, but the ledger ends at {ledger_next_offset}"
        ),
        Finding::PlaceBehindLedger {
            partition,
            committed_offset,
            ledger_next_offset,
        } => format!(
            "partition {partition}: the group stands at {committed_offset}, but the ledger reaches to {ledger_next_offset}: reading on would count records twice"
        ),
        Finding::OffsetForgotten {
            partition,
            ledger_next_offset,
        } => format!(
            "partition {partition}: the group has no offset, but the ledger reaches to {ledger_next_offset}"
        ),
        Finding::DeletedUnread {
            partition,
            committed_offset,
            log_first_offset,
        } => format!(
            "partition {partition}: the next record to read is {committed_offset}, but the log begins at {log_first_offset}"
        ),
        Finding::LogShorter {
            partition,
            log_next_offset,
            ledger_next_offset,
        } => format!(
            "partition {partition}: the ledger reaches to {ledger_next_offset}, but the log ends at {log_next_offset}: it was truncated or restored to an older copy"
        ),
        Finding::LogDiffers {
            partition,
            first_offset,
            next_offset,
        } => format!(
            "partition {partition}: the log holds other records at offsets {first_offset} to {next_offset} than were read: it was restored to an older copy"
        ),
        Finding::OffsetsWithoutRecord(block) => format!(
            "partition {}, offsets {} to {}: {} offsets held no record, and there is no evidence that they are transaction markers, aborted records or compaction",
            block.kafka_partition,
            block.first_offset,
            block.next_offset,
            block.offsets()
        ),
        Finding::FactsMissing(block) => format!(
            "partition {}, offsets {} to {}: {} of {} facts are missing",
            block.kafka_partition,
            block.first_offset,
            block.next_offset,
            block.stored - block.facts,
            block.stored
        ),
        Finding::FactsTooMany(block) => format!(
            "partition {}, offsets {} to {}: {} facts of {} offsets instead of {}",
            block.kafka_partition,
            block.first_offset,
            block.next_offset,
            block.facts,
            block.offsets,
            block.stored
        ),
        Finding::FactsOutsideLedger(facts) => format!(
            "partition {}, offsets {} to {}: {} facts that no block of the ledger covers",
            facts.kafka_partition, facts.first_offset, facts.last_offset, facts.facts
        ),
        Finding::EventStoredTwice(copy) => format!(
            "partition {} offset {}, {}, day {}: the same event as partition {} offset {}",
            copy.kafka_partition,
            copy.kafka_offset,
            copy.ente,
            copy.day,
            copy.first_partition,
            copy.first_offset
        ),
        Finding::AggregateDiffers(cell) => {
            let hour = jiff::Timestamp::from_second(i64::from(cell.hour_start))
                .map_or_else(|_| cell.hour_start.to_string(), |hour| hour.to_string());
            format!(
                "hour {hour}, {}: the aggregate lacks {} events, {} accesses, {} service uses and {} users of the facts",
                cell.ente,
                cell.events_missing,
                cell.accesses_missing,
                cell.service_uses_missing,
                cell.users_missing
            )
        }
        Finding::MonthInDoubt(doubt) => format!(
            "month {}-{:02}: its hour rows may lack events or have some twice; a consumer or `affluenza audit --repair` compares them with the facts",
            doubt.month / 100,
            doubt.month % 100
        ),
        Finding::HoursDiffer(hours) => format!(
            "month {}, {}: its precalculated hours have {} users, or other accesses or uses; the aggregate has {} users",
            &hours.month[..7],
            hours.ente,
            hours.users_kept,
            hours.users
        ),
        Finding::ErasureOpen { id, ente, .. } => format!(
            "{ente}: erasure {id} is noted but was not applied to this database: erased events may be back"
        ),
        Finding::DayDiffers(day) => format!(
            "day {}, {}: {} events were stored according to the ledger, {} are facts",
            day.day, day.ente, day.stored, day.facts
        ),
    }
}

fn unread_sentence(unread: &UnreadRecords) -> String {
    let waiting = unread.waiting_seconds.map_or(String::new(), |seconds| {
        format!(", the first for {seconds} s")
    });
    format!(
        "partition {}, offsets {} to {}: records wait and are not read{waiting}: {}",
        unread.partition, unread.offset, unread.log_next_offset, unread.detail
    )
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
        for wrong in ["", "17-2017", "2017-13", "2017-02-30", "2018..2017", "x"] {
            assert!(parse_period(wrong).is_err(), "{wrong}");
        }
    }
}
