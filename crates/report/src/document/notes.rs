//! Notices as sentences.

use super::SectionWriter;
use crate::Notice;
use crate::text::harmless;

impl SectionWriter<'_> {
    /// Returns a notice as a sentence.
    pub(super) fn notice(self, notice: &Notice) -> String {
        match notice {
            Notice::NoData { year } => {
                self.say_with("note-no-data", &[("year", year.to_string().into())])
            }
            Notice::NoDataToCompare { year } => {
                let words = [("compared", year.to_string().into())];
                self.say_with("note-no-data-to-compare", &words)
            }
            Notice::NoAccesses { year } => {
                self.say_with("note-no-accesses", &[("year", year.to_string().into())])
            }
            Notice::SilentDays { ente, days, from } => self.say_with(
                "note-silent-days",
                &[
                    ("ente", harmless(&self.ente_name(ente)).into()),
                    ("days", (*days).into()),
                    ("from", self.language.day(from).into()),
                ],
            ),
            Notice::LevelShift {
                device,
                day,
                rules,
                before_percent,
                after_percent,
            } => self.say_with(
                "note-level-shift",
                &[
                    ("from", self.language.day(day).into()),
                    ("rules", harmless(rules).into()),
                    ("device", harmless(device).into()),
                    ("before", self.language.share(Some(*before_percent)).into()),
                    ("after", self.language.share(Some(*after_percent)).into()),
                ],
            ),
            Notice::MonthsInDoubt { months } => {
                let words = [("months", months.join(", ").into())];
                self.say_with("note-months-in-doubt", &words)
            }
            Notice::RecordsLost(loss) => self.say_with(
                "note-records-lost",
                &[
                    ("records", loss.records.into()),
                    ("from", self.language.day(&loss.from).into()),
                    ("to", self.language.day(&loss.to).into()),
                    ("reason", harmless(&loss.reason).into()),
                ],
            ),
            of_uses => self.notice_of_uses(of_uses),
        }
    }

    /// Returns a notice on uses of what is not registered or not offered as a sentence.
    fn notice_of_uses(self, notice: &Notice) -> String {
        let (id, uses, words) = match notice {
            Notice::UnregisteredUse { service_uses } => {
                ("note-unregistered-use", service_uses, Vec::new())
            }
            Notice::UnregisteredEnti { enti, service_uses } => (
                "note-unregistered-enti",
                service_uses,
                vec![("enti", (*enti).into())],
            ),
            Notice::UnknownCategory {
                category,
                service_uses,
            } => (
                "note-unknown-category",
                service_uses,
                vec![("category", harmless(category).into())],
            ),
            Notice::ServicesNotOffered {
                services,
                service_uses,
            } => (
                "note-services-not-offered",
                service_uses,
                vec![("services", (*services).into())],
            ),
            Notice::CategoriesNotOffered {
                enti,
                ente_categories,
                service_uses,
            } => (
                "note-categories-not-offered",
                service_uses,
                vec![
                    ("enti", (*enti).into()),
                    ("pairs", (*ente_categories).into()),
                ],
            ),
            of_sums => return self.notice_of_sums(of_sums),
        };
        let mut words = words;
        words.push(("uses", (*uses).into()));
        self.say_with(id, &words)
    }

    /// Returns a notice on totals that disagree as a sentence.
    fn notice_of_sums(self, notice: &Notice) -> String {
        let (id, [first, second]) = match *notice {
            Notice::KindsDoNotAddUp {
                service_uses,
                kinds_sum,
            } => ("note-kinds", [("uses", service_uses), ("sum", kinds_sum)]),
            Notice::ServiceUsesDisagree {
                by_ente,
                by_service,
            } => (
                "note-uses-disagree",
                [("uses", by_ente), ("other", by_service)],
            ),
            Notice::AccessesDisagree { by_device, by_band } => (
                "note-visits-disagree",
                [("visits", by_device), ("other", by_band)],
            ),
            Notice::UsersDisagree { by_band, by_hour } => (
                "note-users-disagree",
                [("users", by_band), ("other", by_hour)],
            ),
            _ => return String::new(),
        };
        let words = [first, second].map(|(name, count)| (name, count.into()));
        self.say_with(id, &words)
    }

    fn ente_name(self, code: &str) -> String {
        let enti = self.report.accesses.enti.iter();
        let mut known = enti.map(|row| &row.name).filter(|name| name.ente == code);
        known.next().map_or(code, |name| &name.ente_name).to_owned()
    }
}
