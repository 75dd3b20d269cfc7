use std::sync::LazyLock;

use affluenza_disclosure::edition::PublicMeasure;
use serde_json::json;
use xxhash_rust::xxh3::xxh3_64;

/// A file of the pages.
#[derive(Clone, Copy)]
pub(crate) struct Asset<'b> {
    path: &'static str,
    pub media_type: &'static str,
    pub bytes: &'b [u8],
}

impl<'b> Asset<'b> {
    /// Creates a page from its markup.
    pub fn page(markup: &'b [u8]) -> Self {
        Self {
            path: "",
            media_type: "text/html; charset=utf-8",
            bytes: markup,
        }
    }

    /// Returns the entity tag, a hash of the content.
    pub fn tag(&self) -> String {
        format!("\"{:016x}\"", xxh3_64(self.bytes))
    }
}

// The files of the folder `assets`, listed by the build script.
include!(concat!(env!("OUT_DIR"), "/assets.rs"));

pub(crate) fn find(path: &str) -> Option<Asset<'static>> {
    let mut all = ASSETS.iter().copied().chain([public_tables()]);
    all.find(|asset| asset.path == path)
}

/// Returns the module with the tables that are published: uses, then accesses. A table is the list
/// of the names of its dimensions.
fn public_tables() -> Asset<'static> {
    static SOURCE: LazyLock<String> = LazyLock::new(|| {
        let measures = [PublicMeasure::Uses, PublicMeasure::Accesses].into_iter();
        let tables = measures.flat_map(PublicMeasure::tables);
        let names = tables.map(|table| table.iter().map(|one| one.name()).collect::<Vec<_>>());
        format!("export default {};\n", json!(names.collect::<Vec<_>>()))
    });
    Asset {
        path: "public-tables.js",
        media_type: "text/javascript; charset=utf-8",
        bytes: SOURCE.as_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use affluenza_words::Language;

    use super::*;
    use crate::dashboard::frame;

    /// Size of a first visit.
    #[test]
    fn everything_is_under_100_kib_compressed() {
        let page = frame::example(Language::IT);
        let page = Asset::page(page.as_bytes());
        let compressed: usize = ASSETS.iter().chain([&page]).map(packed).sum();
        assert!(compressed < 100 * 1024, "{compressed} bytes");
    }

    fn packed(asset: &Asset<'_>) -> usize {
        if asset.media_type == "font/woff2" {
            return asset.bytes.len();
        }
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(asset.bytes).expect("memory takes it");
        encoder.finish().expect("memory takes it").len()
    }

    #[test]
    fn scripts_fonts_and_styles_are_served_and_nothing_else() {
        for path in [
            "app.js",
            "views/live.js",
            "vendor/titillium-400.woff2",
            "app.css",
        ] {
            assert!(find(path).is_some(), "{path}");
        }
        for path in ["frame.html", "vendor/README.md", "vendor/uplot.LICENSE", ""] {
            assert!(find(path).is_none(), "{path}");
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
}
