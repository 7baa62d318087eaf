//! Nodes: further listeners of the one server, which clients take for the servers of a cluster, or for a primary and
//! its replicas.
//!
//! A node is a port. Behind all of them is the same keyspace, database 0 of it in a cluster, so that no failover loses
//! data. What makes a node of a port is what this file knows: which slots it serves, whose replica it is, whether it
//! is up. A node is part of the cluster from when it is given slots or is made the replica of one that is; the others are
//! plain servers, as a Sentinel watches them.
//!
//! All nodes see the same cluster at any time, and at once: there is no gossip, and nothing times out.
//!
//! While a slot is on the move, its keys are on two sides. Those that exist are at the slot's owner; those that clients
//! make at the other side, with ASKING, are there. A key that does not exist is on neither.

use std::collections::{BTreeMap, BTreeSet};

use sha1::{Digest as _, Sha1};

use super::slots::{SLOTS, slot};

/// The most nodes and Sentinels that there may be, of each.
pub(crate) const MOST: usize = 64;

/// So many keys of a slot on the move are remembered before those are looked for that are gone.
const FIRST_SWEEP: usize = 1024;

/// Stands for a node as long as that is there. It is not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NodeKey(u32);

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) key: NodeKey,
    /// What STAGE calls it.
    pub(crate) name: String,
    /// 40 hexadecimal digits. They depend on the name alone, so that they are the same in each run.
    pub(crate) id: String,
    /// What it has in common with its replicas, or with its primary: 40 digits, too.
    pub(crate) shard: String,
    pub(crate) port: u16,
    /// It is the server's own port, which is there without the node.
    pub(crate) is_own_port: bool,
    /// Its own, as long as it is a primary. Replicas have that of their primary.
    epoch: u64,
    pub(crate) primary: Option<NodeKey>,
    pub(crate) is_in_cluster: bool,
    /// Since when it is down, in ms after 1970.
    pub(crate) down_since: Option<u64>,
}

impl Node {
    pub(crate) fn is_up(&self) -> bool {
        self.down_since.is_none()
    }
}

/// A slot on the move.
#[derive(Debug)]
pub(crate) struct Move {
    /// The node that imports it.
    pub(crate) to: NodeKey,
    /// Its owner sends clients on to keys that it does not have. Before that, only the importing side knows of the move.
    pub(crate) is_migrating: bool,
    /// Keys that clients have made on the importing side. Of those that are gone some are still in here.
    there: BTreeSet<Box<[u8]>>,
    sweep_at: usize,
}

/// How well the cluster is, as CLUSTER INFO tells.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Health {
    pub(crate) assigned: usize,
    pub(crate) failing: usize,
    /// Primaries that serve slots, and how many of them are down.
    pub(crate) size: usize,
    pub(crate) size_failing: usize,
}

impl Health {
    /// Returns whether keys are served at all.
    pub(crate) fn is_ok(&self, requires_full_coverage: bool) -> bool {
        let is_whole = self.assigned == usize::from(SLOTS) && self.failing == 0;
        let has_majority = self.size - self.size_failing > self.size / 2;
        has_majority && (is_whole || !requires_full_coverage)
    }
}

/// A node's claim to a port, before it is there.
#[derive(Debug, Clone)]
pub(crate) struct NewNode {
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) is_own_port: bool,
    pub(crate) slots: Vec<(u16, u16)>,
    pub(crate) primary: Option<NodeKey>,
}

/// All nodes, and the cluster that some of them are.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    /// In the order in which they were added.
    all: Vec<Node>,
    /// Which primary serves each slot. Empty before there is a cluster.
    owners: Vec<Option<NodeKey>>,
    moves: BTreeMap<u16, Move>,
    health: Health,
    /// The cluster's current epoch.
    pub(crate) epoch: u64,
    next: u32,
    /// The address that clients are told, the same for all nodes.
    pub(crate) host: String,
    /// The slot of the request that runs, if it has keys, or a script that it runs has come to some.
    pub(crate) slot_of_request: Option<u16>,
}

impl Nodes {
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Node> + Clone {
        self.all.iter()
    }

    /// Those that are a cluster.
    pub(crate) fn cluster(&self) -> impl Iterator<Item = &Node> + Clone {
        self.all.iter().filter(|node| node.is_in_cluster)
    }

    pub(crate) fn get(&self, key: NodeKey) -> Option<&Node> {
        self.all.iter().find(|node| node.key == key)
    }

    fn get_mut(&mut self, key: NodeKey) -> Option<&mut Node> {
        self.all.iter_mut().find(|node| node.key == key)
    }

    pub(crate) fn at_port(&self, port: u16) -> Option<&Node> {
        self.all.iter().find(|node| node.port == port)
    }

