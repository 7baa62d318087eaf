//! What becomes of the stage's nodes, and what Sentinels say about it: see [`crate::stage::sentinel`].

use super::World;
use crate::error::Error;
use crate::session::Slot;
use crate::stage::Stage;
use crate::stage::nodes::{NewNode, Node, NodeKey, Nodes};
use crate::stage::sentinel::Group;

/// What one Sentinel says: its port, the channel, the message.
type Event = (u16, String, String);

impl World {
    /// Adds a node, whose port is open.
    pub(crate) fn add_node(&mut self, new: NewNode) -> Option<NodeKey> {
        let stage = self.stage.as_deref_mut()?;
        let key = stage.nodes.add(new);
        let told = about_replica(stage, key, "+slave");
        self.tell_all(told);
        Some(key)
    }

    /// The replica takes over. `by`: the Sentinel that has it do so, if a client of that has asked.
    pub(crate) fn fail_over(&mut self, key: NodeKey, caller: Slot, by: Option<&str>) {
        let now = self.now.wall / 1000;
        let Some(stage) = self.stage.as_deref_mut() else {
            return;
        };
        let Some((old, is_in_cluster)) =
            stage.nodes.get(key).and_then(|node| Some((node.primary?, node.is_in_cluster)))
        else {
            return;
        };
        let told = about_failover(stage, key, old, by);
        let moved = stage.nodes.promote(key);
        if is_in_cluster {
            return self.cluster_has_changed(&moved);
        }
        let node = stage.nodes.get(key);
        let shard = node.map(|node| node.shard.clone()).unwrap_or_default();
        let is_watched = stage.sentinels.iter().next().is_some() && !told.is_empty();
        if is_watched {
            stage.sentinels.has_failed_over(&shard, now);
        }
        let ports = stage.nodes.iter().filter(|node| node.shard == shard).map(|node| node.port);
        let ports: Vec<u16> = ports.collect();
        self.has_become_replica(old);
        self.tell_all(told);
        if is_watched {
            // A Sentinel that gives a server another role has its clients killed.
            ports.into_iter().for_each(|port| self.dismiss_port_but(port, caller));
        }
    }

    /// Returns whether no port would be left that STAGE can be sent to if the node's were closed.
    pub(crate) fn is_last_way_in(&self, key: NodeKey) -> bool {
        let config = &self.config;
        let has_other_port = config.admin_port != 0
            || config.unixsocket.is_some()
            || config.port != 0 && config.tls.port != 0;
        let is_last = |nodes: &Nodes| {
            let is_open = |node: &Node| node.key != key && node.is_up();
            nodes.iter().any(|node| node.is_own_port) && !nodes.iter().any(is_open)
        };
        !has_other_port && self.nodes().is_some_and(is_last)
    }

    /// The node's port is closed, and its clients with it.
    pub(crate) fn take_node_down(&mut self, key: NodeKey, caller: Slot) {
        let now = self.now.wall / 1000;
        let Some(stage) = self.stage.as_deref_mut() else {
            return;
        };
        stage.nodes.set_down(key, Some(now));
        let told = about_node(stage, key, '+');
        let port = stage.nodes.get(key).map(|node| node.port);
        port.into_iter().for_each(|port| self.close_node_port(port, caller));
        self.cluster_has_changed(&[]);
        self.tell_all(told);
    }

    /// The node's port is open again.
    pub(crate) fn bring_node_up(&mut self, key: NodeKey) -> Result<(), Error> {
        if let Some(port) = self.nodes().and_then(|nodes| nodes.get(key)).map(|node| node.port) {
            self.reopen_node_port(port)?;
        }
        let Some(stage) = self.stage.as_deref_mut() else {
            return Ok(());
        };
        stage.nodes.set_down(key, None);
        let told = about_node(stage, key, '-');
        self.tell_all(told);
        Ok(())
    }

