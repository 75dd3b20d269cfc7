use affluenza_http::keys::{KeyRing, KeyStore, NewKey, Role, Scope};

use super::*;

const REGISTER: &str = include_str!("../../../../deploy/register.toml");
const NOW: UnixMillis = UnixMillis(1_774_000_000_000);

fn treatment() -> Treatment {
    let register = Register::parse(REGISTER).unwrap();
    Treatment {
        register,
        geo: Arc::new(Geo::none()),
        salts: Arc::default(),
    }
}

fn key(new: NewKey) -> Arc<Key> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.toml");
    let (_, secret) = KeyStore::new(&file).create(new).unwrap();
    KeyRing::open(&file)
        .unwrap()
        .check(secret.expose())
        .unwrap()
}

fn writer() -> Arc<Key> {
    key(NewKey::new("all", Role::Writer))
}

fn event(data: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","type":"it.affluenza.access.v1","source":"https://e.example","id":"1","time":"2026-03-20T10:00:00+01:00","data":{{"ente":"c_d612","portal":"www"{data}}}}}"#
    )
}

fn take(raw: &str, key: &Key) -> Result<String, Refused> {
    let mut events = Treated::default();
    let sender = Sender {
        key: Some(key),
        visitor_address: None,
    };
    treatment().take(raw.as_bytes(), sender, NOW, &mut events)?;
    let (record_key, json) = events.records().next().unwrap();
    assert_eq!(record_key, b"1");
    Ok(String::from_utf8(json.to_vec()).unwrap())
}

#[test]
fn unknown_fields_are_dropped() {
    let raw = event(r#","name":"Mario Rossi","client":{"ip":"93.45.1.17","email":"m@rossi.it"}"#);
    let kept = take(&raw, &writer()).unwrap();
    for trace in ["Mario", "rossi", "93.45"] {
        assert!(!kept.contains(trace), "{kept}");
    }
    assert!(
        kept.contains("\"visitor\""),
        "an address makes a visitor: {kept}"
    );
}

#[test]
fn visitors_and_sessions_are_hashed() {
    let kept = take(
        &event(r#","visitor":"mario rossi","session":"abc""#),
        &writer(),
    )
    .unwrap();
    assert!(!kept.contains("mario") && !kept.contains("abc"), "{kept}");
}

#[test]
fn personal_data_is_refused_where_none_belongs() {
    for data in [
        r#","visitor":"m@rossi.it""#,
        r#","session":"RSSMRA85T10A562S""#,
        r#","service":"93.45.1.17""#,
    ] {
        let refused = take(&event(data), &writer()).unwrap_err();
        assert_eq!(refused.reason, Reason::PersonalData, "{data}");
    }
    let v6 = event("").replace("\"id\":\"1\"", "\"id\":\"2001:db8:77:1::5\"");
    assert_eq!(
        take(&v6, &writer()).unwrap_err().reason,
        Reason::PersonalData
    );
    let hidden = event("").replace("https://e.example", "https://e.example/?m=a%40b.it");
    assert_eq!(
        take(&hidden, &writer()).unwrap_err().reason,
        Reason::PersonalData
    );
    let sentence = event("").replace("\"id\":\"1\"", "\"id\":\"Mario Rossi\"");
    assert_eq!(
        take(&sentence, &writer()).unwrap_err().reason,
        Reason::NotCloudevent
    );
}

#[test]
fn user_agents_and_hints_keep_what_classifies() {
    let agent = |text: &str| {
        let data = format!(
            r#","client":{{"user_agent":"{text}","platform":"\"Windows\"","form_factors":"\"Tablet\", \"Mario\""}}"#
        );
        let kept = take(&event(&data), &writer()).unwrap();
        let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
        let client = &kept["data"]["client"];
        assert_eq!(client["platform"], "Windows");
        assert_eq!(client["form_factors"], "Tablet");
        client["user_agent"].as_str().unwrap().to_owned()
    };
    let chrome = "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0.0.0 Safari/537.36";
    assert_eq!(agent(chrome), chrome);
    assert_eq!(agent("app m@rossi.it x"), "app ********** x");
    assert_eq!(agent("app m%40rossi.it x"), "app ********** x");
    assert_eq!(agent("a RSSMRA85T10A562S"), "a ****************");
    assert_eq!(agent("a 93.45.1.17 b"), "a ********** b");
    assert_eq!(agent("a 2001:db8:1::17 b"), "a ************** b");
    assert_eq!(agent(&"à".repeat(2_000)).len(), 1_024);
}

#[test]
fn a_key_writes_for_its_own() {
    let own = key(NewKey {
        enti: Scope::of(["prato"]),
        ..NewKey::new("prato", Role::Writer)
    });
    assert_eq!(
        take(&event(""), &own).unwrap_err().reason,
        Reason::ForeignEnte
    );
    let portal = key(NewKey {
        portals: Scope::of(["other"]),
        ..NewKey::new("p", Role::Writer)
    });
    assert_eq!(
        take(&event(""), &portal).unwrap_err().reason,
        Reason::ForeignPortal
    );
    let source = key(NewKey {
        sources: Scope::of(["other"]),
        ..NewKey::new("p", Role::Writer)
    });
    assert_eq!(
        take(&event(""), &source).unwrap_err().reason,
        Reason::ForeignSource
    );
}

#[test]
fn refusals_of_the_parser_come_through() {
    let ahead = event("").replace("2026", "2099");
    assert_eq!(
        take(&ahead, &writer()).unwrap_err().reason,
        Reason::TimeAhead
    );
    assert_eq!(take("{", &writer()).unwrap_err().reason, Reason::NotJson);
    assert_eq!(
        take("7", &writer()).unwrap_err().reason,
        Reason::NotCloudevent
    );
}
