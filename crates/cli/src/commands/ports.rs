//! Ports of the parts of `up`: no two parts may have the same one.

use anyhow::{Result, bail};

use super::{collect, serve};
use crate::platform::{CLICKHOUSE_PORT, KAFKA_PORT, Needs};
use crate::settings::Settings;

/// Port of a part.
struct PartPort<'s> {
    setting: &'static str,
    host: &'s str,
    /// Configured port; 0 stands for `default`, or for a free one.
    port: u16,
    default: u16,
}

impl<'s> PartPort<'s> {
    fn of_service(setting: &'static str, listen: &'s str, default: u16) -> Self {
        let (host, port) = listen.rsplit_once(':').unwrap_or_default();
        Self {
            setting,
            host,
            port: port.parse().unwrap_or(0),
            default,
        }
    }

    fn of_engine(setting: &'static str, port: u16, default: u16) -> Self {
        Self {
            setting,
            host: "127.0.0.1",
            port,
            default,
        }
    }

    /// True if a part that starts later cannot get its port, because this one has it.
    fn is_port_of(&self, later: &Self) -> bool {
        const ALL: [&str; 2] = ["0.0.0.0", "[::]"];
        let own = if self.port == 0 {
            self.default
        } else {
            self.port
        };
        let hosts = [self.host, later.host];
        let is_one_host = hosts[0] == hosts[1] || hosts.iter().any(|host| ALL.contains(host));
        later.port != 0 && later.port == own && is_one_host
    }
}

/// Returns the ports of `up`, in the order in which its parts start.
fn ports(settings: &Settings) -> Vec<PartPort<'_>> {
    let (engine, local) = (&settings.engine, Needs::BOTH.local(settings));
    let kafka = PartPort::of_engine("engine.kafka_port", engine.kafka_port, KAFKA_PORT);
    let clickhouse = PartPort::of_engine(
        "engine.clickhouse_http_port",
        engine.clickhouse_http_port,
        CLICKHOUSE_PORT,
    );
    let services = [
        (
            "collect.http.listen",
            &settings.collect.http.listen,
            collect::PORT,
        ),
        ("consume.listen", &settings.consume.listen, 0),
        (
            "serve.http.listen",
            &settings.serve.http.listen,
            serve::PORT,
        ),
    ];
    let services = services.into_iter();
    let services =
        services.map(|(setting, listen, default)| PartPort::of_service(setting, listen, default));
    let engines = [(local.kafka, kafka), (local.clickhouse, clickhouse)];
    let engines = engines.into_iter().filter(|(is_local, _)| *is_local);
    engines.map(|(_, port)| port).chain(services).collect()
}

/// Checks that no two parts of `up` have one port.
pub fn check(settings: &Settings) -> Result<()> {
    let ports = ports(settings);
    for (at, later) in ports.iter().enumerate() {
        if let Some(earlier) = ports[..at].iter().find(|earlier| earlier.is_port_of(later)) {
            bail!(
                "{} and {} are both port {} of one machine, on which `up` cannot run both: give each its own",
                earlier.setting,
                later.setting,
                later.port
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_parts_need_two_ports() {
        let checked = |collect: &str, serve: &str| {
            let mut settings = Settings::default();
            settings.collect.http.listen = collect.to_owned();
            settings.serve.http.listen = serve.to_owned();
            check(&settings).err().map(|error| error.to_string())
        };
        for (collect, serve) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("127.0.0.1:9000", "127.0.0.1:9001"),
            ("127.0.0.1:9000", "127.0.0.2:9000"),
            // The API takes a free port if the collector has its default one.
            ("127.0.0.1:8080", "127.0.0.1:0"),
        ] {
            assert_eq!(checked(collect, serve), None, "{collect} {serve}");
        }
        for (collect, serve, other) in [
            ("127.0.0.1:9000", "127.0.0.1:9000", "collect.http.listen"),
            ("0.0.0.0:9000", "127.0.0.1:9000", "collect.http.listen"),
            ("[::]:9000", "localhost:9000", "collect.http.listen"),
            ("127.0.0.1:0", "127.0.0.1:8642", "collect.http.listen"),
            ("127.0.0.1:0", "127.0.0.1:9092", "engine.kafka_port"),
        ] {
            let said = checked(collect, serve).unwrap_or_default();
            let names = format!("{other} and serve.http.listen are both port");
            assert!(said.starts_with(&names), "{collect} {serve}: {said}");
        }
    }
}
