//! Coarse families of browsers and operating systems, so that no fingerprint is stored.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};

/// A browser family, without version. The discriminants are the stored form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(Display, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
#[repr(u8)]
pub enum BrowserFamily {
    /// Any other browser, and every bot.
    Other = 0,
    /// Chrome and Chromium, including web views of apps.
    Chrome = 1,
    /// Safari, including web views of apps on iPhone and iPad.
    Safari = 2,
    /// Firefox.
    Firefox = 3,
    /// Edge and Internet Explorer.
    Edge = 4,
    /// Samsung Internet, the default browser of Samsung phones.
    Samsung = 5,
    /// Opera, including Opera Mini.
    Opera = 6,
}

/// A family of operating systems, without version. The discriminants are the stored form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(Display, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
#[repr(u8)]
pub enum OsFamily {
    /// Any other system, and every bot.
    Other = 0,
    /// Windows on computers; Windows Phone is [`OsFamily::Other`].
    Windows = 1,
    /// macOS.
    Macos = 2,
    /// iOS and iPadOS.
    Ios = 3,
    /// Android and systems derived from it.
    Android = 4,
    /// Linux and Unix on computers, including Chrome OS.
    Linux = 5,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{Hints, classify};

    #[test]
    fn families_of_common_browsers() {
        for (agent, browser, os) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
                "chrome",
                "windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
                "edge",
                "windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
                "edge",
                "windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 OPR/106.0.0.0",
                "opera",
                "windows",
            ),
            (
                "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
                "firefox",
                "linux",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
                "chrome",
                "linux",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
                "safari",
                "macos",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
                "safari",
                "ios",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0 Mobile/15E148 Safari/604.1",
                "chrome",
                "ios",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
                "safari",
                "ios",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
                "samsung",
                "android",
            ),
            (
                "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0",
                "firefox",
                "android",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0 YaBrowser/23.1 Safari/537.36",
                "other",
                "windows",
            ),
            (
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                "other",
                "other",
            ),
            ("", "other", "other"),
        ] {
            let verdict = classify(agent, &Hints::NONE);
            assert_eq!(
                (verdict.browser.into(), verdict.os.into()),
                (browser, os),
                "{agent}"
            );
        }
    }

    #[test]
    fn hints_that_decide_the_device_tell_the_system_too() {
        let mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15";
        let linux = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
        let android = Hints::NONE.mobile("?0").platform("\"Android\"");
        assert_eq!(
            classify(mac, &Hints::NONE.touch_points(5)).os,
            OsFamily::Ios
        );
        assert_eq!(classify(linux, &android).os, OsFamily::Android);
        assert_eq!(classify("", &android).os, OsFamily::Android);
    }
}
