//! Encrypted connections: Kafka with TLS and passwords or client certificates, ClickHouse behind
//! TLS, and the program's own HTTPS, with generated certificates. Only in builds with the feature
//! `test-tls`: `make test-features`.

use std::net::TcpListener as StdListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use affluenza_engine::{Cache, Kafka, KafkaSettings};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::collect::client::{event, key};
use crate::support::{Engines, Place, Running, eventually, source, stderr, write};

const PASSWORD: &str = "not for long";
const PROPERTIES: &str = "AFFLUENZA__KAFKA__PROPERTIES__";
/// Expiry of the certificates: 2 January 2040.
const EXPIRY: i64 = 2_209_075_200;

/// A certificate authority and a certificate of this machine, in PEM, for servers and clients.
struct Certificates {
    authority: String,
    certificate: String,
    key: String,
}

impl Certificates {
    /// `year` is the year of expiry.
    fn make(year: i32) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // A certificate whose issuer has the same name would count as self-signed.
        params
            .distinguished_name
            .push(DnType::CommonName, "authority");
        let authority = params.self_signed(&key).expect("an authority");
        let issuer = Issuer::new(params, key);
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let own = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(names).expect("plain names");
        params.not_after = rcgen::date_time_ymd(year, 1, 2);
        let certificate = params.signed_by(&own, &issuer).expect("a certificate");
        Self {
            authority: authority.pem(),
            certificate: certificate.pem(),
            key: own.serialize_pem(),
        }
    }

    /// Writes authority, certificate and key to files.
    fn write(&self, folder: &Path, name: &str) -> [String; 3] {
        let parts = [&self.authority, &self.certificate, &self.key];
        [0, 1, 2].map(|part| {
            let name = format!("{name}-{}.pem", ["ca", "own", "key"][part]);
            let path = write(folder, &name, parts[part].as_bytes());
            path.to_str().expect("plain").to_owned()
        })
    }

    fn server(&self) -> ServerConfig {
        let chain = CertificateDer::pem_slice_iter(self.certificate.as_bytes());
        let chain = chain.collect::<Result<_, _>>().expect("PEM");
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("PEM");
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("known versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("they fit")
    }

    fn client(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(self.authority.as_bytes()).expect("PEM");
        roots.add(authority).expect("an authority");
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("known versions")
            .with_root_certificates(roots)
            .with_no_client_auth()
    }
}

