//! A first table of enti from the public index of bodies (IndicePA) and the residents of Istat.

use std::collections::{BTreeMap, HashMap};

use csv::{StringRecord, Writer};
use thiserror::Error;

use crate::check::is_code;
use crate::model::EnteKind;
use crate::names;
use crate::sheet::CsvSheet;

/// Source of the residents.
const SOURCE_OF_RESIDENTS: &str = "Istat";
/// Age with which Istat marks the residents of all ages.
const ALL_AGES: &str = "999";
/// Lines above the column names in Istat's files, at most.
const TITLES_MAX: usize = 10;

/// The reason why a file is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PublicIndexError {
    /// A column that is needed is missing.
    #[error("there is no column {column:?}: {remedy}")]
    Column {
        /// Name of the column.
        column: &'static str,
        /// Where to find the right file.
        remedy: &'static str,
    },
    /// A field has a line break, so it may hide the lines below it.
    #[error("line {line}: a field has a line break: close its quotes (\")")]
    OpenQuote {
        /// First line of the field's record.
        line: usize,
    },
    /// A line of the index has too few or too many fields.
    #[error(
        "line {line} has {found} fields, but the first line has {expected}: close its quotes, or \
         take the whole file"
    )]
    FieldCount {
        /// Line of the index.
        line: usize,
        /// Fields of the line.
        found: usize,
        /// Columns of the index.
        expected: usize,
    },
    /// The number of a municipality's residents cannot be read.
    #[error("line {line}: {text:?} is no number of residents: write digits only")]
    Number {
        /// Line of the residents.
        line: usize,
        /// Number as written.
        text: String,
    },
    /// The residents of a municipality are given twice, with different numbers.
    #[error(
        "line {line}: Istat code {istat} has {second} residents, but {first} further up: keep the \
         lines of one year, and of all ages, sexes and citizenships together"
    )]
    RepeatedResidents {
        /// Line of the second number.
        line: usize,
        /// Istat code.
        istat: String,
        /// Number further up.
        first: u32,
        /// Number of this line.
        second: u32,
    },
    /// The title of the residents names other years than the given one.
    #[error("the title names the year {found}, not {given}: give the year of the file")]
    OtherYear {
        /// First year in the title.
        found: i16,
        /// Year that was given.
        given: i16,
    },
    /// No body of the index is in a province.
    #[error(
        "no body has an Istat code that begins with {0:?}: it has six digits, the first three are \
         those of the province, such as 048"
    )]
    Province(String),
    /// No line of the index is a body that the register can have.
    #[error("no comune, unione or citta-metropolitana is in the index")]
    NoBody,
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
    /// A body in the category of municipalities or their unions with another legal form.
    #[error("line {line}: {code}: legal form {form}, which is not that of a {kind}: left out")]
    LegalForm {
        /// Line of the index.
        line: usize,
        /// IPA code.
        code: String,
        /// Legal form as written.
        form: String,
        /// Kind of the category.
        kind: EnteKind,
    },
    /// A body that the index has twice.
    #[error("line {line}: {code} is in line {first}, too: left out")]
    Repeated {
        /// Line of the index.
        line: usize,
        /// IPA code.
        code: String,
        /// Line of the same body further up.
        first: usize,
    },
    /// A body in liquidation.
    #[error("line {line}: {code}: in liquidation: imported, without a last day")]
    Liquidation {
        /// Line of the index.
        line: usize,
        /// IPA code.
        code: String,
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
    ///
    /// # Errors
    /// A missing column, a field that hides lines, or a number that is unclear.
    pub fn read(text: &str, year: i16) -> Result<Self, PublicIndexError> {
        let (titles, table) = split_titles(text);
        check_year(titles, year)?;
        let mut sheet = CsvSheet::new(table);
        let remedy = "take the resident population by age of all municipalities from demo.istat.it";
        let code = index_column(&sheet, ISTAT_OF_RESIDENTS, remedy)?;
        let total = index_column(&sheet, "Totale", remedy)?;
        let age = sheet.column("Età");
        let lines_above = titles.matches('\n').count();
        let mut by_istat = HashMap::new();
        let mut fields = StringRecord::new();
        while let Some(line) = sheet.read(&mut fields) {
            let line = line + lines_above;
            let text = |column: usize| fields.get(column).unwrap_or_default();
            check_quotes(&fields, line)?;
            let is_total =
                age.is_none_or(|age| matches!(&*text(age).to_lowercase(), ALL_AGES | "totale"));
            let istat = istat_code(text(code));
            if !is_total || text(total).is_empty() || !istat.bytes().all(|b| b.is_ascii_digit()) {
                continue;
            }
            let Ok(second) = text(total).parse() else {
                let text = text(total).to_owned();
                return Err(PublicIndexError::Number { line, text });
            };
            let first = *by_istat.entry(istat.clone()).or_insert(second);
            if first != second {
                return Err(PublicIndexError::RepeatedResidents {
                    line,
                    istat,
                    first,
                    second,
                });
            }
        }
        Ok(Self { by_istat, year })
    }
}