    pub(crate) fn named(&self, name: &[u8]) -> Option<&Node> {
        self.all.iter().find(|node| node.name.as_bytes() == name)
    }

    pub(crate) fn with_id(&self, id: &[u8]) -> Option<&Node> {
        self.cluster().find(|node| node.id.as_bytes() == id)
    }

    /// The node itself, or the primary that it is a replica of.
    pub(crate) fn primary_of<'n>(&'n self, node: &'n Node) -> &'n Node {
        node.primary.and_then(|primary| self.get(primary)).unwrap_or(node)
    }

    pub(crate) fn replicas_of(&self, primary: NodeKey) -> impl Iterator<Item = &Node> + Clone {
        self.all.iter().filter(move |node| node.primary == Some(primary))
    }

    /// The configuration epoch that a node shows.
    pub(crate) fn epoch_of(&self, node: &Node) -> u64 {
        self.primary_of(node).epoch
    }

    pub(crate) fn owner(&self, slot: u16) -> Option<&Node> {
        let owner = *self.owners.get(usize::from(slot))?;
        self.get(owner?)
    }

    /// The ranges of slots that have an owner, and those of one owner that lie side by side as one.
    pub(crate) fn ranges(&self) -> Vec<(u16, u16, NodeKey)> {
        let mut ranges: Vec<(u16, u16, NodeKey)> = Vec::new();
        for (slot, owner) in (0..SLOTS).zip(&self.owners) {
            let Some(owner) = *owner else { continue };
            match ranges.last_mut() {
                Some((_, last, of)) if *of == owner && *last + 1 == slot => *last = slot,
                _ => ranges.push((slot, slot, owner)),
            }
        }
        ranges
    }

    pub(crate) fn moves(&self) -> impl Iterator<Item = (u16, &Move)> {
        self.moves.iter().map(|(&slot, going)| (slot, going))
    }

    pub(crate) fn moving(&self, slot: u16) -> Option<&Move> {
        self.moves.get(&slot)
    }

    pub(crate) fn health(&self) -> Health {
        self.health
    }

    /// Returns whether a key that exists is at this node of the cluster.
    pub(crate) fn holds(&self, node: &Node, key: &[u8]) -> bool {
        let slot = slot(key);
        let own = self.primary_of(node).key;
        let is_there = self.moves.get(&slot).filter(|going| going.there.contains(key));
        match is_there {
            Some(going) => going.to == own,
            None => self.owners.get(usize::from(slot)).copied().flatten() == Some(own),
        }
    }

    // Changes. Each leaves everything in order, or returns why it cannot be.

    /// Adds a node. The name and the port are free, no node serves the slots, and the primary is one.
    pub(crate) fn add(&mut self, new: NewNode) -> NodeKey {
        let key = NodeKey(self.next);
        self.next += 1;
        let primary = new.primary.and_then(|primary| self.get(primary));
        let id = digits("node", &new.name);
        let shard = primary.map_or_else(|| digits("shard", &new.name), |node| node.shard.clone());
        let is_in_cluster = primary.map_or(!new.slots.is_empty(), |primary| primary.is_in_cluster);
        let node = Node {
            key,
            name: new.name,
            id,
            shard,
            port: new.port,
            is_own_port: new.is_own_port,
            epoch: 0,
            primary: new.primary,
            is_in_cluster: false,
            down_since: None,
        };
        self.all.push(node);
        if is_in_cluster {
            self.join_cluster(key);
        }
        for (first, last) in new.slots {
            for slot in first..=last {
                self.owners[usize::from(slot)] = Some(key);
            }
        }
        self.examine();
        key
    }

    /// The node, and its replicas, are part of the cluster from now on.
    fn join_cluster(&mut self, key: NodeKey) {
        self.owners.resize(SLOTS.into(), None);
        let next = self.epoch + 1;
        let Some(node) = self.get_mut(key).filter(|node| !node.is_in_cluster) else {
            return;
        };
        node.is_in_cluster = true;
        if node.primary.is_none() {
            node.epoch = next;
            self.epoch = next;
        }
        for node in self.all.iter_mut().filter(|node| node.primary == Some(key)) {
            node.is_in_cluster = true;
        }
    }

    /// Takes a node away that has no replicas. No node serves its slots any more.
    pub(crate) fn remove(&mut self, key: NodeKey) -> Option<Node> {
        let at = self.all.iter().position(|node| node.key == key)?;
        let node = self.all.remove(at);
        self.owners.iter_mut().filter(|owner| **owner == Some(key)).for_each(|owner| *owner = None);
        let owners = &self.owners;
        self.moves.retain(|&slot, going| going.to != key && owners[usize::from(slot)].is_some());
        self.examine();
        Some(node)
    }

