//! A first table of enti from the public index of bodies (IndicePA) and the residents of Istat.

use std::collections::{BTreeMap, HashMap};

use csv::{StringRecord, Writer};
use thiserror::Error;

use crate::check::is_code;
use crate::model::EnteKind;
use crate::sheet::CsvSheet;

/// Legal form of a municipality in the index. Its category also has consortia of municipalities.
const FORM_OF_COMUNE: &str = "2430";
/// Source of the residents.
const SOURCE_OF_RESIDENTS: &str = "Istat";
/// Age with which Istat marks the residents of all ages.
const ALL_AGES: &str = "999";
/// Lines above the column names in Istat's files, at most.
const TITLES_MAX: usize = 10;

/// File without a column that is needed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no column {column:?}: {remedy}")]
pub struct MissingIndexColumn {
    /// Name of the column.
    pub column: &'static str,
    remedy: &'static str,
}

/// Body of the index that is left out, or is incomplete.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IndexDoubt {
    /// The code is not one that events can carry.
    #[error("line {line}: {code:?} is no code for the register: left out")]
    Code {
        /// Line of the index.
        line: usize,
        /// Code as written.
        code: String,
    },
    /// A body in the category of municipalities with another legal form.
    #[error("line {line}: {code}: legal form {form}, which is not that of a comune: left out")]
    LegalForm {
        /// Line of the index.
        line: usize,
        /// IPA code.
        code: String,
        /// Legal form as written.
        form: String,
    },
    /// A body with the Istat code of another one.
    #[error("line {line}: {code}: Istat code {istat} is that of {other}: left out")]
    RepeatedIstat {
        /// Line of the index.
        line: usize,
        /// IPA code.
        code: String,
        /// Istat code.
        istat: String,
        /// IPA code of the other body.
        other: String,
    },
    /// A municipality that the file of residents does not have.
    #[error("line {line}: {code}: no residents for Istat code {istat:?}: imported without them")]
    Residents {
        /// Line of the index.
        line: usize,
        /// IPA code.
        code: String,
        /// Istat code as written.
        istat: String,
    },
}

/// Enti made from the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedEnti {
    /// CSV file for `files.enti` of a register.
    pub csv: String,
    /// Number of enti in it.
    pub enti: usize,
    /// Bodies left out or incomplete, in the order of the index.
    pub doubts: Vec<IndexDoubt>,
    /// Number of bodies left out because the register has no kind for their category.
    pub other_categories: BTreeMap<String, usize>,
}

/// Residents of municipalities by Istat code.
#[derive(Debug, Clone, Default)]
pub struct Residents {
    by_istat: HashMap<String, u32>,
    year: i16,
}

impl Residents {
    /// Reads a CSV file with the columns `Codice comune` and `Totale`, such as Istat's resident
    /// population by age (POSAS); with a column `Età`, only its totals count. Lines without a number
    /// are notes.
    pub fn read(text: &str, year: i16) -> Result<Self, MissingIndexColumn> {
        let mut sheet = CsvSheet::new(without_titles(text));
        let column = |column| {
            let remedy =
                "take the resident population by age of all municipalities from demo.istat.it";
            let missing = MissingIndexColumn { column, remedy };
            sheet.column(column).ok_or(missing)
        };
        let (code, total) = (column(ISTAT_OF_RESIDENTS)?, column("Totale")?);
        let age = sheet.column("Età");
        let mut by_istat = HashMap::new();
        let mut fields = StringRecord::new();
        while sheet.read(&mut fields).is_some() {
            let is_total = age.is_none_or(|age| fields.get(age) == Some(ALL_AGES));
            let residents = fields.get(total).and_then(|total| total.parse().ok());
            if let (true, Some(code), Some(residents)) = (is_total, fields.get(code), residents) {
                by_istat.insert(format!("{code:0>6}"), residents);
            }
        }
        Ok(Self { by_istat, year })
    }
}

/// Column of the Istat code in the file of residents.
const ISTAT_OF_RESIDENTS: &str = "Codice comune";

/// Returns the text from the line with the column names.
fn without_titles(text: &str) -> &str {
    let mut start = 0;
    for line in text.split_inclusive('\n').take(TITLES_MAX) {
        if line.contains(ISTAT_OF_RESIDENTS) {
            return text.get(start..).unwrap_or(text);
        }
        start += line.len();
    }
    text
}

