//! STAGE RESET brings back what the server began with: see [`crate::stage::beginning`]. Nodes keep their ports, and these
//! their clients.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::World;
use super::nodes::port;
use crate::session::Slot;
use crate::stage::nodes::{NodeKey, Nodes};
use crate::stage::slots::SLOTS;
use crate::wire::Args;

/// Which node did what.
#[derive(Debug, Default)]
pub(crate) struct Roles {
    /// The name of the primary that serves each slot; empty where none does.
    owners: Vec<String>,
    primaries: BTreeSet<String>,
    host: String,
}

impl Roles {
    fn of(nodes: &Nodes) -> Roles {
        let mut owners = vec![String::new(); SLOTS.into()];
        for (first, last, owner) in nodes.ranges() {
            if let Some(node) = nodes.get(owner) {
                owners[first.into()..=last.into()].fill(node.name.clone());
            }
        }
        let primaries = nodes.iter().filter(|node| node.primary.is_none());
        let primaries = primaries.map(|node| node.name.clone()).collect();
        Roles { owners, primaries, host: nodes.host.clone() }
    }
}

impl World {
    /// The server begins with this line of STAGE. `opened`: the port that it has opened.
    pub(crate) fn begin_staged(&mut self, args: Args<'_>, opened: Option<u16>) {
        if let Some(stage) = &mut self.stage {
            Arc::make_mut(&mut stage.beginning).add(args, opened);
        }
    }

    /// The nodes and the Sentinels end. The server's own port is as it was, and so are those that are to come back: they
    /// stand, and their clients stay. Returns what the nodes were.
    pub(crate) fn clear_nodes(&mut self, caller: Slot) -> Roles {
        let Some(stage) = self.stage.as_deref_mut() else {
            return Roles::default();
        };
        let (nodes, sentinels) =
            (std::mem::take(&mut stage.nodes), std::mem::take(&mut stage.sentinels));
        let ends = nodes.iter().map(|node| (node.port, node.is_up(), node.is_own_port));
        let also = sentinels.iter().map(|sentinel| (sentinel.port, sentinel.is_up(), false));
        for (port, is_up, is_own) in ends.chain(also) {
            let stage = self.stage.as_deref_mut();
            if is_own {
                if !is_up && let Err(why) = self.reopen_node_port(port) {
                    log::error!("STAGE RESET cannot have port {port} back: {why}");
                }
            } else if let Some(stage) =
                stage.filter(|stage| is_up && stage.beginning.has_port(port))
            {
                stage.standing.insert(port);
            } else {
                self.close_node_port(port, caller);
            }
        }
        Roles::of(&nodes)
    }

    /// The nodes are there again with which the server began. Clients that the change concerns are told.
    pub(crate) fn nodes_are_again(&mut self, before: &Roles, caller: Slot) {
        let Some(stage) = self.stage.as_deref_mut() else {
            return;
        };
        stage.nodes.host.clone_from(&before.host);
        let now = Roles::of(&stage.nodes);
        let was_primary = |name: &String| before.primaries.contains(name);
        let demoted = stage.nodes.iter().filter(|node| !node.is_in_cluster);
        let demoted = demoted.filter(|node| node.primary.is_some() && was_primary(&node.name));
        let demoted: Vec<NodeKey> = demoted.map(|node| node.key).collect();
        for port in std::mem::take(&mut stage.standing) {
            self.close_node_port(port, caller);
        }
        for client in self.clients.slots().collect::<Vec<_>>() {
            let is_at_node =
                port(&self.clients[client].peer).is_some() && self.node_of(client).is_some();
            if let Some(session) = self.clients[client].session.as_mut().filter(|_| !is_at_node) {
                (session.asking, session.reads_replica) = (0, false);
            }
        }
        demoted.into_iter().for_each(|key| self.has_become_replica(key));
        let (old, new) = (before.owners.iter(), now.owners.iter());
        let moved = (0..SLOTS).zip(old.zip(new)).filter(|(_, (old, new))| old != new);
        let moved: Vec<u16> = moved.map(|(slot, _)| slot).collect();
        self.cluster_has_changed(&moved);
    }
}