/// Column of the Istat code in the file of residents.
const ISTAT_OF_RESIDENTS: &str = "Codice comune";

/// Splits the text before the line with the column names.
fn split_titles(text: &str) -> (&str, &str) {
    let mut start = 0;
    for line in text.split_inclusive('\n').take(TITLES_MAX) {
        if names::key(line).contains(&names::key(ISTAT_OF_RESIDENTS)) {
            return text.split_at(start);
        }
        start += line.len();
    }
    ("", text)
}

/// Refuses titles that name only other years.
fn check_year(titles: &str, given: i16) -> Result<(), PublicIndexError> {
    let numbers = titles.split(|letter: char| !letter.is_alphanumeric());
    let years = numbers.filter_map(|number| number.parse::<i16>().ok());
    let mut years = years.filter(|year| (1900..2100).contains(year)).peekable();
    match years.peek().copied() {
        Some(found) if !years.any(|year| year == given) => {
            Err(PublicIndexError::OtherYear { found, given })
        }
        _ => Ok(()),
    }
}

/// Returns the place of a column that is needed.
fn index_column(
    sheet: &CsvSheet<'_>,
    column: &'static str,
    remedy: &'static str,
) -> Result<usize, PublicIndexError> {
    let missing = PublicIndexError::Column { column, remedy };
    sheet.column(column).ok_or(missing)
}

/// Refuses a line of the index that is cut, or that has other lines in a field because its quotes are
/// not closed. A field may have line breaks of its own, as an address has.
fn check_whole(
    fields: &StringRecord,
    line: usize,
    expected: usize,
) -> Result<(), PublicIndexError> {
    let found = fields.len();
    if found != expected {
        return Err(PublicIndexError::FieldCount {
            line,
            found,
            expected,
        });
    }
    let separators = |field: &str| field.matches([',', ';', '\t']).count();
    let mut with_breaks = fields.iter().filter(|field| field.contains('\n'));
    if with_breaks.any(|field| separators(field) + 1 >= expected) {
        return Err(PublicIndexError::OpenQuote { line });
    }
    Ok(())
}

/// Refuses a field with a line break. Quotes that are not closed hide the lines below.
fn check_quotes(fields: &StringRecord, line: usize) -> Result<(), PublicIndexError> {
    if fields.iter().any(|field| field.contains(['\n', '\r'])) {
        return Err(PublicIndexError::OpenQuote { line });
    }
    Ok(())
}

/// Returns an Istat code of six digits, as spreadsheets change it: `48017`, `48017.0`, `="048017"`.
fn istat_code(text: &str) -> String {
    let text = text.trim_matches(['=', '"']);
    let text = text.strip_suffix(".0").unwrap_or(text);
    match text {
        "" => String::new(),
        text => format!("{text:0>6}"),
    }
}

