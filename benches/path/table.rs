//! The result, as a table of medians.

use std::fmt::Write;

use crate::Results;
use crate::contender::Contender;
use crate::measure::Measured;

pub fn of(results: &Results) -> String {
    let millions = results.events as f64 / 1e6;
    let mut text = format!(
        "\n{} events, medians of {} rounds; CPU seconds per million events\n\n| | seconds | events/s | own | ClickHouse | Kafka | together | peak MiB |\n|---|---|---|---|---|---|---|---|\n",
        results.events,
        results.rounds.len()
    );
    for contender in results.contenders.iter().copied() {
        let median = |value: fn(&Measured) -> f64| median(results, contender, value);
        let seconds = median(|m| m.wall.as_secs_f64());
        let _ = writeln!(
            text,
            "| {contender} | {seconds:.2} | {:.0} | {:.2} | {:.2} | {:.2} | {:.2} | {:.0} |",
            results.events as f64 / seconds,
            median(|m| m.own) / millions,
            median(|m| m.clickhouse) / millions,
            median(|m| m.kafka) / millions,
            median(Measured::cpu) / millions,
            median(|m| m.peak_mib)
        );
    }
    let all = |wanted: &[Contender]| wanted.iter().all(|who| results.contenders.contains(who));
    if all(&[Contender::Affluenza, Contender::AtLeastOnce]) {
        let cost = |value: fn(&Measured) -> f64| {
            let ratios = ratios(results, Contender::Affluenza, Contender::AtLeastOnce, value);
            (middle(ratios) - 1.0) * 100.0
        };
        let _ = writeln!(
            text,
            "\nthe protocol's cost, against plain at-least-once (medians of the rounds' ratios): time {:+.1}%, CPU {:+.1}%, own CPU {:+.1}%",
            cost(|m| m.wall.as_secs_f64()),
            cost(Measured::cpu),
            cost(|m| m.own)
        );
    }
    let cpu = |contender| median(results, contender, Measured::cpu);
    if all(&[Contender::Affluenza, Contender::Count, Contender::Insert]) {
        let limits = cpu(Contender::Count) + cpu(Contender::Insert);
        let _ = writeln!(
            text,
            "CPU against the two bare limits together: {:.2} times",
            cpu(Contender::Affluenza) / limits
        );
    }
    if all(&Contender::PARTS) && all(&[Contender::Affluenza]) {
        let parts = Contender::PARTS.map(|part| cpu(part) / millions);
        let (expected, seen) = (
            parts.iter().sum::<f64>(),
            cpu(Contender::Affluenza) / millions,
        );
        let [count, work, insert] = parts;
        let _ = writeln!(
            text,
            "CPU seconds per million events, expected: reading {count:.2} + own work {work:.2} + insert {insert:.2} = {expected:.2}; seen {seen:.2}"
        );
    }
    if all(&[Contender::Work]) {
        let own = median(results, Contender::Work, |m| m.own);
        let _ = writeln!(
            text,
            "decoded, classified and encoded on one core: {:.2} million events/s",
            millions / own
        );
    }
    for (contender, called) in [
        (Contender::KafkaEngine, "ClickHouse's Kafka engine, texts"),
        (
            Contender::KafkaColumns,
            "ClickHouse's Kafka engine, columns",
        ),
        (Contender::Collector, "the OpenTelemetry Collector"),
        (Contender::Flink, "Apache Flink"),
    ] {
        if all(&[Contender::Affluenza, contender]) {
            let _ = writeln!(
                text,
                "CPU against {called}: 1 to {:.1}",
                cpu(contender) / cpu(Contender::Affluenza)
            );
        }
    }
    text
}

fn values(results: &Results, contender: Contender, value: fn(&Measured) -> f64) -> Vec<f64> {
    let of_round = |round: &Vec<(Contender, Measured)>| {
        let mine = round.iter().find(|(who, _)| *who == contender);
        mine.map(|(_, measured)| value(measured))
    };
    results.rounds.iter().filter_map(of_round).collect()
}

fn median(results: &Results, contender: Contender, value: fn(&Measured) -> f64) -> f64 {
    middle(values(results, contender, value))
}

/// Returns the ratio of each round.
fn ratios(
    results: &Results,
    of: Contender,
    to: Contender,
    value: fn(&Measured) -> f64,
) -> Vec<f64> {
    let (of, to) = (values(results, of, value), values(results, to, value));
    of.iter().zip(to).map(|(of, to)| of / to).collect()
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
