use xxhash_rust::xxh3::xxh3_64;

/// A file of the pages.
#[derive(Clone, Copy)]
pub(crate) struct Asset {
    path: &'static str,
    pub media_type: &'static str,
    pub bytes: &'static [u8],
}

impl Asset {
    /// Creates a page from its markup.
    pub fn page(markup: &'static str) -> Self {
        Self {
            path: "",
            media_type: "text/html; charset=utf-8",
            bytes: markup.as_bytes(),
        }
    }

    /// Returns the entity tag, a hash of the content.
    pub fn tag(&self) -> String {
        format!("\"{:016x}\"", xxh3_64(self.bytes))
    }
}

// The files of the folder `assets`, listed by the build script.
include!(concat!(env!("OUT_DIR"), "/assets.rs"));

pub(crate) fn find(path: &str) -> Option<Asset> {
    ASSETS.iter().copied().find(|asset| asset.path == path)
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
        let page = frame::page(Language::IT);
        let compressed: usize = ASSETS.iter().chain([&page]).map(packed).sum();
        assert!(compressed < 100 * 1024, "{compressed} bytes");
    }

    fn packed(asset: &Asset) -> usize {
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
}