/// Starts Kafka with a listener for passwords and one for client certificates.
async fn kafka(place: &Place<'_>, certificates: &Certificates) -> (Kafka, [String; 2]) {
    let cache = Cache::from_env().expect("there is a cache folder");
    let jars = cache
        .prepare_kafka(&|line| eprintln!("{line}"))
        .expect("Kafka can be fetched");
    let free = [0, 1].map(|_| StdListener::bind("127.0.0.1:0").expect("a port"));
    let ports = free.map(|free| free.local_addr().expect("it has one").port());
    let module =
        |name: &str| format!("org.apache.kafka.common.security.{name}LoginModule required");
    let plain = format!("{} user_affluenza=\"{PASSWORD}\";", module("plain.Plain"));
    let scram = format!("{};", module("scram.Scram"));
    let tls = [
        ("ssl.keystore.type", "PEM"),
        ("ssl.keystore.certificate.chain", &certificates.certificate),
        ("ssl.keystore.key", &certificates.key),
    ];
    let logins = [
        (
            "sasl.enabled.mechanisms",
            "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        ),
        ("plain.sasl.jaas.config", &plain),
        ("scram-sha-256.sasl.jaas.config", &scram),
        ("scram-sha-512.sasl.jaas.config", &scram),
    ];
    let clients = [
        ("ssl.client.auth", "required"),
        ("ssl.truststore.type", "PEM"),
        ("ssl.truststore.certificates", &certificates.authority),
    ];
    let [with_logins, with_certificates] = ports;
    let addresses = |host: &str| {
        format!("LOGINS://{host}:{with_logins},CERTIFICATES://{host}:{with_certificates}")
    };
    let mut settings = KafkaSettings::new(place.folder.join("kafka"));
    settings.heap_mib = 256;
    settings.properties.extend([
        ("listeners".to_owned(), addresses("127.0.0.1")),
        // Certificates contain host names, not addresses.
        ("advertised.listeners".to_owned(), addresses("localhost")),
        (
            "listener.security.protocol.map".to_owned(),
            "LOGINS:SASL_SSL,CERTIFICATES:SSL".to_owned(),
        ),
    ]);
    for (listener, own) in [("logins", &logins[..]), ("certificates", &clients[..])] {
        let properties = tls.iter().chain(own);
        settings.properties.extend(properties.map(|(name, value)| {
            (
                format!("listener.name.{listener}.{name}"),
                (*value).to_owned(),
            )
        }));
    }
    settings.scram = [256, 512]
        .map(|bits| format!("SCRAM-SHA-{bits}=[name=affluenza,password=\"{PASSWORD}\"]"))
        .into();
    let kafka = Kafka::start(&settings, &jars).await.expect("Kafka starts");
    (kafka, ports.map(|port| format!("localhost:{port}")))
}

/// Starts a TLS proxy in front of `target` and returns its address.
async fn front(certificates: &Certificates, target: String) -> String {
    let acceptor = TlsAcceptor::from(Arc::new(certificates.server()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it has one");
    tokio::spawn(async move {
        while let Ok((plain, _)) = listener.accept().await {
            let (acceptor, target) = (acceptor.clone(), target.clone());
            tokio::spawn(async move {
                // A client that does not trust the certificate disconnects.
                let Ok(mut encrypted) = acceptor.accept(plain).await else {
                    return;
                };
                let mut behind = TcpStream::connect(target).await.expect("it listens");
                let _ = tokio::io::copy_bidirectional(&mut encrypted, &mut behind).await;
            });
        }
    });
    format!("https://localhost:{}", address.port())
}

/// Sends a request as a client that trusts only the authority of `certificates`.
async fn ask(certificates: &Certificates, address: &str, request: &str) -> std::io::Result<String> {
    let connector = TlsConnector::from(Arc::new(certificates.client()));
    let plain = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    let mut stream = connector.connect(name, plain).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.0\r\n\r\n")
}

/// A place with encrypted connections. Settings without a section are properties of Kafka.
struct Secured<'p> {
    place: &'p Place<'p>,
    settings: [(&'p str, &'p str); 9],
}

impl Secured<'_> {
    fn command(&self, arguments: &[&str], more: &[(&str, &str)]) -> Command {
        let mut command = self.place.command(arguments);
        for (name, value) in self.settings.iter().chain(more) {
            let is_whole = name.contains("__") || *name == "SSL_CERT_FILE";
            let prefix = if is_whole { "" } else { PROPERTIES };
            match value.is_empty() {
                false => command.env(format!("{prefix}{name}"), value),
                true => command.env_remove(format!("{prefix}{name}")),
            };
        }
        command
    }

    fn run(&self, arguments: &[&str], more: &[(&str, &str)]) -> String {
        let output = self.command(arguments, more).output();
        let output = output.expect("the program runs");
        let said = stderr(&output);
        assert!(output.status.success(), "{arguments:?} {more:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a command that must fail and returns its one line.
    fn fail(&self, arguments: &[&str], more: &[(&str, &str)]) -> String {
        let output = self
            .command(arguments, more)
            .env("AFFLUENZA__LOG__FILTER", "error")
            .output();
        let output = output.expect("the program runs");
        assert!(!output.status.success(), "{more:?} passes");
        let said = stderr(&output);
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        said
    }

    /// Starts a role with a certificate and returns its address.
    fn serve(&self, arguments: &[&str], section: &str, files: &[String; 3]) -> (Running, String) {
        let log = self.place.folder.join(format!("{}.log", arguments[0]));
        let child = self
            .command(
                arguments,
                &[
                    (&format!("AFFLUENZA__{section}__TLS_CERTIFICATE"), &files[1]),
                    (&format!("AFFLUENZA__{section}__TLS_KEY"), &files[2]),
                ],
            )
            .args(["--listen", "127.0.0.1:0"])
            .stderr(std::fs::File::create(&log).expect("a log"))
            .spawn();
        let running = Running(child.expect("the program starts"));
        let mut address = None;
        eventually("it says where it listens", || {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let found = text.split_once("https://").map(|(_, rest)| {
                let end = rest.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c)));
                end.map(|end| rest[..end].to_owned())
            });
            address = found.flatten();
            address.is_some()
        });
        (running, address.expect("it was found"))
    }
}

