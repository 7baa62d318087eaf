//! Nodes and Sentinels of the stage join clients with the ports that they came through: see [`crate::stage::nodes`].

use std::io;
use std::net::SocketAddr;

use super::World;
use crate::config::Config;
use crate::error::{self, Error};
use crate::keyspace::Db;
use crate::listeners::{Topic, Wake};
use crate::peer::{Address, Kind, Peer};
use crate::session::{Client, Departure, Doom, Slot};
use crate::stage::nodes::{NewNode, Node, NodeKey, Nodes};
use crate::stage::sentinel::{Sentinel, Sentinels};
use crate::stage::slots::{SLOTS, slot as slot_of_key};
use crate::wire::{OwnedArgs, Reply};

/// What `net` offers to the stage: ports beside those of the configuration.
pub trait NodePorts: Send {
    /// Listens on the port, at every address that `bind` has; 0: on any that is free. Returns the first of those.
    fn open(&mut self, config: &Config, port: u16) -> io::Result<SocketAddr>;

    /// Listens there no more, whether the port was opened so or is of the configuration.
    fn close(&mut self, port: u16);
}

/// The name of the node or the Sentinel that the client is connected to; empty if it is to neither.
pub(crate) fn name_at<'s>(nodes: &'s Nodes, sentinels: &'s Sentinels, peer: &Peer) -> &'s [u8] {
    let Some(at) = port(peer).filter(|_| !nodes.is_empty() || !sentinels.is_empty()) else {
        return b"";
    };
    let node = nodes.at_port(at).map(|node| &node.name);
    node.or_else(|| sentinels.at_port(at).map(|sentinel| &sentinel.name))
        .map_or(b"", |name| name.as_bytes())
}

/// The port that the first node has where there are no sockets.
const FIRST_PORT: u16 = 7001;

/// The port that a client came through, if it is one that may be a node's.
pub(super) fn port(peer: &Peer) -> Option<u16> {
    match (peer.kind, &peer.laddr) {
        (Kind::Tcp, Address::Tcp(addr)) => Some(addr.port()),
        _ => None,
    }
}

impl World {
    // Which node is where.

    /// The nodes, if there are any.
    pub(crate) fn nodes(&self) -> Option<&Nodes> {
        self.stage.as_deref().map(|stage| &stage.nodes).filter(|nodes| !nodes.is_empty())
    }

    /// The node that the client is connected to.
    pub(crate) fn node_of(&self, slot: Slot) -> Option<&Node> {
        self.nodes()?.at_port(port(&self.clients[slot].peer)?)
    }

    /// The same, if it is a node of the cluster.
    pub(crate) fn cluster_node_of(&self, slot: Slot) -> Option<&Node> {
        self.node_of(slot).filter(|node| node.is_in_cluster)
    }

    /// The Sentinel that the client is connected to.
    pub(crate) fn sentinel_of(&self, slot: Slot) -> Option<&Sentinel> {
        let stage = self.stage.as_deref().filter(|stage| !stage.sentinels.is_empty())?;
        stage.sentinels.at_port(port(&self.clients[slot].peer)?)
    }

    /// The client's database, and which of its keys are at the client's node: all, but in a cluster.
    pub(crate) fn db_of_node(&mut self, slot: Slot) -> (Db<'_>, impl Fn(&[u8]) -> bool) {
        let own = self.cluster_node_of(slot).map(|node| node.key);
        let World { stage, store, clients, .. } = self;
        let nodes = stage.as_deref().map(|stage| &stage.nodes);
        let at = nodes.and_then(|nodes| Some((nodes, nodes.get(own?)?)));
        let is_here = move |key: &[u8]| at.is_none_or(|(nodes, node)| nodes.holds(node, key));
        (store.db(clients[slot].db), is_here)
    }

