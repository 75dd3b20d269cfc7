//! Everything encrypted: Kafka with TLS and a login, ClickHouse behind TLS, and the program's own
//! HTTP, with certificates made here. Only in builds with the feature `test-tls`: `make test-tls`.

use std::collections::BTreeMap;
use std::net::TcpListener as StdListener;
use std::process::Command;
use std::sync::Arc;

use affluenza_engine::{Cache, Kafka, KafkaSettings, SecuredListener};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::support::{Engines, Place, eventually, stderr, write};

const PASSWORD: &str = "not for long";

/// An authority, and a certificate of this machine by it, in PEM.
struct Certificates {
    authority: String,
    certificate: String,
    key: String,
}

impl Certificates {
    fn make() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Whose issuer has its own name is taken for self-signed.
        params
            .distinguished_name
            .push(DnType::CommonName, "authority");
        let authority = params.self_signed(&key).expect("an authority");
        let issuer = Issuer::new(params, key);
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let own = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(names).expect("plain names");
        let certificate = params.signed_by(&own, &issuer).expect("a certificate");
        Self {
            authority: authority.pem(),
            certificate: certificate.pem(),
            key: own.serialize_pem(),
        }
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

/// Kafka with a second listener, and where that is.
async fn kafka(place: &Place<'_>, certificates: &Certificates) -> (Kafka, String) {
    let cache = Cache::from_env().expect("there is a cache folder");
    let jars = cache
        .prepare_kafka(&|line| eprintln!("{line}"))
        .expect("Kafka can be fetched");
    let free = StdListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("it has one").port();
    drop(free);
    let login = format!(
        "org.apache.kafka.common.security.plain.PlainLoginModule required user_affluenza=\"{PASSWORD}\";"
    );
    let properties = [
        ("ssl.keystore.type", "PEM"),
        ("ssl.keystore.certificate.chain", &certificates.certificate),
        ("ssl.keystore.key", &certificates.key),
        ("sasl.enabled.mechanisms", "PLAIN"),
        ("plain.sasl.jaas.config", &login),
    ];
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let mut settings = KafkaSettings::new(place.folder.join("kafka"));
    settings.heap_mib = 256;
    settings.secured = Some(SecuredListener {
        port,
        properties: properties.into_iter().map(own).collect::<BTreeMap<_, _>>(),
    });
    let kafka = Kafka::start(&settings, &jars).await.expect("Kafka starts");
    (kafka, format!("localhost:{port}"))
}

/// Takes TLS off in front of `target`; returns where.
async fn front(certificates: &Certificates, target: String) -> String {
    let acceptor = TlsAcceptor::from(Arc::new(certificates.server()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it has one");
    tokio::spawn(async move {
        while let Ok((plain, _)) = listener.accept().await {
            let (acceptor, target) = (acceptor.clone(), target.clone());
            tokio::spawn(async move {
                // Whoever does not trust the certificate breaks off.
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

async fn get(certificates: &Certificates, address: &str, path: &str) -> String {
    let connector = TlsConnector::from(Arc::new(certificates.client()));
    let plain = TcpStream::connect(address).await.expect("it listens");
    let name = ServerName::try_from("localhost").expect("a name");
    let mut stream = connector
        .connect(name, plain)
        .await
        .expect("it has our certificate");
    let request = format!("GET {path} HTTP/1.0\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

pub fn everything_is_encrypted(engines: &Engines) {
    let place = engines.place("secured");
    let certificates = Certificates::make();
    let (kafka, brokers) = place.wait(kafka(&place, &certificates));
    let behind = engines.clickhouse.http_url().replace("http://", "");
    let clickhouse = place.wait(front(&certificates, behind));
    let file = |name: &str, text: &str| {
        let path = write(&place.folder, name, text.as_bytes());
        path.to_str().expect("plain").to_owned()
    };
    let authority = file("ca.pem", &certificates.authority);
    let password = file("password", &format!("{PASSWORD}\n"));
    let settings = [
        ("AFFLUENZA__KAFKA__PROPERTIES__BROKER_ADDRESS_FAMILY", "v4"),
        ("AFFLUENZA__KAFKA__BOOTSTRAP_SERVERS", &*brokers),
        (
            "AFFLUENZA__KAFKA__PROPERTIES__SECURITY_PROTOCOL",
            "SASL_SSL",
        ),
        ("AFFLUENZA__KAFKA__PROPERTIES__SSL_CA_LOCATION", &authority),
        ("AFFLUENZA__KAFKA__PROPERTIES__SASL_MECHANISM", "PLAIN"),
        ("AFFLUENZA__KAFKA__PROPERTIES__SASL_USERNAME", "affluenza"),
        (
            "AFFLUENZA__KAFKA__PROPERTIES__SASL_PASSWORD_FILE",
            &password,
        ),
        ("AFFLUENZA__CLICKHOUSE__URL", &clickhouse),
        ("SSL_CERT_FILE", &authority),
    ];
    let command = |arguments: &[&str]| -> Command {
        let mut command = place.command(arguments);
        command.envs(settings);
        command
    };
    let run = |arguments: &[&str]| {
        let output = command(arguments).output().expect("the program runs");
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            stderr(&output)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    run(&["migrate"]);
    run(&[
        "simulate", "--focus", "2017", "--scale", "0.01", "--seed", "15",
    ]);
    run(&["consume", "--once"]);
    assert!(run(&["audit"]).contains("balanced"));
    assert!(place.count("SELECT count() FROM usage_events") > 1_000);
    assert!(!run(&["config", "print"]).contains(PASSWORD));

    // Neither a wrong password nor an unknown authority gets anywhere.
    let wrong = |name: &str, value: &str, arguments: &[&str]| {
        let output = command(arguments).env(name, value).output();
        let output = output.expect("the program runs");
        assert!(!output.status.success(), "{name}={value} passes");
        stderr(&output)
    };
    let other = file("other.pem", &Certificates::make().authority);
    let said = wrong("SSL_CERT_FILE", &other, &["report", "--year", "2017"]);
    assert!(said.contains("ClickHouse"), "{said}");
    let bad = file("bad", "guessed");
    let name = "AFFLUENZA__KAFKA__PROPERTIES__SASL_PASSWORD_FILE";
    let said = wrong(name, &bad, &["migrate"]);
    assert!(said.contains("Kafka"), "{said}");

    let mut serving = command(&["serve", "--listen", "127.0.0.1:0"])
        .env(
            "AFFLUENZA__SERVE__HTTP__TLS_CERTIFICATE",
            file("own.pem", &certificates.certificate),
        )
        .env(
            "AFFLUENZA__SERVE__HTTP__TLS_KEY",
            file("own.key", &certificates.key),
        )
        .stderr(std::fs::File::create(place.folder.join("serve.log")).expect("a log"))
        .spawn()
        .expect("the program starts");
    let mut address = None;
    eventually("the API says where it listens", || {
        let text = std::fs::read_to_string(place.folder.join("serve.log")).unwrap_or_default();
        address = text
            .split_once("listening on https://")
            .and_then(|(_, rest)| Some(rest.split_once(';')?.0.to_owned()));
        address.is_some()
    });
    let address = address.expect("it was found");
    let answer = place.wait(get(&certificates, &address, "/status"));
    assert!(
        answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200"),
        "{answer}"
    );
    serving.kill().expect("it can be killed");
    serving.wait().expect("it ends");
    place.wait(kafka.stop()).expect("Kafka stops");
}
