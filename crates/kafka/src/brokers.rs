//! Connections to the brokers of a topic for [`crate::wire`]: to the leader of a partition, and to all.

use std::collections::HashMap;
use std::io;

use crate::wire::{ApiKey, BrokerAnswer, BrokerConnection, Request};
use crate::{BusError, Config};

/// Open connections, and the leader of each partition of the topic.
pub(crate) struct Brokers {
    config: Config,
    leaders: HashMap<i32, String>,
    /// Addresses of all brokers of the cluster, from the last metadata answer.
    all: Vec<String>,
    connections: HashMap<String, BrokerConnection>,
}

impl Brokers {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            config: config.clone(),
            leaders: HashMap::new(),
            all: Vec::new(),
            connections: HashMap::new(),
        }
    }

    /// Asks the leader of `partition`. A failure clears the cached leaders and connections.
    pub(crate) fn ask_leader<T>(
        &mut self,
        partition: i32,
        ask: impl Fn(&mut BrokerConnection) -> io::Result<T>,
    ) -> Result<T, BusError> {
        // One retry: a cached connection may be closed, or the leader may have changed.
        let first = self.try_leader(partition, &ask);
        first
            .or_else(|_| {
                self.forget();
                self.try_leader(partition, &ask)
            })
            .map_err(|error| {
                self.forget();
                self.failure(&error)
            })
    }

    fn try_leader<T>(
        &mut self,
        partition: i32,
        ask: &impl Fn(&mut BrokerConnection) -> io::Result<T>,
    ) -> io::Result<T> {
        if !self.leaders.contains_key(&partition) {
            self.look_round()?;
        }
        let Some(leader) = self.leaders.get(&partition).cloned() else {
            let cause = format!("partition {partition} has no leader");
            return Err(io::Error::other(cause));
        };
        ask(self.connection(&leader)?)
    }

    /// Asks every broker. Skips brokers that do not answer.
    pub(crate) fn ask_all<T>(
        &mut self,
        ask: impl Fn(&mut BrokerConnection) -> io::Result<T>,
    ) -> Vec<T> {
        let mut answers = Vec::new();
        for address in self.all.clone() {
            match self.connection(&address).and_then(&ask) {
                Ok(answer) => answers.push(answer),
                Err(error) => {
                    tracing::debug!(address, %error, "a broker does not answer");
                    self.connections.remove(&address);
                }
            }
        }
        answers
    }

    fn connection(&mut self, address: &str) -> io::Result<&mut BrokerConnection> {
        if !self.connections.contains_key(address) {
            let connection = BrokerConnection::open(address, &self.config)?;
            self.connections.insert(address.to_owned(), connection);
        }
        let connection = self.connections.get_mut(address);
        connection.ok_or_else(|| io::Error::other("no connection"))
    }

    fn forget(&mut self) {
        self.leaders.clear();
        self.connections.clear();
    }

    /// Requests the partition leaders from the bootstrap servers in order, until one answers.
    fn look_round(&mut self) -> io::Result<()> {
        let mut failure = io::Error::other("no broker is configured");
        let addresses: Vec<String> = self
            .config
            .bootstrap_servers
            .split(',')
            .map(address_of)
            .collect();
        let request = Request::default().i32(1).text(&self.config.topic);
        for address in addresses {
            let answer = self
                .connection(&address)
                .and_then(|connection| connection.ask(ApiKey::Metadata, &request));
            match answer.and_then(|answer| self.learn(BrokerAnswer(&answer))) {
                Ok(()) => return Ok(()),
                Err(error) => {
                    self.connections.remove(&address);
                    failure = error;
                }
            }
        }
        Err(failure)
    }

    fn learn(&mut self, mut answer: BrokerAnswer<'_>) -> io::Result<()> {
        let mut nodes = HashMap::new();
        for _ in 0..answer.count()? {
            let (node, host, port) = (answer.i32()?, answer.text()?, answer.i32()?);
            answer.text()?;
            let address = match host.contains(':') {
                true => format!("[{host}]:{port}"),
                false => format!("{host}:{port}"),
            };
            nodes.insert(node, address);
        }
        answer.i32()?;
        self.all = nodes.values().cloned().collect();
        for _ in 0..answer.count()? {
            let (_, topic, _) = (answer.i16()?, answer.text()?, answer.i8()?);
            for _ in 0..answer.count()? {
                let (_, id, leader) = (answer.i16()?, answer.i32()?, answer.i32()?);
                for _ in 0..2 {
                    let replicas = answer.count()?;
                    answer.take(replicas * 4)?;
                }
                if let Some(address) = nodes.get(&leader)
                    && topic == self.config.topic
                {
                    self.leaders.insert(id, address.clone());
                }
            }
        }
        Ok(())
    }

    fn failure(&self, error: &io::Error) -> BusError {
        let (bootstrap_servers, cause) = (self.config.bootstrap_servers.clone(), error.to_string());
        match error.kind() {
            io::ErrorKind::Unsupported => BusError::NotInspected { cause },
            io::ErrorKind::PermissionDenied => BusError::Refused {
                bootstrap_servers,
                cause,
            },
            _ => BusError::Unreachable {
                bootstrap_servers,
                cause,
            },
        }
    }
}

/// Returns `host:port` of a bootstrap server. Removes a protocol prefix and adds port 9092 if the
/// port is missing.
fn address_of(server: &str) -> String {
    let server = server.trim();
    let address = server.rsplit_once("://").map_or(server, |(_, rest)| rest);
    let has_port = address.rsplit_once(':').is_some_and(|(_, port)| {
        !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    match has_port {
        true => address.to_owned(),
        false => format!("{address}:9092"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_addresses() {
        assert_eq!(address_of(" SASL_SSL://kafka-1:9093"), "kafka-1:9093");
        assert_eq!(address_of("kafka-1"), "kafka-1:9092");
        assert_eq!(address_of("[::1]:19092"), "[::1]:19092");
    }
}
