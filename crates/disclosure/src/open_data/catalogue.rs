//! The catalogue: DCAT-AP_IT in JSON-LD.

use affluenza_words::Language;
use jiff::civil::{Date, date};
use serde_json::{Value, json};

use crate::open_data::Publisher;
use crate::open_data::edition::Dataset;

const THEME: &str = "http://publications.europa.eu/resource/authority/data-theme/GOVE";
const THEMES: &str = "http://publications.europa.eu/resource/authority/data-theme";
const THEMES_TITLE: &str = "Il vocabolario Data Theme";
const ANNUAL: &str = "http://publications.europa.eu/resource/authority/frequency/ANNUAL";
const MONTHLY: &str = "http://publications.europa.eu/resource/authority/frequency/MONTHLY";
const CSV: &str = "http://publications.europa.eu/resource/authority/file-type/CSV";
const ITALIAN: &str = "http://publications.europa.eu/resource/authority/language/ITA";
const PUBLIC: &str = "http://publications.europa.eu/resource/authority/access-right/PUBLIC";
const LICENCE: &str = "https://w3id.org/italia/controlled-vocabulary/licences/A21_CCBY40";
const LICENCE_NAME: &str = "Creative Commons Attribuzione 4.0 Internazionale (CC BY 4.0)";

const KEYWORDS: [&str; 3] = [
    "data-keyword-services",
    "data-keyword-administration",
    "data-keyword-uses",
];

/// Returns the sentence on hidden small counts, for every description.
fn hidden(language: Language, small_count: u64) -> String {
    language.say("data-hidden", &[("least", small_count.into())])
}

pub(crate) fn catalogue(published: &[Dataset], publisher: &Publisher) -> Value {
    let base = &publisher.base_url;
    let small_count = published.first().map(|table| table.small_count);
    let newest = published.iter().map(|table| table.modified).max();
    let modified = day(newest.unwrap_or(date(1970, 1, 1)));
    let datasets: Vec<Value> = published
        .iter()
        .map(|table| dataset(table, publisher))
        .collect();
    json!({
        "@context": context(),
        "@id": format!("{base}/catalog"),
        "@type": ["dcat:Catalog", "dcatapit:Catalog"],
        "dct:title": texts(|language| language.say("data-title", &[])),
        "dct:description": texts(|language| about_all(language, small_count)),
        "dct:publisher": agent(publisher),
        "dct:modified": modified,
        "dct:language": { "@id": ITALIAN },
        "foaf:homepage": { "@id": base },
        "dct:license": licence(),
        "dcat:themeTaxonomy": {
            "@id": THEMES,
            "@type": "skos:ConceptScheme",
            "dct:title": text(Language::IT, THEMES_TITLE),
        },
        "dcat:dataset": datasets,
    })
}

fn about_all(language: Language, small_count: Option<u64>) -> String {
    let hidden = small_count.map_or_else(String::new, |count| hidden(language, count));
    language.say("data-about", &[("hidden", hidden.into())])
}

fn dataset(table: &Dataset, publisher: &Publisher) -> Value {
    let (base, year, name) = (&publisher.base_url, table.year, table.sheet.name);
    let modified = day(table.modified);
    let identifier = format!("{}:{name}-{year}", publisher.ipa);
    let keywords = ordered()
        .flat_map(|language| KEYWORDS.map(|keyword| text(language, &language.say(keyword, &[]))));
    json!({
        "@id": format!("{base}/dataset/{name}-{year}"),
        "@type": ["dcat:Dataset", "dcatapit:Dataset"],
        "dct:identifier": identifier,
        "dct:title": texts(|language| title(language, table)),
        "dct:description": texts(|language| about(language, table)),
        "dct:modified": modified,
        "dct:issued": modified,
        "dcat:theme": { "@id": THEME, "@type": "skos:Concept" },
        "dct:publisher": agent(publisher),
        "dct:rightsHolder": agent(publisher),
        "dct:creator": agent(publisher),
        "dct:accrualPeriodicity": { "@id": if table.is_closed { ANNUAL } else { MONTHLY } },
        "dct:accessRights": { "@id": PUBLIC },
        "dct:language": { "@id": ITALIAN },
        "dct:temporal": {
            "@type": "dct:PeriodOfTime",
            "schema:startDate": day(table.days[0]),
            "schema:endDate": day(table.days[1]),
        },
        "dcat:contactPoint": {
            "@type": ["vcard:Organization", "dcatapit:Organization"],
            "vcard:fn": publisher.name,
            "vcard:hasEmail": { "@id": format!("mailto:{}", publisher.contact) },
        },
        "dcat:keyword": keywords.collect::<Vec<_>>(),
        "dcat:distribution": [distribution(table, publisher, &modified)],
    })
}