    /// The node is no more. If its port is the server's own, that stays.
    pub(crate) fn remove_node(&mut self, key: NodeKey, caller: Slot) -> Result<(), Error> {
        let Some(stage) = self.stage.as_deref_mut() else {
            return Ok(());
        };
        let is_own_and_down = |node: &&Node| node.is_own_port && !node.is_up();
        if let Some(port) = stage.nodes.get(key).filter(is_own_and_down).map(|node| node.port) {
            self.reopen_node_port(port)?;
        }
        let Some(stage) = self.stage.as_deref_mut() else {
            return Ok(());
        };
        let slots = stage.nodes.ranges().into_iter().filter(|(_, _, owner)| *owner == key);
        let slots: Vec<u16> = slots.flat_map(|(first, last, _)| first..=last).collect();
        if let Some(node) = stage.nodes.remove(key)
            && !node.is_own_port
        {
            self.close_node_port(node.port, caller);
        }
        self.cluster_has_changed(&slots);
        Ok(())
    }

    /// A Sentinel has begun to watch a group, and the others have seen it.
    pub(crate) fn tell_of_sentinel(&mut self, name: &str, group: &str) {
        let Some(stage) = self.stage.as_deref() else {
            return;
        };
        let told = about_sentinel(stage, name, Some(group), "+sentinel");
        self.tell_all(told);
    }

    /// The Sentinel's port is closed, and its clients with it.
    pub(crate) fn take_sentinel_down(&mut self, name: &str, caller: Slot) {
        let now = self.now.wall / 1000;
        let Some(stage) = self.stage.as_deref_mut() else {
            return;
        };
        stage.sentinels.set_down(name, Some(now));
        let told = about_sentinel(stage, name, None, "+sdown");
        let port = stage.sentinels.named(name.as_bytes()).map(|sentinel| sentinel.port);
        port.into_iter().for_each(|port| self.close_node_port(port, caller));
        self.tell_all(told);
    }

    /// The Sentinel's port is open again.
    pub(crate) fn bring_sentinel_up(&mut self, name: &str) -> Result<(), Error> {
        let sentinel =
            self.stage.as_deref().and_then(|stage| stage.sentinels.named(name.as_bytes()));
        if let Some(port) = sentinel.map(|sentinel| sentinel.port) {
            self.reopen_node_port(port)?;
        }
        let Some(stage) = self.stage.as_deref_mut() else {
            return Ok(());
        };
        stage.sentinels.set_down(name, None);
        let told = about_sentinel(stage, name, None, "-sdown");
        self.tell_all(told);
        Ok(())
    }

    fn tell_all(&mut self, told: Vec<Event>) {
        for (port, channel, message) in told {
            self.tell_sentinel_clients(port, &channel, &message);
        }
    }
}

/// `group ip port` of a group's primary.
fn primary_words(stage: &Stage, group: &Group, primary: &Node) -> String {
    format!("{} {} {}", group.name, stage.nodes.host, primary.port)
}

/// `slave ip:port ip port @ group ip port` of a replica.
fn replica_words(stage: &Stage, group: &Group, replica: &Node, primary: &Node) -> String {
    let (host, port) = (&stage.nodes.host, replica.port);
    format!("slave {host}:{port} {host} {port} @ {}", primary_words(stage, group, primary))
}

/// What each Sentinel that is up and watches the group says.
fn said_by_all(stage: &Stage, group: &Group, channel: &str, message: &str) -> Vec<Event> {
    let watchers = stage.sentinels.watchers(&group.name).filter(|sentinel| sentinel.is_up());
    watchers.map(|one| (one.port, channel.to_owned(), message.to_owned())).collect()
}

/// A replica of a group has been found.
fn about_replica(stage: &Stage, key: NodeKey, channel: &str) -> Vec<Event> {
    let found = stage.nodes.get(key).and_then(|node| {
        let group = stage.sentinels.group_of(node)?;
        let primary = stage.nodes.get(node.primary?)?;
        let message = replica_words(stage, group, node, primary);
        Some(said_by_all(stage, group, channel, &message))
    });
    found.unwrap_or_default()
}

/// A node has gone down (`+`) or has come up (`-`).
fn about_node(stage: &Stage, key: NodeKey, sign: char) -> Vec<Event> {
    let Some((node, group)) =
        stage.nodes.get(key).and_then(|node| Some((node, stage.sentinels.group_of(node)?)))
    else {
        return Vec::new();
    };
    let channel = format!("{sign}sdown");
    if node.primary.is_some() {
        return about_replica(stage, key, &channel);
    }
    let message = format!("master {}", primary_words(stage, group, node));
    let mut told = said_by_all(stage, group, &channel, &message);
    let watchers = stage.sentinels.watchers(&group.name).filter(|sentinel| sentinel.is_up());
    let agreed = watchers.clone().count() as u32;
    for sentinel in watchers {
        let quorum = sentinel.quorum(&group.name).unwrap_or_default();
        if agreed >= quorum {
            let end =
                if sign == '+' { format!(" #quorum {agreed}/{quorum}") } else { String::new() };
            told.push((sentinel.port, format!("{sign}odown"), format!("{message}{end}")));
        }
    }
    told
}

