//! Sentinels: ports that answer as Sentinels that watch groups of nodes.
//!
//! A group is a primary, which is no node of the cluster, and its replicas: see [`super::nodes`]. A Sentinel notices at once
//! what becomes of them, and takes no step by itself: which replica takes over, and when, STAGE says, or SENTINEL FAILOVER.

use super::nodes::{Node, Nodes, digits};

#[derive(Debug)]
pub(crate) struct Sentinel {
    /// What STAGE calls it.
    pub(crate) name: String,
    /// 40 hexadecimal digits.
    pub(crate) id: String,
    pub(crate) port: u16,
    /// The groups that it watches, by name.
    pub(crate) watches: Vec<Watch>,
    /// Since when it is down, in ms after 1970.
    pub(crate) down_since: Option<u64>,
}

/// That a Sentinel watches a group.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) group: String,
    /// How many Sentinels have to agree that its primary is down.
    pub(crate) quorum: u32,
}

/// A primary and its replicas, under the name that Sentinels have for them.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// What its nodes have in common.
    pub(crate) shard: String,
    /// The epoch of its last failover.
    pub(crate) epoch: u64,
    /// When its primary became that, in ms after 1970.
    pub(crate) since: u64,
}

/// All Sentinels.
#[derive(Debug, Default)]
pub(crate) struct Sentinels {
    all: Vec<Sentinel>,
    groups: Vec<Group>,
    pub(crate) epoch: u64,
}

impl Sentinel {
    pub(crate) fn is_up(&self) -> bool {
        self.down_since.is_none()
    }

    pub(crate) fn quorum(&self, group: &str) -> Option<u32> {
        self.watches.iter().find(|watch| watch.group == group).map(|watch| watch.quorum)
    }
}

impl Group {
    /// Its primary, if its nodes are still there.
    pub(crate) fn primary<'n>(&self, nodes: &'n Nodes) -> Option<&'n Node> {
        nodes.iter().find(|node| node.shard == self.shard && node.primary.is_none())
    }
}

impl Sentinels {
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Sentinel> {
        self.all.iter()
    }

    pub(crate) fn at_port(&self, port: u16) -> Option<&Sentinel> {
        self.all.iter().find(|sentinel| sentinel.port == port)
    }

    pub(crate) fn named(&self, name: &[u8]) -> Option<&Sentinel> {
        self.all.iter().find(|sentinel| sentinel.name.as_bytes() == name)
    }

    pub(crate) fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups.iter().find(|group| group.name.as_bytes() == name)
    }

    /// The group that the node is of.
    pub(crate) fn group_of(&self, node: &Node) -> Option<&Group> {
        self.groups.iter().find(|group| group.shard == node.shard)
    }

    /// The Sentinels of a group.
    pub(crate) fn watchers(&self, group: &str) -> impl Iterator<Item = &Sentinel> + Clone {
        self.all.iter().filter(move |sentinel| sentinel.quorum(group).is_some())
    }

    /// A Sentinel of this name and port watches the group as well. It may be there already.
    pub(crate) fn watch(&mut self, name: &str, port: u16, group: &str, quorum: u32) {
        let at = self.all.iter().position(|sentinel| sentinel.name == name);
        let at = at.unwrap_or_else(|| {
            self.all.push(Sentinel {
                name: name.to_owned(),
                id: digits("sentinel", name),
                port,
                watches: Vec::new(),
                down_since: None,
            });
            self.all.len() - 1
        });
        self.all[at].watches.push(Watch { group: group.to_owned(), quorum });
    }

    /// There is such a group from now on.
    pub(crate) fn name_group(&mut self, name: &str, shard: &str, now: u64) {
        if self.group(name.as_bytes()).is_none() {
            let (name, shard) = (name.to_owned(), shard.to_owned());
            self.groups.push(Group { name, shard, epoch: 0, since: now });
        }
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Sentinel> {
        let at = self.all.iter().position(|sentinel| sentinel.name == name)?;
        let sentinel = self.all.remove(at);
        let all = &self.all;
        self.groups.retain(|group| all.iter().any(|other| other.quorum(&group.name).is_some()));
        Some(sentinel)
    }

    pub(crate) fn set_down(&mut self, name: &str, since: Option<u64>) {
        if let Some(sentinel) = self.all.iter_mut().find(|sentinel| sentinel.name == name) {
            sentinel.down_since = since;
        }
    }

    /// The group has another primary since `now`. Returns the epoch of that.
    pub(crate) fn has_failed_over(&mut self, shard: &str, now: u64) -> u64 {
        self.epoch += 1;
        let epoch = self.epoch;
        if let Some(group) = self.groups.iter_mut().find(|group| group.shard == shard) {
            (group.epoch, group.since) = (epoch, now);
        }
        epoch
    }

    pub(crate) fn set_quorum(&mut self, name: &str, group: &str, quorum: u32) {
        let found = self.all.iter_mut().find(|sentinel| sentinel.name == name);
        let mut watches = found.into_iter().flat_map(|sentinel| &mut sentinel.watches);
        if let Some(watch) = watches.find(|watch| watch.group == group) {
            watch.quorum = quorum;
        }
    }
}