    /// How many keys are at the client's node of a cluster, and how many of them expire.
    pub(crate) fn count_of_node(&self, slot: Slot) -> (usize, usize) {
        let Some((nodes, node)) = self.nodes().zip(self.cluster_node_of(slot)) else {
            return (0, 0);
        };
        let (mut keys, mut expiring) = (0, 0);
        if let Some((_, db)) = self.store.iter().find(|(index, _)| *index == 0) {
            db.each_key(|key, expires| {
                if nodes.holds(node, key) {
                    keys += 1;
                    expiring += usize::from(expires);
                }
            });
        }
        (keys, expiring)
    }

    /// Returns whether a Sentinel has this port.
    fn is_sentinel_port(&self, at: u16) -> bool {
        self.stage.as_deref().is_some_and(|stage| stage.sentinels.at_port(at).is_some())
    }

    /// Ports of Sentinels, whose clients hear of nothing but what Sentinels say.
    pub(super) fn sentinel_ports(&self) -> Vec<u16> {
        let stage = self.stage.as_deref();
        stage.map(|stage| stage.sentinels.iter().map(|one| one.port).collect()).unwrap_or_default()
    }

    /// Whether the configuration has this value of a directive that is of use to nothing but nodes.
    pub(crate) fn is_set(&self, directive: &str, value: &str, default: &str) -> bool {
        let set = self.config.remembered.get(directive);
        set.map_or(default.as_bytes() == value.as_bytes(), |set| set.to_vec() == value.as_bytes())
    }

    /// Whether the cluster serves keys.
    pub(crate) fn is_cluster_ok(&self) -> bool {
        let requires_all = self.is_set("cluster-require-full-coverage", "yes", "yes");
        self.nodes().is_some_and(|nodes| nodes.health().is_ok(requires_all))
    }

    // Ports.

    /// Returns whether the port is the server's own for clients. Nodes speak what that speaks.
    pub(crate) fn is_own_port(&self, port: u16) -> bool {
        port == self.config.client_port().0
    }

    /// Listens on the port, or on any that is free, unless it is the server's own. Returns which it is.
    pub(crate) fn open_node_port(&mut self, wanted: Option<u16>) -> Result<u16, Error> {
        let is_free = |world: &World, port: u16| {
            let nodes = world.stage.as_deref().map(|stage| &stage.nodes);
            nodes.is_none_or(|nodes| nodes.at_port(port).is_none()) && !world.is_sentinel_port(port)
        };
        if let Some(own) = wanted.filter(|&port| self.is_own_port(port)) {
            self.tell_host(None);
            return Ok(own);
        }
        // One that stands is that of a node with which the server began.
        let stands = |port: &u16| self.stage.as_mut().is_some_and(|s| s.standing.remove(port));
        if let Some(port) = wanted.filter(stands) {
            return Ok(port);
        }
        let Some(ports) = &mut self.node_ports else {
            let free = (FIRST_PORT..).find(|&port| is_free(self, port));
            self.tell_host(None);
            return wanted.or(free).ok_or(error::NO_MORE_PORTS);
        };
        let opened = ports.open(&self.config, wanted.unwrap_or(0));
        let addr = opened.map_err(|why| error::cannot_listen(&why))?;
        self.tell_host(Some(addr));
        Ok(addr.port())
    }

