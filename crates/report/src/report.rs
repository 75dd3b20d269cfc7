//! The report as a whole.

use affluenza_classify::hours::Zone;
use affluenza_register::Register;
use affluenza_store::figures::{Counted, YearFigures};
use jiff::civil::Date;
use serde::Serialize;

use crate::notice::{self, Notice};
use crate::seal::{Seal, SealNote, SealedYear};
use crate::tables::{CategoryRow, CrossTable, Devices, Hours, Places, ServiceRow, Totals};
use crate::text::{self, Language};

/// The usage tables of a year.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The year.
    pub year: i16,
    /// The year it is compared with, if any.
    pub compared_year: Option<i16>,
    /// Whose use is counted.
    pub counted: Counted,
    /// Which seal the figures are from; `None` when they are the present ones.
    pub seal: Option<SealNote>,
    /// Last day of the year, on which services offered are counted.
    pub offered_on: Date,
    /// Version of the register that gave names and services offered.
    pub register_version: String,
    /// Service uses in all.
    pub totals: Totals,
    /// Service uses by category.
    pub categories: Vec<CategoryRow>,
    /// Service uses by ente and category.
    pub usage: CrossTable,
    /// Accesses by class of device.
    pub devices: Devices,
    /// Accesses by where they came from.
    pub places: Places,
    /// Users by hour.
    pub hours: Hours,
    /// The services used most.
    pub top_services: Vec<ServiceRow>,
    /// Services offered by ente and category.
    pub offered: CrossTable,
    /// What a reader must know before trusting the figures.
    pub warnings: Vec<Notice>,
}

impl Report {
    /// The report of `year`, compared with another where its figures are given. Figures without
    /// any data are no base: then changes are `None`, and a notice says why.
    pub fn build(
        year: i16,
        counted: Counted,
        figures: &YearFigures,
        compared: Option<(i16, &YearFigures)>,
        register: &Register,
        zone: &Zone,
    ) -> Self {
        let before = compared.map(|(_, figures)| &*figures.usage);
        let before = before.filter(|cells| cells.iter().any(|cell| cell.service_uses > 0));
        // Jiff has no year beyond ±9999, and nobody a portal in it.
        let offered_on = Date::new(year, 12, 31).unwrap_or(Date::MAX);

        let totals = Totals::build(&figures.usage, before);
        let usage = CrossTable::usage(register, offered_on, &figures.usage);
        let devices = Devices::build(&figures.devices);
        let offered = CrossTable::offered(register, offered_on);
        debug_assert_eq!(usage.total, totals.kinds.service_uses, "enti add up");

        let mut warnings = Vec::new();
        if is_empty(figures) {
            warnings.push(Notice::NoData { year });
        }
        if let (Some((year, _)), None) = (compared, before) {
            warnings.push(Notice::NoDataToCompare { year });
        }
        let accesses = match counted {
            Counted::People => devices.accesses,
            Counted::All => devices.accesses + devices.bot_accesses,
        };
        let kinds = &totals.kinds;
        warnings.extend(notice::on_figures(figures, kinds, &usage, accesses));
        warnings.extend(notice::on_offer(
            register, offered_on, figures, &usage, &offered,
        ));

        Self {
            year,
            compared_year: compared.map(|(year, _)| year),
            counted,
            seal: None,
            offered_on,
            register_version: register.version().to_owned(),
            categories: CategoryRow::build(register, &figures.usage, before),
            hours: Hours::build(year, zone, &figures.bands, &figures.hours),
            top_services: ServiceRow::top(register, offered_on, &figures.services),
            places: Places::build(&figures.countries),
            totals,
            usage,
            devices,
            offered,
            warnings,
        }
    }

    /// The report of a closed year, as it was closed; compared with the year before, as that was
    /// then, or with `other`.
    pub fn sealed(
        seal: &Seal,
        sealed: &SealedYear,
        counted: Counted,
        other: Option<(i16, &YearFigures)>,
        zone: &Zone,
    ) -> Result<Self, affluenza_register::RegisterErrors> {
        let compared = other.unwrap_or((sealed.year - 1, sealed.figures_before.of(counted)));
        let figures = sealed.figures.of(counted);
        let register = sealed.register()?;
        Ok(Self {
            seal: Some(SealNote::of(seal, sealed)),
            ..Self::build(
                sealed.year,
                counted,
                figures,
                Some(compared),
                &register,
                zone,
            )
        })
    }

    /// Whether nothing was recorded in the year.
    pub fn is_empty(&self) -> bool {
        self.warnings
            .iter()
            .any(|notice| matches!(notice, Notice::NoData { .. }))
    }

    /// The report as JSON: numbers unrounded, `null` where there is no figure.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("the report has text keys only")
    }

    /// The report as text for a terminal of `width` columns (80 when unknown), without colours.
    pub fn to_text(&self, language: Language, width: usize) -> String {
        text::page(self, language, width)
    }
}

fn is_empty(figures: &YearFigures) -> bool {
    figures.usage.is_empty()
        && figures.services.is_empty()
        && figures.devices.is_empty()
        && figures.bands.is_empty()
        && figures.hours.is_empty()
}
