//! User agents with realistic frequencies. `agents/README.md` names their sources.

use rand::RngExt;

use crate::random::{Random, Weighted};

/// Tablets per thousand smartphones and tablets. The corpus has ten per thousand; public bodies saw
/// more in those years.
const TABLETS_PERMILLE: u32 = 60;

/// Device class of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PersonDevice {
    Desktop,
    /// A smartphone or a tablet.
    Mobile,
}

/// Corpus of user agents by class.
pub(crate) struct Agents {
    desktops: Weighted<&'static str>,
    smartphones: Weighted<&'static str>,
    tablets: Weighted<&'static str>,
    bots: Weighted<&'static str>,
}

impl Agents {
    pub(crate) fn new() -> Self {
        Self {
            desktops: of_class("desktop"),
            smartphones: of_class("smartphone"),
            tablets: of_class("tablet"),
            bots: of_class("bot"),
        }
    }

    /// Draws a user agent for a person.
    pub(crate) fn person(&self, device: PersonDevice, random: &mut Random) -> &'static str {
        let agents = match device {
            PersonDevice::Desktop => &self.desktops,
            PersonDevice::Mobile if random.random_ratio(TABLETS_PERMILLE, 1000) => &self.tablets,
            PersonDevice::Mobile => &self.smartphones,
        };
        agents.draw(random)
    }

    /// Draws a user agent for a crawler.
    pub(crate) fn bot(&self, random: &mut Random) -> &'static str {
        self.bots.draw(random)
    }
}

fn of_class(class: &str) -> Weighted<&'static str> {
    let rows = rows().filter(|row| row.class == class);
    Weighted::new(rows.map(|row| (row.user_agent, row.weight)))
        .expect("the corpus has user agents of each class")
}

struct CorpusRow {
    user_agent: &'static str,
    class: &'static str,
    weight: f64,
}

fn rows() -> impl Iterator<Item = CorpusRow> {
    let people = include_str!("../agents/people.tsv").lines().skip(1);
    let bots = include_str!("../agents/bots.tsv").lines().skip(1);
    people.chain(bots).filter_map(|line| {
        let mut fields = line.split('\t');
        Some(CorpusRow {
            user_agent: fields.next()?,
            class: fields.next()?,
            weight: fields.next()?.parse().ok()?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read() {
        let files = [
            include_str!("../agents/people.tsv"),
            include_str!("../agents/bots.tsv"),
        ];
        let lines = files.map(|file| file.lines().count() - 1);
        assert_eq!(rows().count(), lines.iter().sum::<usize>());
        assert!(rows().all(|row| row.weight > 0.0));
    }

    /// Rule for the corpus: label and text of a row must agree.
    #[test]
    fn labels_and_texts_agree() {
        for row in rows() {
            let has = |word: &str| row.user_agent.contains(word);
            let of_desktop = has("Windows NT") || has("Macintosh") || has("X11;");
            let of_mobile = has("Android") || has("iPhone") || has("iPad") || has("Mobile");
            let agrees = match row.class {
                "desktop" => of_desktop && !of_mobile,
                "smartphone" => has("iPhone") || (has("Android") && has("Mobile")),
                "tablet" => has("iPad") || (has("Android") && !has("Mobile")),
                _ => row.class == "bot",
            };
            assert!(agrees, "{} {}", row.class, row.user_agent);
            assert!(!has("@") && !has("\""), "{}", row.user_agent);
        }
    }
}