    /// Makes a cluster of so many shards, each of so many nodes: `a` and its replicas `a2`, `a3`, then `b`. The first has the
    /// server's own port, the others those behind it, or any that are free. Returns their names and ports.
    pub(crate) fn stage_cluster(
        &mut self,
        shards: usize,
        nodes: usize,
        any_port: bool,
    ) -> Result<Vec<(String, u16)>, Error> {
        let border = |shard: usize| (shard * usize::from(SLOTS) + shards / 2) / shards;
        let (own, _) = self.config.client_port();
        let count = shards * nodes;
        if !any_port && usize::from(u16::MAX - own) < count - 1 {
            return Err(error::nodes_do_not_fit(count, own));
        }
        let mut added = Vec::new();
        let mut primaries = Vec::new();
        for number in 0..shards * nodes {
            let (row, shard) = (number / shards, number % shards);
            let letter = char::from(b'a' + shard as u8);
            let name = if row == 0 { letter.to_string() } else { format!("{letter}{}", row + 1) };
            let next = u16::try_from(number).ok().and_then(|n| own.checked_add(n));
            let wanted = if any_port && number > 0 { None } else { next };
            let port = self.open_node_port(wanted)?;
            let slots = match row {
                0 => vec![(border(shard) as u16, border(shard + 1) as u16 - 1)],
                _ => Vec::new(),
            };
            let (is_own_port, primary) = (self.is_own_port(port), primaries.get(shard).copied());
            let primary = primary.filter(|_| row > 0);
            let mut line = vec!["STAGE".into(), "NODE".into(), "ADD".into(), name.clone()];
            line.extend(slots.iter().flat_map(|(a, b)| ["SLOTS".into(), format!("{a}-{b}")]));
            if let Some((primary, _)) = added.get(shard).filter(|_| row > 0) {
                line.extend(["REPLICA-OF".into(), String::clone(primary)]);
            }
            self.begin_staged(line.into_iter().collect::<OwnedArgs>().args(), Some(port));
            let new = NewNode { name: name.clone(), port, is_own_port, slots, primary };
            if let Some(key) = self.add_node(new)
                && row == 0
            {
                primaries.push(key);
            }
            added.push((name, port));
        }
        Ok(added)
    }

    /// Finds out which address clients are told of nodes: `cluster-announce-ip`, or that where they listen.
    fn tell_host(&mut self, bound: Option<SocketAddr>) {
        let announced = self.config.remembered.get("cluster-announce-ip");
        let announced = announced.map(|ip| String::from_utf8_lossy(ip).into_owned());
        let first = self.config.bind.first().map(|first| first.trim_start_matches('-').to_owned());
        let bound = bound.map(|addr| addr.ip().to_string()).or(first).unwrap_or_default();
        let is_everywhere = ["*", "::*", "0.0.0.0", "::", "", "localhost"].contains(&&*bound);
        let host = if is_everywhere { "127.0.0.1".to_owned() } else { bound };
        if let Some(stage) = self.stage.as_deref_mut() {
            stage.nodes.host = announced.unwrap_or(host);
        }
    }

    /// Listens on the port no more, and closes its clients.
    pub(crate) fn close_node_port(&mut self, at: u16, caller: Slot) {
        if let Some(ports) = &mut self.node_ports {
            ports.close(at);
        }
        self.dismiss_port(at, caller);
    }

    /// Listens on the port again, which was closed.
    pub(crate) fn reopen_node_port(&mut self, at: u16) -> Result<(), Error> {
        match &mut self.node_ports {
            Some(ports) => ports.open(&self.config, at).map(drop),
            None => Ok(()),
        }
        .map_err(|why| error::cannot_listen(&why))
    }

    /// Closes all clients of a port; the one that has asked for that is told so before.
    pub(crate) fn dismiss_port(&mut self, at: u16, caller: Slot) {
        let is_there = |&slot: &Slot| port(&self.clients[slot].peer) == Some(at);
        let slots: Vec<Slot> = self.clients.slots().filter(is_there).collect();
        for slot in slots {
            let when = if slot == caller { Doom::AfterReply } else { Doom::Now };
            self.clients.doom(slot, when, Departure::Stage);
        }
    }

    /// Closes all clients of a port but the one that has asked for that.
    pub(super) fn dismiss_port_but(&mut self, at: u16, caller: Slot) {
        let goes = |&slot: &Slot| slot != caller && port(&self.clients[slot].peer) == Some(at);
        let slots: Vec<Slot> = self.clients.slots().filter(goes).collect();
        for slot in slots {
            // What they have been told before they still get.
            self.clients.doom(slot, Doom::AfterReply, Departure::Stage);
        }
    }

    /// Returns whether the port that a newcomer has come through is that of a node that is down.
    pub(crate) fn is_closed_port(&self, peer: &Peer) -> bool {
        let Some((stage, at)) = self.stage.as_deref().zip(port(peer)) else {
            return false;
        };
        stage.nodes.at_port(at).is_some_and(|node| !node.is_up())
            || stage.sentinels.at_port(at).is_some_and(|sentinel| !sentinel.is_up())
    }

    // What follows from a change.

