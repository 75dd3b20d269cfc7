//! Open connections of a service: a limit for all, and one for each address. When a limit is reached,
//! the connection that has been idle for the longest time is closed for the new one. So neither
//! forgotten connections nor one address keep others out.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Connections of a service.
pub(crate) struct Connections {
    places: Arc<Semaphore>,
    places_max: u32,
    address_max: usize,
    open: Mutex<OpenConnections>,
    /// Signals that a connection has become idle.
    idle: Notify,
}

#[derive(Default)]
struct OpenConnections {
    /// Source of ids, and of the order in which connections became idle.
    ticks: u64,
    by_id: BTreeMap<u64, OpenConnection>,
}

struct OpenConnection {
    /// Address that the connection counts for; `None` for a trusted proxy.
    address: Option<IpAddr>,
    /// Tick since when no request is in progress.
    idle_since: Option<u64>,
    closed: CancellationToken,
}

/// A connection, counted until it is dropped.
pub(crate) struct Connection {
    id: u64,
    connections: Arc<Connections>,
    /// Signals that the connection is closed for another one.
    pub closed: CancellationToken,
    _place: OwnedSemaphorePermit,
}

/// A request in progress, until it is dropped.
pub(crate) struct BusyConnection(Arc<Connection>);

impl Connections {
    pub fn new(places_max: u32, address_max: usize) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(places_max as usize)),
            places_max,
            address_max,
            open: Mutex::default(),
            idle: Notify::new(),
        })
    }

    /// Waits for a place. Returns `None` if the address has reached its limit and none of its
    /// connections is idle.
    pub async fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Arc<Connection>> {
        self.make_room_at(address)?;
        loop {
            if let Ok(place) = self.places.clone().try_acquire_owned() {
                return Some(self.insert(address, place));
            }
            let is_closing = self.open().close_idle().is_some();
            tokio::select! {
                // The semaphore is never closed.
                place = self.places.clone().acquire_owned() => {
                    return Some(self.insert(address, place.ok()?));
                }
                () = self.idle.notified(), if !is_closing => {}
            }
        }
    }

    /// Waits until every connection has ended.
    pub async fn ended(&self) {
        let _ = self.places.acquire_many(self.places_max).await;
    }

    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make_room_at(&self, address: Option<IpAddr>) -> Option<()> {
        let Some(address) = address else {
            return Some(());
        };
        let mut open = self.open();
        if open
            .counts()
            .get(&address)
            .is_some_and(|count| *count >= self.address_max)
        {
            return open.close_idle_of(address);
        }
        Some(())
    }

    fn insert(
        self: &Arc<Self>,
        address: Option<IpAddr>,
        place: OwnedSemaphorePermit,
    ) -> Arc<Connection> {
        let mut open = self.open();
        open.ticks += 1;
        let (id, closed) = (open.ticks, CancellationToken::new());
        open.by_id.insert(
            id,
            OpenConnection {
                address,
                idle_since: Some(id),
                closed: closed.clone(),
            },
        );
        Arc::new(Connection {
            id,
            connections: self.clone(),
            closed,
            _place: place,
        })
    }
}

impl OpenConnections {
    /// Returns the number of connections of each address.
    fn counts(&self) -> HashMap<IpAddr, usize> {
        let mut counts = HashMap::new();
        for address in self.by_id.values().filter_map(|one| one.address) {
            *counts.entry(address).or_default() += 1;
        }
        counts
    }

    /// Closes an idle connection of the address that has the most. Returns `None` if none is idle.
    fn close_idle(&mut self) -> Option<()> {
        let counts = self.counts();
        let count = |one: &OpenConnection| {
            let count = one.address.and_then(|address| counts.get(&address));
            count.copied().unwrap_or_default()
        };
        let idle = self.by_id.iter();
        let idle = idle.filter_map(|(id, one)| Some((count(one), u64::MAX - one.idle_since?, *id)));
        let (_, _, id) = idle.max()?;
        self.close(id);
        Some(())
    }

    /// Closes the connection of an address that is idle for the longest time.
    fn close_idle_of(&mut self, address: IpAddr) -> Option<()> {
        let own = self.by_id.iter();
        let own = own.filter(|(_, one)| one.address == Some(address));
        let idle = own.filter_map(|(id, one)| Some((one.idle_since?, *id)));
        let (_, id) = idle.min()?;
        self.close(id);
        Some(())
    }

    fn close(&mut self, id: u64) {
        if let Some(one) = self.by_id.remove(&id) {
            one.closed.cancel();
        }
    }
}

impl Connection {
    /// Notes the beginning of a request.
    pub fn begin(self: &Arc<Self>) -> BusyConnection {
        self.set_idle(false);
        BusyConnection(self.clone())
    }

    fn set_idle(&self, is_idle: bool) {
        let mut open = self.connections.open();
        open.ticks += 1;
        let tick = open.ticks;
        if let Some(one) = open.by_id.get_mut(&self.id) {
            one.idle_since = is_idle.then_some(tick);
        }
    }
}

impl Drop for BusyConnection {
    fn drop(&mut self) {
        self.0.set_idle(true);
        self.0.connections.idle.notify_one();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.connections.open().by_id.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[tokio::test]
    async fn the_longest_idle_connection_of_the_largest_address_makes_room() {
        let connections = Connections::new(4, 3);
        let other = connections.admit(address(2)).await.unwrap();
        let mut own = Vec::new();
        for _ in 0..3 {
            own.push(connections.admit(address(1)).await.unwrap());
        }
        let busy = own[0].begin();
        let waiting = tokio::spawn({
            let connections = connections.clone();
            async move { connections.admit(address(3)).await }
        });
        own[1].closed.cancelled().await;
        assert!(!other.closed.is_cancelled() && !own[0].closed.is_cancelled());
        own.remove(1);
        assert!(waiting.await.unwrap().is_some());
        drop(busy);
    }

    #[tokio::test]
    async fn an_address_has_a_limit_and_a_proxy_has_none() {
        let connections = Connections::new(10, 2);
        let first = connections.admit(address(1)).await.unwrap();
        let second = connections.admit(address(1)).await.unwrap();
        let third = connections.admit(address(1)).await.unwrap();
        assert!(first.closed.is_cancelled());
        let busy = [second.begin(), third.begin()];
        assert!(connections.admit(address(1)).await.is_none());
        let mut of_proxy = Vec::new();
        for _ in 0..5 {
            of_proxy.push(connections.admit(None).await.unwrap());
        }
        drop(busy);
        assert!(connections.admit(address(1)).await.is_some());
    }
}
