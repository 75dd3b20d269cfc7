//! Face of the centre that publishes a report: its colours and logos.

mod colour;
mod logo;

pub use colour::{Colour, ReportColours};
pub(crate) use logo::LogoForm;
pub use logo::{Logo, LogoError};

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::document::Centre;

/// Logo of an accreditation or of a partner, on the last page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accreditation {
    /// SVG or PNG file.
    pub file: PathBuf,
    /// Name, which screen readers speak.
    pub name: String,
}

/// Settings of a centre, with its files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CentreFace {
    /// Settings.
    pub centre: Centre,
    /// Colours of all pages.
    pub colours: ReportColours,
    /// Logo on the first page.
    pub logo: Option<Arc<Logo>>,
    /// Logos on the last page.
    pub accreditations: Vec<Arc<Logo>>,
}

impl CentreFace {
    /// Reads the files of a centre.
    ///
    /// # Errors
    /// A file is no picture that can be printed safely.
    pub fn load(centre: Centre) -> Result<Self, LogoError> {
        let logo = match centre.logo.as_os_str().is_empty() {
            true => None,
            false => {
                let name = centre.mark();
                Some(Arc::new(Logo::read("report.logo", &centre.logo, &name)?))
            }
        };
        let mut accreditations = Vec::new();
        for (place, Accreditation { file, name }) in centre.accreditations.iter().enumerate() {
            let setting = format!("report.accreditations[{place}]");
            accreditations.push(Arc::new(Logo::read(&setting, file, name)?));
        }
        Ok(Self {
            colours: ReportColours::of(&centre.colour, &centre.compared_colour),
            centre,
            logo,
            accreditations,
        })
    }

    /// Returns the name for the cover.
    pub fn mark(&self) -> String {
        self.centre.mark()
    }
}
