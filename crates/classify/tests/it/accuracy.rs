//! Accuracy of the rules on labelled user agents, by source.
//!
//! `cargo test -p affluenza-classify --test it accuracy -- --nocapture` prints the tables. The
//! minimums are the accuracy that the project promises, not the current figures.
//!
//! The rules were written with one half of the rows, chosen by a hash of the string. The other
//! half, unseen until then, scored: recent traffic 1.000, other rows 0.967, bots 0.988, tablets
//! 0.940. Expect these figures for unknown user agents, not those below.

use std::collections::BTreeMap;
use std::fmt::Write;

use affluenza_classify::device::{Device, DeviceRules, Hints, classify};

/// Classes of a user agent.
const CLASSES: [Device; 5] = [
    Device::Desktop,
    Device::Smartphone,
    Device::Tablet,
    Device::Bot,
    Device::Other,
];

const CORPUS: &str = include_str!("../fixtures/user_agents.tsv");
const UNSEEN: &str = include_str!("../fixtures/unseen.tsv");
const UNSEEN_SCORES: &str = include_str!("../fixtures/unseen_scores.txt");
const FAMILIES: &str = include_str!("../fixtures/families.tsv");

struct Row {
    agent: &'static str,
    expected: Device,
    weight: f64,
    source: &'static str,
}

fn corpus() -> Vec<Row> {
    let rows = CORPUS.lines().filter(|line| !line.starts_with('#')).skip(1);
    rows.map(|line| {
        let columns: Vec<&'static str> = line.split('\t').collect();
        Row {
            agent: columns[0],
            expected: columns[1].parse().unwrap(),
            weight: columns[2].parse().unwrap(),
            source: columns[3],
        }
    })
    .collect()
}

/// Real browser traffic of the three newer snapshots.
fn is_recent_traffic(row: &Row) -> bool {
    row.source.starts_with("intoli") && !row.source.ends_with("@1.0.1000")
}

/// Confusion matrix: expected class by resulting class, in summed weights or rows.
#[derive(Default)]
struct Confusion([[f64; 5]; 5]);

impl Confusion {
    fn add(&mut self, expected: Device, found: Device, weight: f64) {
        self.0[expected as usize - 1][found as usize - 1] += weight;
    }

    fn accuracy(&self) -> f64 {
        let total: f64 = self.0.iter().flatten().sum();
        let right: f64 = (0..5).map(|class| self.0[class][class]).sum();
        right / total
    }

    fn recall(&self, class: Device) -> f64 {
        let row = &self.0[class as usize - 1];
        row[class as usize - 1] / row.iter().sum::<f64>()
    }

    fn print(&self, title: &str) {
        let mut text = format!(
            "\n{title}: accuracy {:.4}\n{:>12}",
            self.accuracy(),
            "expected"
        );
        for class in CLASSES {
            write!(text, "{:>12}", <&str>::from(class)).unwrap();
        }
        writeln!(text, "{:>12}", "recall").unwrap();
        for class in CLASSES {
            let row = &self.0[class as usize - 1];
            if row.iter().sum::<f64>() == 0.0 {
                continue;
            }
            write!(text, "{:>12}", <&str>::from(class)).unwrap();
            for count in row {
                write!(text, "{count:>12.1}").unwrap();
            }
            writeln!(text, "{:>12.4}", self.recall(class)).unwrap();
        }
        #[expect(clippy::print_stdout, reason = "the tables are to be read")]
        {
            println!("{text}");
        }
    }
}

#[test]
fn accuracy_by_source() {
    let mut by_source: BTreeMap<&str, Confusion> = BTreeMap::new();
    let mut recent = Confusion::default();
    let mut others = Confusion::default();
    let mut by_row = Confusion::default();
    for row in corpus() {
        let found = classify(row.agent, &Hints::NONE).device;
        let source = by_source.entry(row.source).or_default();
        source.add(row.expected, found, row.weight);
        let half = if is_recent_traffic(&row) {
            &mut recent
        } else {
            &mut others
        };
        half.add(row.expected, found, row.weight);
        by_row.add(row.expected, found, 1.0);
    }
    for (source, confusion) in &by_source {
        confusion.print(source);
    }
    recent.print("all recent traffic, by weight");
    others.print("all other rows, by weight");
    by_row.print("all rows, each once");

    assert!(
        recent.accuracy() >= 0.999,
        "recent traffic {}",
        recent.accuracy()
    );
    assert!(
        others.accuracy() >= 0.955,
        "other rows {}",
        others.accuracy()
    );
    assert!(
        by_row.recall(Device::Bot) >= 0.97,
        "bots {}",
        by_row.recall(Device::Bot)
    );
    assert!(
        by_row.recall(Device::Tablet) >= 0.92,
        "tablets {}",
        by_row.recall(Device::Tablet)
    );
}

/// Scores user agents that were collected after the rules. The first line of the scores is that of
/// rules that had not seen them.
#[test]
fn accuracy_of_user_agents_that_rules_were_not_written_with() {
    let mut all = Confusion::default();
    let mut by_source: BTreeMap<&str, Confusion> = BTreeMap::new();
    for line in UNSEEN.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.splitn(3, '\t').collect();
        let expected = columns[0].parse().unwrap();
        let found = classify(columns[2], &Hints::NONE).device;
        by_source
            .entry(columns[1])
            .or_default()
            .add(expected, found, 1.0);
        all.add(expected, found, 1.0);
    }
    for (source, confusion) in &by_source {
        confusion.print(source);
    }
    all.print("all that rules were not written with");
    let people = CLASSES.into_iter().filter(|class| *class != Device::Bot);
    let false_bots: f64 = people
        .map(|class| all.0[class as usize - 1][Device::Bot as usize - 1])
        .sum();
    let recalls = CLASSES.map(|class| format!(" {:.4}", all.recall(class)));
    let now = format!(
        "{} {:.4}{} {false_bots}",
        DeviceRules::in_use().version(),
        all.accuracy(),
        recalls.concat()
    );
    assert_eq!(
        UNSEEN_SCORES.lines().last(),
        Some(&*now),
        "the rules changed: add the line {now:?} to tests/fixtures/unseen_scores.txt"
    );
}

#[test]
fn no_real_browser_is_called_a_bot() {
    let browsers = corpus()
        .into_iter()
        .filter(|row| row.source.starts_with("intoli"));
    for row in browsers {
        let verdict = classify(row.agent, &Hints::NONE);
        assert!(
            verdict.device != Device::Bot && verdict.bot.is_none(),
            "{} by {}",
            row.agent,
            verdict.rule
        );
    }
}

#[test]
fn every_family_is_recognised() {
    let lines = FAMILIES.lines().filter(|line| !line.starts_with('#'));
    let wrong: Vec<String> = lines
        .filter_map(|line| {
            let (expected, agent) = line.split_once('\t').unwrap();
            let verdict = classify(agent, &Hints::NONE);
            (verdict.device != expected.parse().unwrap()).then(|| {
                format!(
                    "{expected}, not {} by {}: {agent}",
                    verdict.device, verdict.rule
                )
            })
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_bot_has_a_class_and_no_family() {
    for row in corpus() {
        let verdict = classify(row.agent, &Hints::NONE);
        assert_eq!(verdict.bot.is_some(), verdict.device == Device::Bot);
        if verdict.bot.is_some() {
            assert_eq!(
                (verdict.browser.into(), verdict.os.into()),
                ("other", "other")
            );
        }
    }
}