/// Returns the id of the message with the title of a table.
fn message(table: &Dataset) -> String {
    format!("sheet-{}", table.sheet.name)
}

fn title(language: Language, table: &Dataset) -> String {
    let title = language.say(&message(table), &[]);
    let words = [
        ("title", title.into()),
        ("year", table.year.to_string().into()),
    ];
    language.say("data-of-year", &words)
}

fn about(language: Language, table: &Dataset) -> String {
    let about = language.say(&format!("{}.about", message(table)), &[]);
    let words = [
        ("about", about.into()),
        ("year", table.year.to_string().into()),
        ("hidden", hidden(language, table.small_count).into()),
    ];
    language.say("data-of-year.about", &words)
}

fn distribution(table: &Dataset, publisher: &Publisher, modified: &Value) -> Value {
    let address = format!("{}/{}", publisher.base_url, table.file.name);
    let columns = [("columns", table.sheet.header().join(", ").into())];
    json!({
        "@id": format!("{address}#csv"),
        "@type": ["dcat:Distribution", "dcatapit:Distribution"],
        "dct:title": texts(|language| {
            let title = language.say(&message(table), &[]);
            language.say("data-csv", &[("title", title.into())])
        }),
        "dct:description": texts(|language| language.say("data-csv.about", &columns)),
        "dct:format": { "@id": CSV },
        "dcat:mediaType": { "@id": "https://www.iana.org/assignments/media-types/text/csv" },
        "dct:license": licence(),
        "dcat:accessURL": { "@id": address },
        "dcat:downloadURL": { "@id": address },
        "dcat:byteSize": { "@type": "xsd:decimal", "@value": table.file.bytes.len().to_string() },
        "dct:modified": modified,
        "spdx:checksum": {
            "@type": "spdx:Checksum",
            "spdx:algorithm": { "@id": "http://spdx.org/rdf/terms#checksumAlgorithm_sha256" },
            "spdx:checksumValue": { "@type": "xsd:hexBinary", "@value": table.sha256() },
        },
    })
}

fn agent(publisher: &Publisher) -> Value {
    json!({
        "@id": format!("https://w3id.org/italia/data/public-organization/{}", publisher.ipa),
        "@type": ["foaf:Agent", "dcatapit:Agent"],
        "foaf:name": publisher.name,
        "dct:identifier": publisher.ipa,
    })
}

fn licence() -> Value {
    json!({
        "@id": LICENCE,
        "@type": ["dct:LicenseDocument", "dcatapit:LicenseDocument"],
        "foaf:name": LICENCE_NAME,
        "dct:type": { "@id": "http://purl.org/adms/licencetype/Attribution" },
        "owl:versionInfo": "4.0",
        "dct:source": { "@id": "https://creativecommons.org/licenses/by/4.0/" },
    })
}

/// Returns the languages of the texts: Italian, then the others.
fn ordered() -> impl Iterator<Item = Language> {
    let others = Language::ALL
        .into_iter()
        .filter(|other| *other != Language::IT);
    std::iter::once(Language::IT).chain(others)
}

/// Returns a text in every language.
fn texts(say: impl Fn(Language) -> String) -> Value {
    let texts = ordered().map(|language| text(language, &say(language)));
    texts.collect()
}

fn text(language: Language, text: &str) -> Value {
    json!({ "@language": language.as_str(), "@value": text })
}

fn day(day: Date) -> Value {
    json!({ "@type": "xsd:date", "@value": day.to_string() })
}

fn context() -> Value {
    json!({
        "adms": "http://www.w3.org/ns/adms#",
        "dcat": "http://www.w3.org/ns/dcat#",
        "dcatapit": "http://dati.gov.it/onto/dcatapit#",
        "dct": "http://purl.org/dc/terms/",
        "foaf": "http://xmlns.com/foaf/0.1/",
        "owl": "http://www.w3.org/2002/07/owl#",
        "schema": "http://schema.org/",
        "skos": "http://www.w3.org/2004/02/skos/core#",
        "spdx": "http://spdx.org/rdf/terms#",
        "vcard": "http://www.w3.org/2006/vcard/ns#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    })
}
