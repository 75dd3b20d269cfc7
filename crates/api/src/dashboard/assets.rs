use std::sync::LazyLock;

use affluenza_disclosure::edition::PublicMeasure;
use serde_json::json;
use xxhash_rust::xxh3::xxh3_64;

use crate::dashboard::language::PageLanguage;

/// A file of the pages.
#[derive(Clone, Copy)]
pub(crate) struct Asset {
    path: &'static str,
    pub media_type: &'static str,
    pub bytes: &'static [u8],
}

impl Asset {
    /// Returns the entity tag, a hash of the content.
    pub fn tag(&self) -> String {
        format!("\"{:016x}\"", xxh3_64(self.bytes))
    }
}

macro_rules! assets {
    ($($path:literal: $media_type:expr,)+) => {
        &[$(Asset {
            path: $path,
            media_type: $media_type,
            bytes: include_bytes!(concat!("../../assets/", $path)),
        }),+]
    };
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const FONT: &str = "font/woff2";

const ASSETS: &[Asset] = assets! {
    "app.css": STYLE,
    "api.js": SCRIPT,
    "app.js": SCRIPT,
    "charts.js": SCRIPT,
    "data.js": SCRIPT,
    "dom.js": SCRIPT,
    "format.js": SCRIPT,
    "table.js": SCRIPT,
    "texts/en.js": SCRIPT,
    "texts/it.js": SCRIPT,
    "views/breakdown.js": SCRIPT,
    "views/categories.js": SCRIPT,
    "views/compare.js": SCRIPT,
    "views/devices.js": SCRIPT,
    "views/enti.js": SCRIPT,
    "views/hours.js": SCRIPT,
    "views/kinds.js": SCRIPT,
    "views/live.js": SCRIPT,
    "views/overview.js": SCRIPT,
    "views/services.js": SCRIPT,
    "views/variations.js": SCRIPT,
    "icon.svg": "image/svg+xml",
    "vendor/uplot.js": SCRIPT,
    "vendor/uplot.css": STYLE,
    "vendor/titillium-400.woff2": FONT,
    "vendor/titillium-600.woff2": FONT,
};

const PAGES: [Asset; 2] = [
    Asset {
        path: "it.html",
        media_type: HTML,
        bytes: include_bytes!("../../assets/it.html"),
    },
    Asset {
        path: "en.html",
        media_type: HTML,
        bytes: include_bytes!("../../assets/en.html"),
    },
];

pub(crate) fn page(language: PageLanguage) -> Asset {
    match language {
        PageLanguage::Italian => PAGES[0],
        PageLanguage::English => PAGES[1],
    }
}

pub(crate) fn find(path: &str) -> Option<Asset> {
    let mut all = ASSETS.iter().copied().chain([public_tables()]);
    all.find(|asset| asset.path == path)
}

/// Returns the module with the tables that are published: uses, then accesses. A table is the list
/// of the names of its dimensions.
fn public_tables() -> Asset {
    static SOURCE: LazyLock<String> = LazyLock::new(|| {
        let measures = [PublicMeasure::Uses, PublicMeasure::Accesses].into_iter();
        let tables = measures.flat_map(PublicMeasure::tables);
        let names = tables.map(|table| table.iter().map(|one| one.name()).collect::<Vec<_>>());
        format!("export default {};\n", json!(names.collect::<Vec<_>>()))
    });
    Asset {
        path: "public-tables.js",
        media_type: SCRIPT,
        bytes: SOURCE.as_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Size of a first visit.
    #[test]
    fn everything_is_under_150_kib_compressed() {
        let compressed: usize = ASSETS.iter().chain(&PAGES[..1]).map(packed).sum();
        assert!(compressed < 150 * 1024, "{compressed} bytes");
    }

    fn packed(asset: &Asset) -> usize {
        if asset.media_type == FONT {
            return asset.bytes.len();
        }
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(asset.bytes).expect("memory takes it");
        encoder.finish().expect("memory takes it").len()
    }

    /// Every script, style, image and font in the folder is listed.
    #[test]
    fn every_file_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets");
        for part in ["", "texts", "views", "vendor"] {
            for entry in std::fs::read_dir(format!("{folder}/{part}")).expect("the folder is there")
            {
                let entry = entry.expect("it can be read");
                let name = entry.file_name().into_string().expect("a plain name");
                let path = if part.is_empty() {
                    name
                } else {
                    format!("{part}/{name}")
                };
                let served = [".js", ".css", ".svg", ".woff2"]
                    .iter()
                    .any(|end| path.ends_with(end));
                assert_eq!(find(&path).is_some(), served, "{path}");
            }
        }
    }

    /// Without a key, the pages ask for these tables only.
    #[test]
    fn published_tables_have_the_names_of_dimensions() {
        let tables = find("public-tables.js").expect("it is made").bytes;
        assert_eq!(
            std::str::from_utf8(tables).expect("text"),
            "export default [[\"ente\",\"category\",\"kind\"],[\"category\",\"service\"],[\"ente\",\"month\"],[\"hour\"],[\"device\",\"month\"],[\"weekday\",\"hour\"]];\n"
        );
    }

    /// Both languages have the same keys.
    #[test]
    fn both_languages_have_the_same_texts() {
        let keys = |path: &str| {
            let text = std::str::from_utf8(find(path).expect("it is there").bytes).expect("text");
            // Code that precedes a text, an object or a function.
            let mut keys: Vec<String> = [": \"", ": {", ": (", "\": \""]
                .iter()
                .flat_map(|start| text.match_indices(start))
                .filter_map(|(at, _)| text[..at].rsplit([' ', '{', '\n', ',']).next())
                .map(str::to_owned)
                .collect();
            keys.sort();
            keys
        };
        assert_eq!(keys("texts/it.js"), keys("texts/en.js"));
    }
}