pub fn everything_is_encrypted(engines: &Engines) {
    let place = engines.place("secured");
    let certificates = Certificates::make(2040);
    let files = certificates.write(&place.folder, "a");
    let (kafka, [logins, clients]) = place.wait(kafka(&place, &certificates));
    let behind = engines.clickhouse.http_url().replace("http://", "");
    let clickhouse = place.wait(front(&certificates, behind));
    let password = write(
        &place.folder,
        "password",
        format!("{PASSWORD}\n").as_bytes(),
    );
    let password = password.to_str().expect("plain");
    let settings = [
        ("BROKER_ADDRESS_FAMILY", "v4"),
        ("SECURITY_PROTOCOL", "SASL_SSL"),
        ("SSL_CA_LOCATION", &files[0]),
        ("SASL_MECHANISM", "SCRAM-SHA-512"),
        ("SASL_USERNAME", "affluenza"),
        ("SASL_PASSWORD_FILE", password),
        ("AFFLUENZA__KAFKA__BOOTSTRAP_SERVERS", &*logins),
        ("AFFLUENZA__CLICKHOUSE__URL", &clickhouse),
        ("SSL_CERT_FILE", &files[0]),
    ];
    let secured = Secured {
        place: &place,
        settings,
    };
    secured.run(&["migrate"], &[]);
    let simulate = [
        "simulate", "--focus", "2017", "--scale", "0.01", "--seed", "15",
    ];
    secured.run(&simulate, &[]);
    secured.run(&["consume", "--once"], &[]);
    assert!(secured.run(&["audit"], &[]).contains("balanced"));
    let counted = place.count("SELECT count() FROM usage_events");
    assert!(counted > 1_000);
    assert!(!secured.run(&["config", "print"], &[]).contains(PASSWORD));

    transactions_are_seen(&secured, &clients, &files);
    let counted = place.count("SELECT count() FROM usage_events");
    whoever_is_not_known_is_told(&secured, &clients, &files);
    an_event_is_counted_over_https(&secured, &certificates, &files);
    assert_eq!(place.count("SELECT count() FROM usage_events"), counted + 1);
    place.wait(kafka.stop()).expect("Kafka stops");
}

/// The audit reads the log with the same credentials: markers and aborted records balance.
fn transactions_are_seen(secured: &Secured<'_>, clients: &str, files: &[String; 3]) {
    let bus = secured.place.bus();
    let login = serde_json::json!({
        "broker.address.family": "v4",
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": files[0],
        "sasl.mechanism": "PLAIN",
        "sasl.username": "affluenza",
        "sasl.password": PASSWORD,
    });
    let (_, logins) = secured.settings[6];
    let by_certificate = [
        ("AFFLUENZA__KAFKA__BOOTSTRAP_SERVERS", clients),
        ("SECURITY_PROTOCOL", "SSL"),
        ("SSL_CERTIFICATE_LOCATION", &*files[1]),
        ("SSL_KEY_LOCATION", &*files[2]),
    ];
    let ways: [&[(&str, &str)]; 4] = [
        &[],
        &[("SASL_MECHANISM", "PLAIN")],
        &[("SASL_MECHANISM", "SCRAM-SHA-256")],
        &by_certificate,
    ];
    for way in ways {
        let sent = Command::new(crate::foreign::python())
            .arg(source("tests/it/foreign/producers.py"))
            .args([logins, &bus.topic, "transaction"])
            .env("CLIENT_SETTINGS", login.to_string())
            .output()
            .expect("the client runs");
        assert!(sent.status.success(), "{}", stderr(&sent));
        let control = || {
            let query = "SELECT sum(control) FROM ingest_ledger FINAL";
            secured.place.count(query)
        };
        let before = control();
        secured.run(&["consume", "--once"], way);
        assert!(control() > before, "{way:?}");
        assert!(secured.run(&["audit"], way).contains("balanced"), "{way:?}");
    }
}

