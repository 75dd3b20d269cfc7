//! Bots: by name, by word, by convention.
//!
//! Names that reveal the purpose of a bot come first, so that its class is right. Words and
//! conventions that only exclude a person come last.

mod crawler;
mod library;
mod names;
mod shapes;

use crate::device::class::BotClass;
use crate::device::rule::{Marks, Rule};
use crate::device::token::{head, part, start, tail};

pub(crate) const RULES: &[Rule] = &[
    Rule::bot("bot.ai", BotClass::Ai, names::AI),
    Rule::bot("bot.preview", BotClass::Preview, names::PREVIEW),
    // In the string of a phone, the word names the app that shows the page.
    Rule::bot("bot.preview-messenger", BotClass::Preview, names::MESSENGER).unless(
        Marks::ANDROID
            .and(Marks::IOS)
            .and(Marks::PALMTOP)
            .and(Marks::MAC)
            .and(Marks::MOZILLA),
    ),
    Rule::bot("bot.monitor", BotClass::Monitor, names::MONITOR),
    Rule::bot("bot.scanner", BotClass::Other, names::SCANNER),
    Rule::bot(
        "bot.automated-browser",
        BotClass::Library,
        library::AUTOMATED_BROWSERS,
    ),
    Rule::bot("bot.crawler", BotClass::Crawler, crawler::NAMES),
    Rule::bot("bot.feed-reader", BotClass::Crawler, crawler::FEED_READERS),
    Rule::bot(
        "bot.offline-reader",
        BotClass::Crawler,
        crawler::OFFLINE_READERS,
    ),
    Rule::bot("bot.advertising", BotClass::Crawler, crawler::ADVERTISING),
    Rule::bot("bot.woothee", BotClass::Crawler, &[]).all(Marks::WOOTHEE_CRAWLER),
    Rule::bot("bot.word-crawler", BotClass::Crawler, crawler::WORDS),
    Rule::bot("bot.word-monitor", BotClass::Monitor, names::MONITOR_WORDS),
    Rule::bot("bot.word-scanner", BotClass::Other, names::SCANNER_WORDS),
    Rule::bot(
        "bot.word-bot",
        BotClass::Crawler,
        &[tail("bot"), tail("bots"), part("robot"), tail("-agent")],
    )
    .unless(Marks::CUBOT),
    Rule::bot("bot.http-library", BotClass::Library, library::CLIENTS),
    // Phone apps load pages with these libraries, too.
    Rule::bot(
        "bot.http-library-not-in-app",
        BotClass::Library,
        library::CLIENTS_ALSO_OF_APPS,
    )
    .unless(Marks::ANDROID.and(Marks::IOS).and(Marks::MAC)),
    Rule::bot(
        "bot.contact-address",
        BotClass::Crawler,
        &[
            part("http://"),
            part("https://"),
            head("www."),
            part("mailto:"),
            part("@").shaped(shapes::is_mail_address),
            part("[at]"),
            part(" at ").shaped(shapes::is_spelled_mail_address),
            part(".com/").shaped(shapes::is_bare_address),
            part(".org/").shaped(shapes::is_bare_address),
            part(".net/").shaped(shapes::is_bare_address),
            part(".io/").shaped(shapes::is_bare_address),
            part(".html").shaped(shapes::is_bare_address),
        ],
    )
    .unless(Marks::MAKER_ADDRESS.and(Marks::IN_APP)),
    Rule::bot(
        "bot.bare-domain",
        BotClass::Crawler,
        &[
            part(".com").shaped(shapes::is_bare_domain),
            part(".org").shaped(shapes::is_bare_domain),
            part(".net").shaped(shapes::is_bare_domain),
            part(".io").shaped(shapes::is_bare_domain),
            part(".ai").shaped(shapes::is_bare_domain),
        ],
    )
    .unless(
        Marks::MAKER_ADDRESS
            .and(Marks::IN_APP)
            .and(Marks::MSIE)
            .and(Marks::ANDROID)
            .and(Marks::IOS),
    ),
    Rule::bot("bot.compatible-convention", BotClass::Other, &[])
        .all(Marks::COMPATIBLE)
        .unless(
            Marks::OLD_BROWSER
                .and(Marks::PALMTOP)
                .and(Marks::WINDOWS_PHONE),
        ),
    Rule::bot(
        "bot.empty-disguise",
        BotClass::Other,
        &[start("Mozilla/4.0 (compatible;)"), start("Mozilla/5.0 ()")],
    ),
];
