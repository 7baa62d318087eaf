//! Which node a command is for, on a server whose ports a test has made nodes of: see [`crate::stage::nodes`].
//!
//! The keys of a request have to share a slot, and the client has to be connected to the node that serves it. This
//! goes as in Valkey 9.1, down to the order in which things are looked at: an EXEC stands for all that is queued, and
//! while a slot is on the move, it matters which of the keys exist.

use super::frame::{Frame, SCRIPT, TOP};
use super::invocation::Invocation;
use super::invoke::Outcome;
use super::keys;
use super::spec::flag;
use super::table::{Found, Row};
use crate::error::{self, Error};
use crate::stage::nodes::{Node, Nodes};
use crate::stage::slots::slot;
use crate::wire::Args;
use crate::world::World;

/// What a request wants of the cluster.
struct Demand {
    /// Its keys, or its shard channels, in their order.
    keys: Vec<Vec<u8>>,
    is_about_channels: bool,
    may_write: bool,
    /// The client has been sent here by -ASK.
    is_asking: bool,
    /// The client reads from replicas, too.
    reads_replica: bool,
    /// It is to be queued: which of its keys exist is of no interest before EXEC.
    is_queued: bool,
}

/// How a request is served.
enum Service {
    AsUsual,
    /// Its keys are made on the importing side of a slot on the move.
    MakesKeysThere,
}

impl<'a> Invocation<'a> {
    /// Refuses keys that are not served by the client's node, and changes on a replica.
    #[inline(never)]
    pub(super) fn find_node(&mut self, row: &Row) -> Result<(), Error> {
        let Some(node) = self.world.node_of(self.slot) else {
            return Ok(());
        };
        let (is_in_cluster, is_replica) = (node.is_in_cluster, node.primary.is_some());
        let may_write = self.needs(row, flag::WRITE);
        if is_in_cluster {
            let demand = self.demand(row, may_write);
            let found = self.route(&demand);
            let service = found.map_err(|refused| match self.frame.is_in(SCRIPT) {
                true => self.world.config.persona.refused_in_script(&row.full_name, refused),
                false => refused,
            })?;
            self.keep_to_slot(&demand)?;
            if let Service::MakesKeysThere = service {
                self.make_there(&demand);
            }
        }
        if is_replica && may_write { Err(error::READONLY_REPLICA) } else { Ok(()) }
    }

