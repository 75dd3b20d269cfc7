//! Draws user agents with realistic frequencies.

use crate::random::{Random, Weighted};

/// Tablets per thousand smartphones and tablets. The corpus has ten per thousand; public bodies saw
/// more in those years.
const TABLETS_PERMILLE: u64 = 60;

/// Device class of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PersonDevice {
    Desktop,
    /// A smartphone or a tablet.
    Mobile,
}

/// Corpus of user agents, which are identified by their index.
pub(crate) struct Agents {
    texts: Vec<&'static str>,
    desktops: AgentGroup,
    smartphones: AgentGroup,
    tablets: AgentGroup,
    bots: AgentGroup,
}

/// User agents of one class, which are adjacent in the corpus.
struct AgentGroup {
    first: usize,
    weighted: Weighted,
}

impl Agents {
    pub(crate) fn new() -> Self {
        let mut texts = Vec::new();
        Self {
            desktops: AgentGroup::of("desktop", &mut texts),
            smartphones: AgentGroup::of("smartphone", &mut texts),
            tablets: AgentGroup::of("tablet", &mut texts),
            bots: AgentGroup::of("bot", &mut texts),
            texts,
        }
    }

    /// Draws a user agent for a person.
    pub(crate) fn person(&self, device: PersonDevice, random: &mut Random) -> u16 {
        let group = match device {
            PersonDevice::Desktop => &self.desktops,
            PersonDevice::Mobile if random.permille(TABLETS_PERMILLE) => &self.tablets,
            PersonDevice::Mobile => &self.smartphones,
        };
        group.draw(random)
    }

    /// Draws a user agent for a crawler.
    pub(crate) fn bot(&self, random: &mut Random) -> u16 {
        self.bots.draw(random)
    }

    pub(crate) fn text(&self, place: u16) -> &'static str {
        self.texts.get(usize::from(place)).copied().unwrap_or("")
    }
}

impl AgentGroup {
    /// Adds the user agents of `class` to `texts`.
    fn of(class: &str, texts: &mut Vec<&'static str>) -> Self {
        let first = texts.len();
        let mut weights = Vec::new();
        for row in rows().filter(|row| row.class == class) {
            texts.push(row.user_agent);
            weights.push(row.weight);
        }
        let weighted = Weighted::new(&weights);
        Self { first, weighted }
    }

    fn draw(&self, random: &mut Random) -> u16 {
        // The corpus has fewer than a thousand rows, so the index fits.
        (self.first + self.weighted.draw(random)) as u16
    }
}

struct CorpusRow {
    user_agent: &'static str,
    class: &'static str,
    weight: f64,
}

/// Rows of both files; `agents/README.md` names their sources.
fn rows() -> impl Iterator<Item = CorpusRow> {
    [
        include_str!("../agents/people.tsv"),
        include_str!("../agents/bots.tsv"),
    ]
    .into_iter()
    .flat_map(|file| file.lines().skip(1))
    .filter_map(|line| {
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
        let lines = |file: &str| file.lines().count() - 1;
        let all =
            lines(include_str!("../agents/people.tsv")) + lines(include_str!("../agents/bots.tsv"));
        assert_eq!(rows().count(), all);
        assert_eq!(Agents::new().texts.len(), all);
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
