//! Findings as sentences and titles.

use std::cmp::Ordering;

use affluenza_words::{Language, WordArg};

use super::{ComparedShare, FIRST_PAGE, Growth, ServiceChange, Share, YearFinding};
use crate::period::ReportPeriod;
use crate::tables::CategoryMove;
use crate::text::harmless;

/// Argument of a message in place of a missing one. Messages select their form by it.
const NONE: &str = "none";

/// Arguments of a message.
type Words = Vec<WordArg<'static>>;

/// Returns the first findings of a period as sentences.
pub(crate) fn first_sentences(
    findings: &[YearFinding],
    language: Language,
    period: ReportPeriod,
) -> Vec<String> {
    let first = findings.iter().take(FIRST_PAGE);
    first
        .map(|finding| finding.sentence(language, period))
        .collect()
}

impl YearFinding {
    /// Returns the finding of a period as a sentence.
    pub fn sentence(&self, language: Language, period: ReportPeriod) -> String {
        let id = format!("finding-{}", self.id());
        language.say(&id, &self.words_in(language, period))
    }

    /// Returns the finding as the end of the title of its section.
    pub fn title(&self, language: Language, period: ReportPeriod) -> String {
        let id = format!("finding-{}.title", self.id());
        language.say(&id, &self.words_in(language, period))
    }

    fn words_in(&self, language: Language, period: ReportPeriod) -> Words {
        let mut words = Words::from(period.words(language));
        words.extend(self.words(language));
        words
    }

    /// Returns the end of the message's id.
    fn id(&self) -> &'static str {
        match self {
            Self::Growth(_) => "growth",
            Self::Contribution { .. } => "contribution",
            Self::Concentration { .. } => "concentration",
            Self::ServiceConcentration { .. } => "service-concentration",
            Self::EntiWithoutUses { .. } => "enti-without-uses",
            Self::ServicesWithoutUses { .. } => "services-without-uses",
            Self::StartedAndStopped { .. } => "turns",
            Self::Mobile(_) => "mobile",
            Self::OffHours(_) => "off-hours",
            Self::DigitalIdentity(_) => "digital-identity",
            Self::Categories { .. } => "categories",
            Self::TopServices { .. } => "top-services",
        }
    }

    fn words(&self, language: Language) -> Words {
        match self {
            Self::Growth(growth) => growth.words(language),
            Self::Contribution {
                growth,
                service,
                ente,
                change,
                rest_change_percent,
            } => {
                let ente = ente.as_ref().map(|ente| harmless(&ente.ente_name));
                let mut words = growth.words(language);
                words.extend([
                    ("service", service.shown(language).into()),
                    ("ente", ente.unwrap_or_else(|| NONE.to_owned()).into()),
                    ("difference", language.difference(*change).into()),
                    ("rest", language.fine_change(*rest_change_percent).into()),
                ]);
                words
            }
            Self::Concentration { ente, share } => {
                share.words(language, ("ente", harmless(&ente.ente_name).into()))
            }
            Self::ServiceConcentration { service, share } => {
                share.words(language, ("service", service.shown(language).into()))
            }
            Self::TopServices { services, share } => {
                share.words(language, ("services", (*services).into()))
            }
            Self::EntiWithoutUses {
                enti,
                enti_offering,
                services,
            } => vec![
                ("enti", (*enti).into()),
                ("offering", (*enti_offering).into()),
                ("services", (*services).into()),
            ],
            Self::ServicesWithoutUses {
                services,
                services_offered,
                service_uses_not_offered,
            } => vec![
                ("services", (*services).into()),
                ("offered", (*services_offered).into()),
                ("others", (*service_uses_not_offered).into()),
            ],
            Self::StartedAndStopped { started, stopped } => {
                turn_words(started.as_ref(), stopped.as_ref(), language)
            }
            Self::Categories { rising, falling } => {
                move_words(rising.as_ref(), falling.as_ref(), language)
            }
            Self::Mobile(compared) | Self::OffHours(compared) | Self::DigitalIdentity(compared) => {
                compared.words(language)
            }
        }
    }
}

impl Growth {
    fn words(&self, language: Language) -> Words {
        let trend = match self.service_uses.cmp(&self.compared_service_uses) {
            Ordering::Greater => "up",
            Ordering::Less => "down",
            Ordering::Equal => "flat",
        };
        let growth = language.change(Some(self.change_percent));
        vec![
            ("trend", trend.into()),
            ("uses", self.service_uses.into()),
            ("before", self.compared_service_uses.into()),
            ("compared", self.compared_year.to_string().into()),
            ("growth", growth.into()),
        ]
    }
}

impl Share {
    fn words(&self, language: Language, of: WordArg<'static>) -> Words {
        vec![
            of,
            ("part", self.part.into()),
            ("whole", self.whole.into()),
            ("share", language.share(Some(self.share_percent)).into()),
        ]
    }
}

impl ComparedShare {
    fn words(&self, language: Language) -> Words {
        let compared = ("compared", self.compared_year.to_string().into());
        let before = self.compared_share_percent;
        let before = before.map(|percent| language.share(Some(percent)));
        let mut words = self.share.words(language, compared);
        words.push(("before", before.unwrap_or_else(|| NONE.to_owned()).into()));
        words
    }
}

fn turn_words(
    started: Option<&ServiceChange>,
    stopped: Option<&ServiceChange>,
    language: Language,
) -> Words {
    let [new, old] = [started, stopped].map(|turn| {
        let name = turn.map(|turn| turn.name.shown(language));
        name.unwrap_or_default()
    });
    let [gained, lost] = [started, stopped].map(|turn| turn.map_or(0, |turn| turn.service_uses));
    vec![
        ("form", form(started.is_some(), stopped.is_some()).into()),
        ("started", new.into()),
        ("gained", gained.into()),
        ("stopped", old.into()),
        ("lost", lost.into()),
    ]
}

fn move_words(
    rising: Option<&CategoryMove>,
    falling: Option<&CategoryMove>,
    language: Language,
) -> Words {
    let [up, down] = [rising, falling].map(|moved| {
        let name = moved.map(|moved| moved.name.shown(language));
        name.unwrap_or_default()
    });
    let [rise, fall] =
        [rising, falling].map(|moved| language.change(moved.map(|moved| moved.change_percent)));
    vec![
        ("form", form(rising.is_some(), falling.is_some()).into()),
        ("rising", up.into()),
        ("rise", rise.into()),
        ("falling", down.into()),
        ("fall", fall.into()),
    ]
}

/// Returns the form of a message about a first and a second subject.
fn form(has_first: bool, has_second: bool) -> &'static str {
    match (has_first, has_second) {
        (true, true) => "both",
        (true, false) => "first",
        (false, _) => "second",
    }
}