/// A Sentinel has been found, is down or is up: the others say so, of one group or of all that they have in common.
fn about_sentinel(stage: &Stage, name: &str, of: Option<&str>, channel: &str) -> Vec<Event> {
    let Some(about) = stage.sentinels.named(name.as_bytes()) else {
        return Vec::new();
    };
    let groups = about.watches.iter().filter(|watch| of.is_none_or(|of| of == watch.group));
    let told = groups.filter_map(|watch| {
        let group = stage.sentinels.group(watch.group.as_bytes())?;
        let primary = primary_words(stage, group, group.primary(&stage.nodes)?);
        let (id, host, port) = (&about.id, &stage.nodes.host, about.port);
        let message = format!("sentinel {id} {host} {port} @ {primary}");
        let told = said_by_all(stage, group, channel, &message);
        Some(told.into_iter().filter(|(by, _, _)| *by != about.port).collect::<Vec<_>>())
    });
    told.flatten().collect()
}

/// `key` is about to take over from `old`: what the Sentinel says that leads the failover, and what the others do.
fn about_failover(stage: &Stage, key: NodeKey, old: NodeKey, by: Option<&str>) -> Vec<Event> {
    let nodes = &stage.nodes;
    let (Some(new), Some(old)) = (nodes.get(key), nodes.get(old)) else {
        return Vec::new();
    };
    let Some(group) = stage.sentinels.group_of(new) else {
        return Vec::new();
    };
    let watchers: Vec<_> =
        stage.sentinels.watchers(&group.name).filter(|sentinel| sentinel.is_up()).collect();
    let leads = |name: &str| watchers.iter().find(|sentinel| sentinel.name == name);
    let Some(leader) = by.and_then(leads).or(watchers.first()) else {
        return Vec::new();
    };
    let epoch = stage.sentinels.epoch + 1;
    let master = format!("master {}", primary_words(stage, group, old));
    let slave = replica_words(stage, group, new, old);
    let others = nodes.replicas_of(old.key).filter(|other| other.key != key && other.is_up());
    let mut led = vec![("+try-failover", master.clone())];
    led.push(("+vote-for-leader", format!("{} {epoch}", leader.id)));
    led.push(("+elected-leader", master.clone()));
    led.push(("+failover-state-select-slave", master.clone()));
    for step in [
        "+selected-slave",
        "+failover-state-send-slaveof-noone",
        "+failover-state-wait-promotion",
        "+promoted-slave",
    ] {
        led.push((step, slave.clone()));
    }
    led.push(("+failover-state-reconf-slaves", master.clone()));
    for other in others {
        for step in ["+slave-reconf-sent", "+slave-reconf-inprog", "+slave-reconf-done"] {
            led.push((step, replica_words(stage, group, other, old)));
        }
    }
    led.push(("+failover-end", master));
    let source = format!(
        "sentinel {} {} {} @ {}",
        leader.id,
        nodes.host,
        leader.port,
        primary_words(stage, group, old)
    );
    let switched =
        format!("{} {} {} {} {}", group.name, nodes.host, old.port, nodes.host, new.port);
    let replicas = nodes.replicas_of(old.key).filter(|other| other.key != key).chain([old]);
    let mut told = Vec::new();
    for sentinel in &watchers {
        let mut say = |channel: &str, message: &str| {
            told.push((sentinel.port, channel.to_owned(), message.to_owned()));
        };
        say("+new-epoch", &epoch.to_string());
        match sentinel.port == leader.port {
            true => led.iter().for_each(|(channel, message)| say(channel, message)),
            false => say("+config-update-from", &source),
        }
        say("+switch-master", &switched);
        for replica in replicas.clone() {
            say("+slave", &replica_words(stage, group, replica, new));
            if !replica.is_up() {
                say("+sdown", &replica_words(stage, group, replica, new));
            }
        }
    }
    told
}
