//! One insert creates one part per month, whatever its content and the server's profile. This
//! matters because a deduplication token stands for a part, and tables remember a limited number of
//! tokens.

use std::time::Duration;

use affluenza_store::{
    BlockOrigin, Fact, FactBlock, Fate, FateGroup, INSERT_SETTINGS, InsertToken, LedgerRow,
    VisitAttributes,
};

use crate::support::{Engines, Place, eventually};

/// Months of the block, from January 2017.
const MONTHS: u64 = 5;
/// Facts of a block, and groups of its hour rows: beyond every default limit that splits blocks.
const FACTS: u64 = 300_000;
const GROUPS_MIN: u64 = 100_000;
const TABLES: [&str; 5] = [
    "usage_events",
    "usage_hourly",
    "ingest_ledger",
    "producer_sequences",
    "client_reports",
];
/// Settings that a profile may contain, with values that split an insert into many parts.
const HOSTILE: [(&str, &str); 3] = [
    ("max_insert_block_size", "50"),
    ("max_insert_block_size_bytes", "500"),
    ("input_format_max_block_size_bytes", "500"),
];

pub fn an_insert_is_one_part_a_month(engines: &Engines) {
    let place = engines.place("parts");
    place.run(&["migrate"]);
    stop_merges(&place);
    let origin = origin();
    let block = block(FACTS);
    let token = InsertToken::of(&origin, 0, FACTS);
    let store = place.store();
    let row = LedgerRow {
        stream: origin.stream.clone(),
        kafka_partition: 0,
        first_offset: 0,
        next_offset: FACTS,
        records_read: FACTS,
        control: 0,
        lost: 0,
        fates: (0..3_000_u16).map(fate).collect(),
        checksum: 1,
        rules: origin.rules.clone(),
    };
    let rows = block.encode(&origin);
    place
        .wait(async {
            store.facts().insert(rows.facts, &token).await?;
            store.facts().insert_hours(rows.hours, &token).await?;
            store.ledger().insert(&row, &token).await
        })
        .expect("the block is taken");
    assert_eq!(place.count("SELECT count() FROM usage_events"), FACTS);
    assert_eq!(place.count("SELECT sum(events) FROM usage_hourly"), FACTS);
    let groups = place.count("SELECT count() FROM usage_hourly");
    assert!(groups > GROUPS_MIN, "{groups} groups");
    let made = TABLES.map(|table| parts(&place, table));
    assert_eq!(made, [MONTHS, MONTHS, 1, 0, 0]);
}

pub fn a_profile_of_the_server_cannot_split_an_insert(engines: &Engines) {
    let place = engines.place("profiles");
    place.run(&["migrate"]);
    stop_merges(&place);
    let lines: String = (0..1_000).map(|n| format!("p{n}\t{n}\n")).collect();
    let into_rows = Insert {
        table: "producer_sequences",
        statement: "INSERT INTO producer_sequences (producer, bucket) FORMAT TSV",
        body: lines.as_bytes(),
    };
    for (number, hostile) in HOSTILE.into_iter().enumerate() {
        // The later of two equal parameters applies, as a setting of the insert does over a
        // profile.
        let pinned = [hostile].into_iter().chain(INSERT_SETTINGS.iter().copied());
        let without = INSERT_SETTINGS
            .iter()
            .copied()
            .filter(|(name, _)| *name != hostile.0)
            .chain([hostile]);
        let made = added(&place, into_rows, pinned, &format!("pinned-{number}"));
        assert_eq!(made, 1, "{} is not pinned", hostile.0);
        let made = added(&place, into_rows, without, &format!("without-{number}"));
        assert!(made > 1, "{} does not matter", hostile.0);
    }
}

#[derive(Clone, Copy)]
struct Insert<'i> {
    /// Table whose parts are counted.
    table: &'static str,
    statement: &'i str,
    body: &'i [u8],
}

/// Sends an insert and returns the number of new parts.
fn added<'s>(
    place: &Place<'_>,
    insert: Insert<'_>,
    settings: impl Iterator<Item = (&'s str, &'s str)>,
    token: &str,
) -> u64 {
    let Insert {
        table,
        statement,
        body,
    } = insert;
    let before = parts(place, table);
    let settings: String = settings
        .filter(|(name, _)| *name != "wait_end_of_query")
        .map(|(name, value)| format!("&{name}={value}"))
        .collect();
    let query = statement.replace(' ', "%20");
    let more = format!("{settings}&insert_deduplication_token={token}&query={query}");
    place
        .access()
        .post(&more, body, Duration::from_secs(60))
        .expect("the insert is taken");
    parts(place, table) - before
}