/// Reads the data set `enti` of the index. `provinces` are the first digits of Istat codes; without
/// any, the bodies of all Italy are read.
pub fn import_enti(
    index: &str,
    residents: Option<&Residents>,
    provinces: &[String],
) -> Result<ImportedEnti, MissingIndexColumn> {
    let (mut bodies, mut other_categories) = (Vec::new(), BTreeMap::new());
    let mut doubts = Vec::new();
    for listed in listed_bodies(index)? {
        if !provinces.is_empty()
            && !provinces
                .iter()
                .any(|it| listed.istat.starts_with(it.as_str()))
        {
            continue;
        }
        let Some(kind) = kind(&listed.category) else {
            *other_categories.entry(listed.category).or_default() += 1;
            continue;
        };
        let (line, code) = (listed.line, listed.code.clone());
        let form = listed.form.clone();
        if !is_code(&code) {
            doubts.push(IndexDoubt::Code { line, code });
        } else if kind == EnteKind::Comune && !matches!(&*form, "" | FORM_OF_COMUNE) {
            doubts.push(IndexDoubt::LegalForm { line, code, form });
        } else {
            bodies.push((kind, listed));
        }
    }
    // Of two bodies with one Istat code, that of the usual IPA code is the municipality.
    bodies.sort_by_key(|(_, body)| !body.has_usual_code());
    let mut by_istat: HashMap<String, String> = HashMap::new();
    bodies.retain(|(kind, body)| {
        if *kind != EnteKind::Comune || body.istat.is_empty() {
            return true;
        }
        let other = by_istat.entry(body.istat.clone());
        let other = other.or_insert_with(|| body.code.clone());
        if *other != body.code {
            doubts.push(IndexDoubt::RepeatedIstat {
                line: body.line,
                code: body.code.clone(),
                istat: body.istat.clone(),
                other: other.clone(),
            });
        }
        *other == body.code
    });
    bodies.sort_by(|(_, a), (_, b)| a.code.cmp(&b.code));
    let csv = written(&bodies, residents, &mut doubts);
    doubts.sort_by_key(IndexDoubt::line);
    Ok(ImportedEnti {
        csv,
        enti: bodies.len(),
        doubts,
        other_categories,
    })
}

impl IndexDoubt {
    fn line(&self) -> usize {
        match self {
            Self::Code { line, .. }
            | Self::LegalForm { line, .. }
            | Self::RepeatedIstat { line, .. }
            | Self::Residents { line, .. } => *line,
        }
    }
}

/// Returns the kind of ente of a category of the index.
fn kind(category: &str) -> Option<EnteKind> {
    match category {
        "L6" => Some(EnteKind::Comune),
        "L18" => Some(EnteKind::Unione),
        "L45" => Some(EnteKind::CittaMetropolitana),
        _ => None,
    }
}

/// Line of the index.
struct ListedBody {
    line: usize,
    code: String,
    name: String,
    category: String,
    form: String,
    /// Istat code of the municipality of its seat.
    istat: String,
    /// Belfiore code of the municipality of its seat.
    belfiore: String,
}

impl ListedBody {
    fn has_usual_code(&self) -> bool {
        self.code == format!("c_{}", self.belfiore.to_lowercase())
    }
}

fn listed_bodies(index: &str) -> Result<Vec<ListedBody>, MissingIndexColumn> {
    let mut sheet = CsvSheet::new(index);
    let column = |column| {
        let remedy = "take the data set \"Enti\" from the open data of indicepa.gov.it, as CSV";
        let missing = MissingIndexColumn { column, remedy };
        sheet.column(column).ok_or(missing)
    };
    let code = column("Codice_IPA")?;
    let name = column("Denominazione_ente")?;
    let category = column("Codice_Categoria")?;
    let form = column("Codice_natura")?;
    let istat = column("Codice_comune_ISTAT")?;
    let belfiore = column("Codice_catastale_comune")?;
    let mut bodies = Vec::new();
    let mut fields = StringRecord::new();
    while let Some(line) = sheet.read(&mut fields) {
        let text = |column: usize| fields.get(column).unwrap_or_default();
        bodies.push(ListedBody {
            line,
            code: text(code).to_lowercase(),
            name: text(name).to_owned(),
            category: text(category).to_owned(),
            form: text(form).to_owned(),
            istat: match text(istat) {
                "" => String::new(),
                istat => format!("{istat:0>6}"),
            },
            belfiore: text(belfiore).to_owned(),
        });
    }
    Ok(bodies)
}

/// Writes the CSV file, and notes the municipalities without residents.
fn written(
    bodies: &[(EnteKind, ListedBody)],
    residents: Option<&Residents>,
    doubts: &mut Vec<IndexDoubt>,
) -> String {
    let mut writer = Writer::from_writer(Vec::new());
    let header = "code,name,kind,istat,belfiore,inhabitants,inhabitants_year,inhabitants_source";
    // Writing to memory cannot fail.
    let _ = writer.write_record(header.split(','));
    for (kind, body) in bodies {
        let is_comune = *kind == EnteKind::Comune;
        let count = residents.filter(|_| is_comune).and_then(|residents| {
            let count = residents.by_istat.get(&body.istat);
            if count.is_none() {
                doubts.push(IndexDoubt::Residents {
                    line: body.line,
                    code: body.code.clone(),
                    istat: body.istat.clone(),
                });
            }
            count.map(|count| (count.to_string(), residents.year.to_string()))
        });
        let (inhabitants, year) = count.unwrap_or_default();
        // Other bodies have the codes of the municipality of their seat.
        let own = |code| if is_comune { code } else { "" };
        let kind = kind.to_string();
        let name = own_name(&body.name);
        let _ = writer.write_record([
            body.code.as_str(),
            name,
            &kind,
            own(&body.istat),
            own(&body.belfiore),
            &inhabitants,
            &year,
            if year.is_empty() {
                ""
            } else {
                SOURCE_OF_RESIDENTS
            },
        ]);
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns the name of a municipality without `Comune di`, which every name would begin with.
fn own_name(name: &str) -> &str {
    const PREFIX: &str = "comune di ";
    match name.split_at_checked(PREFIX.len()) {
        Some((prefix, own)) if prefix.eq_ignore_ascii_case(PREFIX) => own.trim_start(),
        _ => name,
    }
}
