//! Questions: requests that were parsed and normalised, so that equal questions are equal values.

use std::collections::BTreeMap;
use std::sync::Arc;

use affluenza_disclosure::edition::PublicMeasure;
use affluenza_store::usage::{Dimension, KnownCodes, Selection, UNREGISTERED};
use strum::VariantArray;

use crate::cursor::Cursor;
use crate::period::Period;

/// A resource under `/v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, VariantArray)]
pub enum Resource {
    Usage,
    Categories,
    Enti,
    Matrix,
    TopServices,
    Variations,
    Hours,
    Bands,
    Devices,
    Logins,
    OfferedVersusUsed,
    Catalogue,
    Register,
    Live,
}

impl Resource {
    /// Returns the path under `/v1/`.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Categories => "categories",
            Self::Enti => "enti",
            Self::Matrix => "matrix",
            Self::TopServices => "top-services",
            Self::Variations => "variations",
            Self::Hours => "hours",
            Self::Bands => "bands",
            Self::Devices => "devices",
            Self::Logins => "logins",
            Self::OfferedVersusUsed => "offered-versus-used",
            Self::Catalogue => "catalogue",
            Self::Register => "register",
            Self::Live => "live",
        }
    }

    /// Returns the names of the parameters, without filters and `format`.
    pub fn parameters(self) -> Vec<&'static str> {
        const LIST: [&str; 4] = ["search", "order", "limit", "cursor"];
        const COUNTED: [&str; 4] = ["measure", "period", "compare", "count"];
        match self {
            Self::Usage => [&["group"], &COUNTED[..], &LIST].concat(),
            Self::Categories | Self::Enti | Self::Logins | Self::TopServices => {
                [COUNTED, LIST].concat()
            }
            Self::Matrix => [&COUNTED[..], &LIST, &["by_kind"]].concat(),
            Self::Devices => [&COUNTED[..], &LIST, &["trend"]].concat(),
            Self::Variations => [&["period", "compare", "count"], &LIST[..], &["state"]].concat(),
            Self::OfferedVersusUsed => [&["period", "count"], &LIST[..]].concat(),
            Self::Catalogue | Self::Register => [&["period"], &LIST[..]].concat(),
            Self::Hours | Self::Bands => vec!["period", "count"],
            Self::Live => vec!["minutes", "count"],
        }
    }

    /// Returns the dimensions that the resource can be filtered by.
    pub const fn filters(self) -> &'static [Dimension] {
        match self {
            Self::Live | Self::Register => &[Dimension::Ente],
            Self::Catalogue | Self::OfferedVersusUsed | Self::Variations => {
                &[Dimension::Ente, Dimension::Category, Dimension::Service]
            }
            Self::Usage
            | Self::Categories
            | Self::Enti
            | Self::Matrix
            | Self::TopServices
            | Self::Hours
            | Self::Bands
            | Self::Devices
            | Self::Logins => Dimension::ALL,
        }
    }
}

/// The quantity that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    ServiceUses,
    Accesses,
    Events,
    Users,
}

impl Measure {
    /// Every measure.
    pub const ALL: [Self; 4] = [Self::ServiceUses, Self::Accesses, Self::Events, Self::Users];

    /// Returns the name used in requests and columns.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServiceUses => "service_uses",
            Self::Accesses => "accesses",
            Self::Events => "events",
            Self::Users => "users",
        }
    }

    /// Returns the public figures of the measure.
    pub const fn published(self) -> Option<PublicMeasure> {
        match self {
            Self::ServiceUses => Some(PublicMeasure::Uses),
            Self::Accesses => Some(PublicMeasure::Accesses),
            Self::Events | Self::Users => None,
        }
    }

    /// Returns the unit of the counts.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::ServiceUses => "completed service uses",
            Self::Accesses => "accesses to pages and areas",
            Self::Events => "events",
            Self::Users => "distinct visitors of each day and ente, summed over days and enti",
        }
    }
}

/// A column to sort by, and the direction.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SortOrder {
    /// Column name.
    pub column: String,
    /// True if the greatest value comes first.
    pub descending: bool,
}