/// A slow server commits the months of an insert one after the other, also after the client's time
/// limit. The next attempt then sends a month that is committed in the meantime.
pub fn a_month_that_comes_late_counts_once(engines: &Engines) {
    const FACTS: u64 = 500;
    let place = engines.place("late_month");
    place.run(&["migrate"]);
    let (store, origin) = (place.store(), origin());
    let token = InsertToken::of(&origin, 0, FACTS).of_rest(7);
    let mut block = block(FACTS);
    let all = block.encode(&origin);
    let is_late: Vec<bool> = block.offsets().map(|at| at % MONTHS == 4).collect();
    block.retain(&is_late);
    for rows in [all, block.encode(&origin)] {
        place
            .wait(async {
                store.facts().insert(rows.facts, &token).await?;
                store.facts().insert_hours(rows.hours, &token).await
            })
            .expect("the block is inserted");
    }
    assert_eq!(place.count("SELECT count() FROM usage_events"), FACTS);
    assert_eq!(place.count("SELECT sum(events) FROM usage_hourly"), FACTS);
}

/// Before it looks for the facts of a block, a consumer waits for the inserts of the block that
/// servers still execute.
pub fn inserts_of_a_block_are_seen_while_they_run(engines: &Engines) {
    let place = engines.place("running_inserts");
    place.run(&["migrate"]);
    let (store, origin) = (place.store(), origin());
    let token = InsertToken::of(&origin, 0, 10);
    let running = || {
        place
            .wait(store.ledger().running_inserts(&token))
            .expect("the query is answered")
    };
    let access = place.access();
    for name in [token.clone(), token.of_rest(7)] {
        assert_eq!(running(), 0);
        let more = format!("&insert_deduplication_token={name}");
        let insert = "INSERT INTO FUNCTION null('x UInt8') SELECT sleepEachRow(1) FROM numbers(3)";
        std::thread::scope(|scope| {
            scope.spawn(|| {
                access
                    .post(&more, insert.as_bytes(), Duration::from_secs(60))
                    .expect("the insert ends")
            });
            eventually("the insert is seen", || running() == 1);
        });
    }
    let other = InsertToken::of(&origin, 0, 100);
    assert_eq!(
        place.wait(store.ledger().running_inserts(&other)).ok(),
        Some(0)
    );
}

fn stop_merges(place: &Place<'_>) {
    for table in TABLES {
        place
            .wait(
                place
                    .store()
                    .admin()
                    .run_statement(&format!("SYSTEM STOP MERGES {table}")),
            )
            .expect("merges can be stopped");
    }
}

fn parts(place: &Place<'_>, table: &str) -> u64 {
    place.count(&format!(
        "SELECT count() FROM system.parts WHERE active AND database = currentDatabase() AND table = '{table}'"
    ))
}

fn origin() -> BlockOrigin {
    BlockOrigin {
        stream: "parts/events".into(),
        kafka_partition: 0,
        rules: "r".into(),
    }
}

fn fate(day: u16) -> (FateGroup, u64) {
    let group = FateGroup {
        ente: format!("{:064}", day % 50),
        day: 17_000 + day % 150,
        fate: Fate::Stored,
        reason: "".into(),
    };
    (group, 100)
}

/// Facts of several months, with codes of 64 letters.
pub fn block(facts: u64) -> FactBlock {
    const JANUARY: u64 = 1_483_228_800;
    let mut block = FactBlock::default();
    for number in 0..facts {
        // 28 days of each month, one fact per hour.
        let hour = number / MONTHS % (28 * 24);
        let days = [0, 31, 59, 90, 120][usize::try_from(number % MONTHS).expect("small")];
        let seconds = JANUARY + days * 86_400 + hour * 3_600;
        let code = |letter: char, codes: u64| {
            let number = (number / MONTHS % codes).to_string();
            format!("{number}{}", letter.to_string().repeat(64 - number.len()))
        };
        block.push(&Fact {
            time_ms: i64::try_from(seconds * 1_000).expect("in range"),
            hour_start: u32::try_from(seconds).expect("in range"),
            local_date: u16::try_from(seconds / 86_400).expect("in range"),
            local_hour: u8::try_from(hour % 24).expect("in range"),
            band: 1,
            ente: &code('e', 53),
            portal: &code('p', 211),
            service: &code('s', 1_009),
            category: &code('c', 17),
            activity: 2,
            kind: 1,
            resource: 0,
            outcome: 1,
            attributes: VisitAttributes {
                portal_kind: 0,
                device: 1,
                device_rule: "rule",
                login: 1,
                channel: 1,
                country: "IT",
                region: "",
            },
            session: number,
            visitor: number + 1,
            identity: number,
            kafka_offset: number,
        });
    }
    block
}