    /// These slots have another owner, or keys are served no more: clients that wait for keys elsewhere are sent on,
    /// and shard channels of the slots have no subscribers any more.
    pub(crate) fn cluster_has_changed(&mut self, moved: &[u16]) {
        self.leave_shard_channels(moved);
        let slots: Vec<Slot> = self.clients.slots().collect();
        for slot in slots {
            if let Some(refused) = self.misplaced_wait(slot) {
                self.fail_waiting(slot, &refused);
            }
        }
    }

    /// Why the client may not wait any more for the keys that it waits for.
    fn misplaced_wait(&self, slot: Slot) -> Option<Error> {
        let client = &self.clients[slot];
        let wait = client.wait()?;
        if matches!(wait.until.wake, Wake::Event(_) | Wake::Time) || wait.is_done() {
            return None;
        }
        let (nodes, node) = (self.nodes()?, self.cluster_node_of(slot)?);
        if !self.is_cluster_ok() {
            return Some(error::CLUSTERDOWN);
        }
        let args = wait.args.args();
        let mut keys = wait.until.keys.clone().filter_map(|index| args.get(index));
        keys.find_map(|key| {
            let at = slot_of_key(key);
            let Some(owner) = nodes.owner(at) else {
                return Some(error::SLOT_NOT_SERVED);
            };
            let primary = nodes.primary_of(node).key;
            let is_served = owner.key == node.key
                || client.reads_replica() && owner.key == primary
                || nodes.moving(at).is_some_and(|going| going.to == primary);
            (!is_served).then(|| error::moved(at, &nodes.host, owner.port))
        })
    }

    /// No client listens to the shard channels of these slots any more, and those that did are told.
    fn leave_shard_channels(&mut self, slots: &[u16]) {
        if slots.is_empty() {
            return;
        }
        let channels = self.pubsub.listeners(Topic::Shard);
        let channels: Vec<(Box<[u8]>, Vec<u64>)> = channels
            .iter()
            .filter(|(channel, _)| slots.binary_search(&slot_of_key(channel)).is_ok())
            .map(|(channel, ids)| (channel.clone(), ids.clone()))
            .collect();
        for (channel, ids) in channels {
            for slot in
                ids.into_iter().filter_map(|id| self.clients.slot_of(id)).collect::<Vec<_>>()
            {
                if self.cluster_node_of(slot).is_none() {
                    continue;
                }
                self.unsubscribe(slot, Topic::Shard, &channel);
                let client = &self.clients[slot];
                let left = client.subscriptions().map_or(0, |names| names.len(Topic::Shard));
                let mut reply = Reply::new(Vec::new(), client.protocol);
                reply.push(3);
                reply.bulk(b"sunsubscribe");
                reply.bulk(&channel);
                reply.int(left as i64);
                self.send(slot, &reply.into_inner());
            }
        }
    }

    /// The node is a replica from now on that was a primary: clients that wait there are sent away.
    pub(crate) fn has_become_replica(&mut self, key: NodeKey) {
        let Some(at) = self.nodes().and_then(|nodes| nodes.get(key)).map(|node| node.port) else {
            return;
        };
        let waits = |client: &Client| {
            client.wait().is_some_and(|wait| !wait.is_done()) && port(&client.peer) == Some(at)
        };
        let slots: Vec<Slot> =
            self.clients.slots().filter(|&slot| waits(&self.clients[slot])).collect();
        for slot in slots {
            self.fail_waiting(slot, &error::UNBLOCKED_BY_ROLE);
            self.clients.doom(slot, Doom::AfterReply, Departure::Stage);
        }
    }

    /// A Sentinel says something to its clients that listen.
    pub(crate) fn tell_sentinel_clients(&mut self, at: u16, channel: &str, message: &str) {
        self.publish_where(channel.as_bytes(), message.as_bytes(), |client| {
            port(&client.peer) == Some(at)
        });
    }
}

/// Returns whether the client came through one of these ports.
pub(super) fn came_through(client: &Client, ports: &[u16]) -> bool {
    port(&client.peer).is_some_and(|at| ports.contains(&at))
}
