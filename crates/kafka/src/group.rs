//! Members of the consumer group and their partitions.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::groups::GroupInfo;

use crate::logging::Logging;
use crate::{BusError, Config, Partition};

/// The consumer group as its coordinator knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// Name of the assignment strategy; empty in a group without members.
    pub assignor: String,
    /// Consumers in the group.
    pub members: Vec<Member>,
}

/// One consumer of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Client id and the address of its connection.
    pub client: String,
    /// Partitions of the topic assigned to this member.
    pub partitions: Vec<Partition>,
}

impl Group {
    pub(crate) fn of(
        client: &BaseConsumer<Logging>,
        config: &Config,
        patience: Duration,
    ) -> Result<Self, BusError> {
        let groups = client.fetch_group_list(Some(&config.group), patience)?;
        let found = groups.groups().iter();
        let found = found.filter(|group| group.name() == config.group);
        // Brokers that do not coordinate the group list it without members.
        let group = found.max_by_key(|group| group.members().len());
        Ok(group.map_or_else(Self::default, |group| Self::of_info(group, &config.topic)))
    }

    fn of_info(group: &GroupInfo, topic: &str) -> Self {
        let members = group.members().iter().map(|member| Member {
            client: format!("{} at {}", member.client_id(), member.client_host()),
            partitions: member
                .assignment()
                .and_then(|bytes| partitions(bytes, topic))
                .unwrap_or_default(),
        });
        Self {
            assignor: group.protocol().to_owned(),
            members: members.collect(),
        }
    }

    /// Returns the member that owns `partition`.
    pub fn owner(&self, partition: Partition) -> Option<&Member> {
        self.members
            .iter()
            .find(|member| member.partitions.contains(&partition))
    }
}

/// Parses an assignment of Kafka's consumer protocol and returns the partitions of `topic`. Format:
/// version, then topics, each with its partitions; all numbers big-endian.
fn partitions(bytes: &[u8], topic: &str) -> Option<Vec<Partition>> {
    let mut rest = bytes.get(2..)?;
    let mut found = Vec::new();
    for _ in 0..take_i32(&mut rest)? {
        let length = usize::try_from(take_i16(&mut rest)?).ok()?;
        let name = rest.split_off(..length)?;
        for _ in 0..take_i32(&mut rest)? {
            let partition = Partition(take_i32(&mut rest)?);
            if name == topic.as_bytes() {
                found.push(partition);
            }
        }
    }
    Some(found)
}

fn take_i32(rest: &mut &[u8]) -> Option<i32> {
    let bytes = rest.split_off(..4)?;
    Some(i32::from_be_bytes(bytes.try_into().ok()?))
}

fn take_i16(rest: &mut &[u8]) -> Option<i16> {
    let bytes = rest.split_off(..2)?;
    Some(i16::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_read_or_refused() {
        let mut bytes = vec![0, 3, 0, 0, 0, 2];
        for (name, numbers) in [("other", &[7][..]), ("events", &[0, 258])] {
            bytes.extend([0, u8::try_from(name.len()).unwrap()]);
            bytes.extend(name.as_bytes());
            bytes.extend((numbers.len() as u32).to_be_bytes());
            for number in numbers {
                bytes.extend(i32::to_be_bytes(*number));
            }
        }
        let wanted = vec![Partition(0), Partition(258)];
        assert_eq!(partitions(&bytes, "events"), Some(wanted));
        assert_eq!(partitions(&bytes, "none"), Some(Vec::new()));
        for cut in 0..bytes.len() {
            assert_eq!(partitions(&bytes[..cut], "events"), None, "{cut}");
        }
    }
}