    /// The replica takes over from its primary, which becomes its replica, and with it the others.
    /// Returns the slots that it serves from now on.
    pub(crate) fn promote(&mut self, key: NodeKey) -> Vec<u16> {
        let Some((old, is_in_cluster)) = self.get(key).and_then(|node| {
            let old = node.primary?;
            Some((old, node.is_in_cluster))
        }) else {
            return Vec::new();
        };
        let epoch = self.epoch + u64::from(is_in_cluster);
        self.epoch = epoch;
        for node in &mut self.all {
            if node.key == key {
                (node.primary, node.epoch) = (None, epoch);
            } else if node.key == old || node.primary == Some(old) {
                node.primary = Some(key);
            }
        }
        for going in self.moves.values_mut().filter(|going| going.to == old) {
            going.to = key;
        }
        let mut moved = Vec::new();
        for (slot, owner) in (0..SLOTS).zip(&mut self.owners) {
            if *owner == Some(old) {
                *owner = Some(key);
                moved.push(slot);
            }
        }
        self.examine();
        moved
    }

    /// The slot is on its way to a primary: that side knows it, and the owner does if it is `migrating`.
    pub(crate) fn begin_move(&mut self, slot: u16, to: NodeKey, is_migrating: bool) {
        self.join_cluster(to);
        let is_same = self.moves.get(&slot).is_some_and(|going| going.to == to);
        if !is_same {
            let new = Move { to, is_migrating, there: BTreeSet::new(), sweep_at: FIRST_SWEEP };
            self.moves.insert(slot, new);
        } else if let Some(going) = self.moves.get_mut(&slot) {
            going.is_migrating |= is_migrating;
        }
        self.examine();
    }

    /// The slot is the primary's from now on, with all its keys, and is not on the move any more. Returns whether it was
    /// another's, or no node's.
    pub(crate) fn give(&mut self, slot: u16, to: NodeKey) -> bool {
        self.join_cluster(to);
        self.moves.remove(&slot);
        let owner = &mut self.owners[usize::from(slot)];
        let has_changed = *owner != Some(to);
        *owner = Some(to);
        if has_changed {
            let next = self.epoch + 1;
            if let Some(node) = self.get_mut(to) {
                node.epoch = next;
                self.epoch = next;
            }
        }
        self.examine();
        has_changed
    }

    /// The node's epoch becomes the greatest of all. Returns it, and whether it was not before.
    pub(crate) fn bump_epoch(&mut self, key: NodeKey) -> (u64, bool) {
        let Some(own) = self.get(key).map(|node| self.primary_of(node).key) else {
            return (0, false);
        };
        let greatest = self.cluster().all(|node| node.key == own || node.epoch < self.epoch);
        let epoch = self.epoch;
        match self.get_mut(own) {
            Some(node) if node.epoch == epoch && greatest => (epoch, false),
            Some(node) => {
                node.epoch = epoch + 1;
                self.epoch = epoch + 1;
                (epoch + 1, true)
            }
            None => (epoch, false),
        }
    }

    /// The node goes down, or comes up with `None`.
    pub(crate) fn set_down(&mut self, key: NodeKey, since: Option<u64>) {
        if let Some(node) = self.get_mut(key) {
            node.down_since = since;
        }
        self.examine();
    }

    /// A client makes this key on the importing side of its slot.
    pub(crate) fn put_there(&mut self, key: &[u8], exists: impl FnMut(&[u8]) -> bool) {
        let Some(going) = self.moves.get_mut(&slot(key)) else {
            return;
        };
        if going.there.len() >= going.sweep_at {
            let mut exists = exists;
            going.there.retain(|key| exists(key));
            going.sweep_at = (2 * going.there.len()).max(FIRST_SWEEP);
        }
        going.there.insert(key.into());
    }

    /// Looks anew how well the cluster is.
    fn examine(&mut self) {
        let is_down = |key: NodeKey| self.get(key).is_some_and(|node| !node.is_up());
        let mut owners = BTreeMap::<NodeKey, usize>::new();
        for &owner in self.owners.iter().flatten() {
            *owners.entry(owner).or_default() += 1;
        }
        let mut health = Health { size: owners.len(), ..Health::default() };
        for (&owner, &slots) in &owners {
            health.assigned += slots;
            if is_down(owner) {
                health.failing += slots;
                health.size_failing += 1;
            }
        }
        self.health = health;
    }
}

impl Move {
    /// Returns whether a key that exists is on the importing side.
    pub(crate) fn is_there(&self, key: &[u8]) -> bool {
        self.there.contains(key)
    }
}

/// 40 hexadecimal digits for what has this name among others of its kind.
pub(super) fn digits(kind: &str, name: &str) -> String {
    let digest = Sha1::new().chain_update(kind).chain_update(" ").chain_update(name).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