    fn demand(&self, row: &Row, may_write: bool) -> Demand {
        let client = self.client();
        let mut demand = Demand {
            keys: Vec::new(),
            is_about_channels: false,
            may_write,
            is_asking: client.is_asking() || row.has(flag::ASKING),
            reads_replica: client.reads_replica(),
            is_queued: client.transaction().is_some() && !row.has(flag::UNQUEUED),
        };
        let mut add = |row: &Row, args: Args<'_>| {
            let routed = keys::routed(&row.spec, args);
            demand.is_about_channels |= !routed.is_empty() && keys::are_shard_channels(&row.spec);
            demand.keys.extend(routed.into_iter().map(|index| args[index].to_vec()));
        };
        match client.transaction().filter(|_| row.has(flag::RUNS_QUEUE)) {
            Some(transaction) => {
                for queued in &transaction.queue {
                    add(self.table.row(queued.command), queued.args.args());
                }
            }
            None => add(row, self.args),
        }
        demand
    }

    /// Finds out whether the client's node serves the request.
    fn route(&mut self, demand: &Demand) -> Result<Service, Error> {
        let Some(first) = demand.keys.first() else {
            return Ok(Service::AsUsual);
        };
        let at = slot(first);
        let is_ok = self.world.is_cluster_ok();
        let reads_when_down = self.world.is_set("cluster-allow-reads-when-down", "yes", "no");
        let channels_when_down =
            self.world.is_set("cluster-allow-pubsubshard-when-down", "yes", "yes");
        let (Some(nodes), Some(node)) = (self.world.nodes(), self.world.cluster_node_of(self.slot))
        else {
            return Ok(Service::AsUsual);
        };
        let owner = nodes.owner(at).ok_or(error::SLOT_NOT_SERVED)?;
        if demand.keys.iter().any(|key| slot(key) != at) {
            return Err(error::CROSSSLOT);
        }
        let is_served_when_down = match demand.is_about_channels {
            true => channels_when_down,
            false => reads_when_down && !demand.may_write,
        };
        if !is_ok && !is_served_when_down {
            return Err(match reads_when_down && !demand.is_about_channels {
                true => error::CLUSTER_READONLY,
                false => error::CLUSTERDOWN,
            });
        }
        let owner_is_here = owner.key == node.key;
        let serves = node.primary.is_none() || demand.reads_replica;
        let settled = || {
            let reads = demand.is_about_channels || demand.reads_replica && !demand.may_write;
            match owner_is_here || reads && nodes.primary_of(node).key == owner.key {
                true => Ok(Service::AsUsual),
                false => Err(error::moved(at, &nodes.host, owner.port)),
            }
        };
        let asks_for_keys = serves && !demand.is_about_channels && !demand.is_queued;
        let side = side(nodes, node, owner, at).filter(|_| asks_for_keys);
        let Some(side) = side else {
            return match demand.is_asking && serves && imports(nodes, node, at) {
                true => Ok(Service::AsUsual),
                false => settled(),
            };
        };
        let ask = nodes.moving(at).and_then(|going| nodes.get(going.to));
        let ask = ask.map(|to| error::ask(at, &nodes.host, to.port));
        let moved = settled();
        let here = self.count_here(demand, at, side);
        let has_several = demand.keys.iter().any(|key| key != first);
        match (side, ask) {
            (Side::Owner, Some(ask)) if here < demand.keys.len() => {
                Err(if here > 0 { error::TRYAGAIN } else { ask })
            }
            (Side::Importer, _) if demand.is_asking => {
                match has_several && here < demand.keys.len() {
                    true => Err(error::TRYAGAIN),
                    false => Ok(Service::MakesKeysThere),
                }
            }
            _ => moved,
        }
    }

    /// Refuses a script the keys of another slot than that of the request which runs it or, if that has no keys, of the
    /// first keys that it comes to. In a transaction the request is EXEC.
    fn keep_to_slot(&mut self, demand: &Demand) -> Result<(), Error> {
        let World { stage, running, .. } = &mut *self.world;
        let Some(stage) = stage.as_deref_mut() else {
            return Ok(());
        };
        let at = demand.keys.first().map(|key| slot(key));
        let bound_to = &mut stage.nodes.slot_of_request;
        match (self.frame, at) {
            // Others are served while a script runs long.
            (Frame::Top, _) if running.is_none() => *bound_to = at,
            (Frame::Script(flags), Some(at))
                if !flags.crosses_slots && *bound_to.get_or_insert(at) != at =>
            {
                return Err(error::SCRIPT_CROSSES_SLOTS);
            }
            _ => {}
        }
        Ok(())
    }

    /// How many of the keys, which are in the slot `at`, are on this side of its move.
    fn count_here(&mut self, demand: &Demand, at: u16, side: Side) -> usize {
        let exists: Vec<bool> =
            demand.keys.iter().map(|key| self.world.store.db(0).contains(key)).collect();
        let going = self.world.nodes().and_then(|nodes| nodes.moving(at));
        let is_there = |key: &[u8]| going.is_some_and(|going| going.is_there(key));
        let is_here = |key: &[u8]| is_there(key) == (side == Side::Importer);
        demand.keys.iter().zip(exists).filter(|(key, exists)| *exists && is_here(key)).count()
    }

    /// What the request makes of keys that do not exist is made on the importing side.
    fn make_there(&mut self, demand: &Demand) {
        let World { stage, store, .. } = &mut *self.world;
        let Some(stage) = stage.as_deref_mut() else {
            return;
        };
        for key in &demand.keys {
            if !store.db(0).contains(key) {
                stage.nodes.put_there(key, |key| store.db(0).contains(key));
            }
        }
    }

    /// A Sentinel has few commands, and other servers have none of its own.
    pub(super) fn at_its_port(&self, found: Found<'a>) -> Found<'a> {
        let (Found::Row(row) | Found::NoSubcommand(row)) = found else {
            return found;
        };
        let top = row.container.map_or(row, |container| self.table.row(container));
        let is_there = match self.world.sentinel_of(self.slot) {
            Some(_) => top.has(flag::SENTINEL),
            None => top.group != SENTINEL,
        };
        if is_there { found } else { Found::NoCommand }
    }

    /// What ASKING has said is over when the command behind it, or the transaction, is.
    pub(super) fn end_asking(&mut self, outcome: Outcome) {
        if !self.frame.is_in(TOP) || outcome == Outcome::HeldBack {
            return;
        }
        if let Some(session) = &mut self.world.clients[self.slot].session
            && session.transaction.is_none()
        {
            session.asking = session.asking.saturating_sub(1);
        }
    }
}

/// The group of the commands that only a Sentinel has.
const SENTINEL: &str = "sentinel";

/// A side of a slot that is on the move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Owner,
    Importer,
}

/// Which side of the slot's move the node is on, if it is on one and knows of it.
fn side(nodes: &Nodes, node: &Node, owner: &Node, at: u16) -> Option<Side> {
    let going = nodes.moving(at)?;
    let own = nodes.primary_of(node).key;
    match own == owner.key {
        true => going.is_migrating.then_some(Side::Owner),
        false => (going.to == own).then_some(Side::Importer),
    }
}

/// Returns whether the node imports the slot.
fn imports(nodes: &Nodes, node: &Node, at: u16) -> bool {
    nodes.moving(at).is_some_and(|going| going.to == nodes.primary_of(node).key)
}