/// Reads the data set `enti` of the index. `provinces` are the first digits of Istat codes; without
/// any, the bodies of all Italy are read.
///
/// # Errors
/// A missing column, a line that is not whole, or no body that remains.
pub fn import_enti(
    index: &str,
    residents: Option<&Residents>,
    provinces: &[String],
) -> Result<ImportedEnti, PublicIndexError> {
    let (mut bodies, mut other_categories) = (Vec::new(), BTreeMap::new());
    let mut doubts = Vec::new();
    let mut lines: HashMap<String, usize> = HashMap::new();
    for listed in bodies_of(index, provinces)? {
        let Some(kind) = kind(&listed.category) else {
            *other_categories.entry(listed.category).or_default() += 1;
            continue;
        };
        let (line, code) = (listed.line, listed.code.clone());
        let first = *lines.entry(code.clone()).or_insert(line);
        if first != line {
            doubts.push(IndexDoubt::Repeated { line, code, first });
        } else if !is_code(&code) {
            doubts.push(IndexDoubt::Code { line, code });
        } else if !forms(kind).is_empty() && !forms(kind).contains(&&*listed.form) {
            let form = listed.form;
            doubts.push(IndexDoubt::LegalForm {
                line,
                code,
                form,
                kind,
            });
        } else {
            bodies.push((kind, listed));
        }
    }
    if bodies.is_empty() {
        return Err(PublicIndexError::NoBody);
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
    let in_liquidation = bodies.iter().filter(|(_, body)| body.is_in_liquidation);
    doubts.extend(in_liquidation.map(|(_, ListedBody { line, code, .. })| {
        IndexDoubt::Liquidation {
            line: *line,
            code: code.clone(),
        }
    }));
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
            | Self::Repeated { line, .. }
            | Self::Liquidation { line, .. }
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

/// Legal forms of a kind of ente in the index; empty if any. The categories also have consortia.
/// A body without a legal form is one of its category.
fn forms(kind: EnteKind) -> &'static [&'static str] {
    match kind {
        EnteKind::Comune => &["", "2430"],
        // Unions of mountain municipalities may still have the form of a comunità montana.
        EnteKind::Unione => &["", "2440", "2450"],
        _ => &[],
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
    is_in_liquidation: bool,
}

impl ListedBody {
    fn has_usual_code(&self) -> bool {
        self.code == format!("c_{}", self.belfiore.to_lowercase())
    }
}

/// Returns the bodies of the index in these provinces.
fn bodies_of(index: &str, provinces: &[String]) -> Result<Vec<ListedBody>, PublicIndexError> {
    let mut bodies = listed_bodies(index)?;
    let is_in = |body: &ListedBody, province: &String| body.istat.starts_with(province.as_str());
    for province in provinces {
        if !bodies.iter().any(|body| is_in(body, province)) {
            return Err(PublicIndexError::Province(province.clone()));
        }
    }
    bodies.retain(|body| provinces.is_empty() || provinces.iter().any(|it| is_in(body, it)));
    Ok(bodies)
}

fn listed_bodies(index: &str) -> Result<Vec<ListedBody>, PublicIndexError> {
    let mut sheet = CsvSheet::new(index);
    let remedy = "take the data set \"Enti\" from the open data of indicepa.gov.it, as CSV";
    let column = |column| index_column(&sheet, column, remedy);
    let code = column("Codice_IPA")?;
    let name = column("Denominazione_ente")?;
    let category = column("Codice_Categoria")?;
    let form = column("Codice_natura")?;
    let istat = column("Codice_comune_ISTAT")?;
    let belfiore = column("Codice_catastale_comune")?;
    let liquidation = sheet.column("Ente_in_liquidazione");
    let expected = sheet.columns().len();
    let mut bodies = Vec::new();
    let mut fields = StringRecord::new();
    while let Some(line) = sheet.read(&mut fields) {
        check_whole(&fields, line, expected)?;
        let text = |column: usize| fields.get(column).unwrap_or_default();
        bodies.push(ListedBody {
            line,
            code: text(code).to_lowercase(),
            name: own_name(text(name)),
            category: text(category).to_owned(),
            form: text(form).to_owned(),
            istat: istat_code(text(istat)),
            belfiore: text(belfiore).to_owned(),
            is_in_liquidation: liquidation.is_some_and(|at| text(at).eq_ignore_ascii_case("s")),
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
        let _ = writer.write_record([
            body.code.as_str(),
            &body.name,
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

/// Returns a name with single blanks, and without `Comune di`, which every name would begin with.
fn own_name(name: &str) -> String {
    const PREFIX: &str = "comune di ";
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    match name.split_at_checked(PREFIX.len()) {
        Some((prefix, own)) if prefix.eq_ignore_ascii_case(PREFIX) => own.to_owned(),
        _ => name,
    }
}
