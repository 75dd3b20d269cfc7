//! The catalogue: DCAT-AP_IT in JSON-LD.

use jiff::civil::{Date, date};
use serde_json::{Value, json};

use crate::open_data::Publisher;
use crate::open_data::edition::Dataset;

const THEME: &str = "http://publications.europa.eu/resource/authority/data-theme/GOVE";
const THEMES: &str = "http://publications.europa.eu/resource/authority/data-theme";
const ANNUAL: &str = "http://publications.europa.eu/resource/authority/frequency/ANNUAL";
const CSV: &str = "http://publications.europa.eu/resource/authority/file-type/CSV";
const ITALIAN: &str = "http://publications.europa.eu/resource/authority/language/ITA";
const PUBLIC: &str = "http://publications.europa.eu/resource/authority/access-right/PUBLIC";
const LICENCE: &str = "https://w3id.org/italia/controlled-vocabulary/licences/A21_CCBY40";

/// Returns the sentence on hidden small counts, for every description.
fn hidden(small_count: u64) -> String {
    format!(
        "I conteggi diversi da zero e inferiori a {small_count}, e quelli dai quali si potrebbero ricavare, non sono pubblicati (status: suppressed)."
    )
}

pub(crate) fn catalogue(published: &[Dataset], publisher: &Publisher) -> Value {
    let base = &publisher.base_url;
    let hidden = published
        .first()
        .map_or_else(String::new, |table| hidden(table.small_count));
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
        "dct:title": texts(
            "Uso dei servizi digitali degli enti",
            "Use of the digital services of public bodies",
        ),
        "dct:description": text("it", &format!("Quanto sono usati i servizi digitali degli enti, per anno. {hidden}")),
        "dct:publisher": agent(publisher),
        "dct:modified": modified,
        "dct:language": { "@id": ITALIAN },
        "foaf:homepage": { "@id": base },
        "dct:license": licence(),
        "dcat:themeTaxonomy": {
            "@id": THEMES,
            "@type": "skos:ConceptScheme",
            "dct:title": text("it", "Il vocabolario Data Theme"),
        },
        "dcat:dataset": datasets,
    })
}

fn dataset(table: &Dataset, publisher: &Publisher) -> Value {
    let (base, year, name) = (&publisher.base_url, table.year, table.sheet.name);
    let modified = day(table.modified);
    let hidden = hidden(table.small_count);
    let identifier = format!("{}:{name}-{year}", publisher.ipa);
    let sheet = table.sheet;
    let keywords =
        ["servizi digitali", "pubblica amministrazione", "utilizzi"].map(|word| text("it", word));
    json!({
        "@id": format!("{base}/dataset/{name}-{year}"),
        "@type": ["dcat:Dataset", "dcatapit:Dataset"],
        "dct:identifier": identifier,
        "dct:title": texts(&format!("{}, {year}", sheet.title_it), &format!("{}, {year}", sheet.title_en)),
        "dct:description": text("it", &format!("{} Anno {year}. {hidden}", sheet.about_it)),
        "dct:modified": modified,
        "dct:issued": modified,
        "dcat:theme": { "@id": THEME, "@type": "skos:Concept" },
        "dct:publisher": agent(publisher),
        "dct:rightsHolder": agent(publisher),
        "dct:creator": agent(publisher),
        "dct:accrualPeriodicity": { "@id": ANNUAL },
        "dct:accessRights": { "@id": PUBLIC },
        "dct:language": { "@id": ITALIAN },
        "dct:temporal": {
            "@type": "dct:PeriodOfTime",
            "schema:startDate": day(date(year, 1, 1)),
            "schema:endDate": day(date(year, 12, 31)),
        },
        "dcat:contactPoint": {
            "@type": ["vcard:Organization", "dcatapit:Organization"],
            "vcard:fn": publisher.name,
            "vcard:hasEmail": { "@id": format!("mailto:{}", publisher.contact) },
        },
        "dcat:keyword": keywords,
        "dcat:distribution": [distribution(table, publisher, &modified)],
    })
}

fn distribution(table: &Dataset, publisher: &Publisher, modified: &Value) -> Value {
    let address = format!("{}/{}", publisher.base_url, table.file.name);
    json!({
        "@id": format!("{address}#csv"),
        "@type": ["dcat:Distribution", "dcatapit:Distribution"],
        "dct:title": text("it", &format!("{} (CSV)", table.sheet.title_it)),
        "dct:description": text("it", &format!("CSV, UTF-8, separato da virgole. Colonne: {}.", table.sheet.header().join(", "))),
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
        "foaf:name": "Creative Commons Attribuzione 4.0 Internazionale (CC BY 4.0)",
        "dct:type": { "@id": "http://purl.org/adms/licencetype/Attribution" },
        "owl:versionInfo": "4.0",
        "dct:source": { "@id": "https://creativecommons.org/licenses/by/4.0/" },
    })
}

fn texts(italian: &str, english: &str) -> Value {
    json!([text("it", italian), text("en", english)])
}

fn text(language: &str, text: &str) -> Value {
    json!({ "@language": language, "@value": text })
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