/// A parsed request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// Requested resource.
    pub resource: Resource,
    /// Period; `None` selects the newest year with figures.
    pub period: Option<Period>,
    /// Period to compare with.
    pub compare: Option<Compare>,
    /// True if bots are left out.
    pub people: bool,
    /// Quantity that is counted.
    pub measure: Measure,
    /// Dimensions of the rows, for [`Resource::Usage`] and for the trend of devices.
    pub group: Vec<Dimension>,
    /// True if the matrix has a column for each kind.
    pub by_kind: bool,
    /// Accepted values, by dimension.
    pub filters: BTreeMap<Dimension, Vec<String>>,
    /// Text that a code or a name of each row contains, as a comparison key.
    pub search: Option<String>,
    /// Order of the rows; `None` selects the resource's own order.
    pub order: Option<SortOrder>,
    /// Largest number of rows on a page.
    pub limit: usize,
    /// Start of the page; `None` starts with the first row.
    pub cursor: Option<Cursor>,
    /// Limits variations to one state.
    pub state: Option<&'static str>,
    /// Minutes of [`Resource::Live`], from 1 to 1440.
    pub minutes: u32,
}

/// The period of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compare {
    /// Compares with the same dates a year before.
    YearBefore,
    /// Compares with as many days, or whole months, just before.
    Before,
    /// Compares with another period.
    With(Period),
}

/// States of variations.
pub const STATES: [&str; 6] = [
    "NEW",
    "RETIRED",
    "UNUSED",
    "BROKEN",
    "UNREGISTERED",
    "CHANGED",
];

impl Question {
    /// Creates the question of a resource without parameters.
    pub(crate) fn new(resource: Resource) -> Self {
        Self {
            resource,
            period: None,
            compare: None,
            people: true,
            measure: match resource {
                Resource::Devices => Measure::Accesses,
                _ => Measure::ServiceUses,
            },
            group: Vec::new(),
            by_kind: false,
            filters: BTreeMap::new(),
            search: None,
            order: None,
            limit: match resource {
                Resource::TopServices => 20,
                _ => 1000,
            },
            cursor: None,
            state: None,
            minutes: 60,
        }
    }

    /// Returns the question for the events whose code of this dimension is not in the register.
    pub(crate) fn of_unregistered(mut self, dimension: Dimension) -> Self {
        let values = vec![UNREGISTERED.to_owned()];
        self.filters.insert(dimension, values);
        self
    }

    /// True if each visitor is in one row only, so that the users of all rows add up to the total.
    /// A visitor is identified for one day and one ente only.
    pub fn has_additive_rows(&self) -> bool {
        use Dimension::{Day, Ente, Month, Weekday, Year};
        let dimensions = self.dimensions();
        let mut dimensions = dimensions.iter();
        self.measure != Measure::Users
            || dimensions.all(|dimension| matches!(dimension, Day | Ente | Month | Weekday | Year))
    }

    /// Number of rows before the page.
    pub fn offset(&self) -> usize {
        self.cursor.map_or(0, |cursor| cursor.offset)
    }

    /// Returns the dimensions of the rows.
    pub fn dimensions(&self) -> Vec<Dimension> {
        match self.resource {
            Resource::Usage => self.group.clone(),
            Resource::Categories => vec![Dimension::Category],
            Resource::Enti => vec![Dimension::Ente],
            Resource::Matrix => vec![Dimension::Ente, Dimension::Category],
            Resource::TopServices => vec![Dimension::Service, Dimension::Category],
            Resource::Devices => {
                let mut group = self.group.clone();
                group.push(Dimension::Device);
                group
            }
            Resource::Logins => vec![Dimension::Login],
            _ => Vec::new(),
        }
    }

    /// Selects the events of a period that the question covers.
    pub(crate) fn selection(
        &self,
        period: Period,
        scope: Option<&[String]>,
        known: &Arc<KnownCodes>,
    ) -> Selection {
        Selection {
            known: known.clone(),
            days: period.selected(),
            people: self.people,
            scope: scope.map(<[String]>::to_vec),
            filters: self.filters.clone(),
        }
    }
}