/// Other credentials for Kafka, and the errors for invalid ones.
fn whoever_is_not_known_is_told(secured: &Secured<'_>, clients: &str, files: &[String; 3]) {
    let folder = &secured.place.folder;
    let others = Certificates::make(2040).write(folder, "others");
    let bad = write(folder, "bad", b"guessed");
    let bad = bad.to_str().expect("plain");
    let mechanism = |name| ("SASL_MECHANISM", name);
    let wrong = ("SASL_PASSWORD_FILE", bad);
    let shows = |certificate, key| {
        vec![
            ("AFFLUENZA__KAFKA__BOOTSTRAP_SERVERS", clients),
            ("SECURITY_PROTOCOL", "SSL"),
            ("SSL_CERTIFICATE_LOCATION", certificate),
            ("SSL_KEY_LOCATION", key),
        ]
    };
    // Each set of credentials is accepted, or fails with this cause in one line.
    let clients = [
        (vec![mechanism("PLAIN")], ""),
        (vec![mechanism("SCRAM-SHA-256")], ""),
        (shows(&files[1], &files[2]), ""),
        (vec![mechanism("PLAIN"), wrong], "SASL authentication error"),
        (vec![wrong], "SASL authentication error"),
        (vec![("SSL_CA_LOCATION", &others[0])], "ssl.ca.location"),
        (shows("", ""), "wants a certificate"),
        (shows(&others[1], &others[2]), "wants a certificate"),
    ];
    std::thread::scope(|scope| {
        for (settings, cause) in &clients {
            scope.spawn(move || {
                if cause.is_empty() {
                    secured.run(&["migrate"], settings);
                    return;
                }
                let said = secured.fail(&["migrate"], settings);
                let is_told = said.contains("do not accept each other") && said.contains(cause);
                assert!(is_told, "{settings:?}: {said}");
            });
        }
    });
    let unknown = [("SSL_CERT_FILE", &*others[0])];
    let said = secured.fail(&["report", "--year", "2017"], &unknown);
    assert!(
        said.contains("ClickHouse") && said.contains("certificate"),
        "{said}"
    );
}

/// Collector, consumer and API communicate over HTTPS while the certificate is replaced.
fn an_event_is_counted_over_https(
    secured: &Secured<'_>,
    certificates: &Certificates,
    files: &[String; 3],
) {
    let place = secured.place;
    let key = key(place, &[]);
    let (_collector, collector) = secured.serve(&["collect"], "COLLECT__HTTP", files);
    let (_consumer, consumer) = secured.serve(&["consume"], "CONSUME", files);
    let (_api, api) = secured.serve(&["serve"], "SERVE__HTTP", files);
    let ask = |trusted: &Certificates, address: &str, request: &str| {
        place.wait(ask(trusted, address, request))
    };
    let answer = |address: &str, request: &str| {
        ask(certificates, address, request).expect("it has our certificate")
    };
    let body = event(1);
    let post = format!(
        "POST /v1/events HTTP/1.0\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let said = answer(&collector, &post);
    assert!(said.contains(" 202 "), "{said}");
    eventually("the consumer has counted it", || {
        answer(&consumer, &get("/metrics"))
            .contains("affluenza_consume_records_total{fate=\"stored\"} 1\n")
    });
    let said = answer(&api, &get("/status"));
    assert!(said.contains(" 200 "), "{said}");

    let metrics = |line: &str| {
        let said = answer(&collector, &get("/metrics"));
        said.contains(&format!("\naffluenza_http_certificate_{line}\n"))
    };
    assert!(metrics(&format!("expiry_timestamp_seconds {EXPIRY}")));
    assert!(metrics("refused 0"));
    let alerts = std::fs::read_to_string(source("deploy/prometheus/alerts.yaml"));
    let alerts = alerts.expect("it is there");
    let named = alerts.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let named = named.filter_map(|word| word.strip_prefix("affluenza_http_certificate_"));
    for name in named {
        let known = ["expiry_timestamp_seconds", "refused"];
        assert!(known.contains(&name), "an alert names {name}");
    }

    // An incomplete or expired replacement changes only metric and log.
    let log = || std::fs::read_to_string(place.folder.join("collect.log")).unwrap_or_default();
    let next = Certificates::make(2041);
    Certificates::make(2020).write(&place.folder, "a");
    eventually("it is noticed", || log().contains("it has expired"));
    std::fs::write(&files[1], &next.certificate).expect("it can be written");
    eventually("it is noticed", || log().contains("KeyMismatch"));
    assert!(metrics("refused 1"));
    assert!(ask(&next, &collector, &get("/status")).is_err());
    next.write(&place.folder, "a");
    for address in [&collector, &consumer, &api] {
        eventually("the new one is active", || {
            ask(&next, address, &get("/status")).is_ok_and(|said| said.contains(" 200 "))
        });
        assert!(ask(certificates, address, &get("/status")).is_err());
    }
    let said = ask(&next, &collector, &get("/metrics")).expect("it has the new one");
    assert!(said.contains("certificate_refused 0\n"), "{said}");
}
