//! What a stream was at a moment that is being recorded: nodes that have changed or gone since.
//!
//! Entries are told in the order of their ids, so the walk goes from the first node to the last one that there was. A node
//! that it has not reached and that is about to change is copied here first, and one that goes is moved here. The walk
//! takes the least id of all that is kept and of what lies in the stream. Groups are kept in the same way
//! by [`RecordedGroups`](super::recorded_groups::RecordedGroups).

use std::collections::{BTreeMap, VecDeque};

use super::id::Id;
use super::index::{Index, Item};
use super::node::Node;

/// Nodes that are kept of a stream that is being recorded; for any other, nothing. A copy of the stream has none.
#[derive(Debug, Default)]
pub(crate) struct Recorded(Option<Box<Kept>>);

#[derive(Debug)]
struct Kept {
    /// The number under which the moment knows the stream. None: what is kept is only to be freed.
    id: Option<u64>,
    /// Nodes with smaller ids have been told.
    from: Option<Id>,
    /// The id of the last node that there was.
    end: Id,
    /// Whether all nodes of the moment have changed or gone. Others may have their ids.
    is_apart: bool,
    /// Nodes as they were before they changed, or before they went one by one.
    changed: BTreeMap<Id, Node>,
    /// Nodes that went in blocks, in the order of ids. There may be some among them that are not to be told.
    cut: VecDeque<Index<Node>>,
    /// Bytes of all that is kept.
    memory: usize,
    /// Bytes of memory when [`Recorded::growth`] was asked for the last time.
    known: usize,
}

/// What an item of a tree takes of that, about.
const TREE_ITEM: usize = 40;

/// Bytes that a kept node holds.
fn bytes(node: &Node) -> usize {
    node.heap() + size_of::<Node>() + TREE_ITEM
}

impl Clone for Recorded {
    fn clone(&self) -> Recorded {
        Recorded(None)
    }
}

impl Recorded {
    pub(super) const fn new() -> Recorded {
        Recorded(None)
    }

    /// All nodes of a stream are to be recorded.
    pub(super) fn open(&mut self, id: u64, nodes: &Index<Node>) {
        let end = nodes.last().map(Item::id);
        self.0 = Some(Box::new(Kept {
            id: Some(id),
            from: Some(Id::MIN),
            end: end.unwrap_or(Id::MIN),
            is_apart: end.is_none(),
            changed: BTreeMap::new(),
            cut: VecDeque::new(),
            memory: 0,
            known: 0,
        }));
    }

    /// There is nothing to record any more. Returns what was kept, to be freed.
    pub(super) fn close(&mut self) -> Option<Recorded> {
        let mut kept = self.0.take()?;
        kept.id = None;
        (kept.memory > 0).then_some(Recorded(Some(kept)))
    }

    /// The number that [`Recorded::open`] was told, if the stream is being recorded.
    pub(crate) fn id(&self) -> Option<u64> {
        self.0.as_ref()?.id
    }

    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Bytes of memory.
    #[inline]
    pub(crate) fn memory(&self) -> usize {
        self.0.as_ref().map_or(0, |kept| kept.memory)
    }

    /// By how much the memory has grown since the last call.
    pub(crate) fn growth(&mut self) -> usize {
        let memory = self.memory();
        self.0
            .as_mut()
            .map_or(0, |kept| memory.saturating_sub(std::mem::replace(&mut kept.known, memory)))
    }

    /// Frees about so many nodes of what is kept. Returns how many.
    pub(super) fn free_some(&mut self, most: usize) -> usize {
        let Some(kept) = &mut self.0 else { return 0 };
        let mut freed = 0;
        while freed < most {
            if let Some((_, node)) = kept.changed.pop_first() {
                kept.memory -= bytes(&node);
                freed += 1;
            } else if let Some(cut) = kept.cut.back_mut() {
                let before = cut.memory();
                freed += cut.free_some(most - freed).max(1);
                kept.memory = kept.memory + cut.memory() - before;
                if cut.is_empty() {
                    let empty = kept.cut.pop_back();
                    kept.memory -= empty.map_or(0, |cut| cut.memory());
                }
            } else {
                break;
            }
        }
        freed
    }

    // What happens to nodes.

    /// A node is about to change.
    #[inline]
    pub(super) fn changes(&mut self, node: &Node) {
        if let Some(kept) = &mut self.0
            && kept.is_to_be_told(node.id())
        {
            kept.keep(node.clone());
        }
    }

    /// A node has gone. Returns it if it need not be kept.
    #[inline]
    pub(super) fn removed(&mut self, node: Node) -> Option<Node> {
        match &mut self.0 {
            Some(kept) if kept.is_to_be_told(node.id()) => {
                kept.keep(node);
                None
            }
            _ => Some(node),
        }
    }

    /// All these nodes, which were the first, have gone. Returns them if none need be kept.
    pub(super) fn cut(&mut self, nodes: Index<Node>) -> Index<Node> {
        let Some(kept) = &mut self.0 else { return nodes };
        let (first, last) = (nodes.first().map(Item::id), nodes.last().map(Item::id));
        let has_some = kept.from.is_some_and(|from| last >= Some(from)) && first <= Some(kept.end);
        if kept.is_apart || first.is_none() || !has_some {
            return nodes;
        }
        kept.memory += nodes.memory();
        kept.cut.push_back(nodes);
        Index::new()
    }

    /// A node of this id is about to be added. The id is greater than those of all entries that there are, but may have
    /// been another node's before all of them went.
    #[inline]
    pub(super) fn added(&mut self, id: Id) {
        if let Some(kept) = &mut self.0 {
            kept.is_apart |= id <= kept.end;
        }
    }

    /// Calls `tell` with nodes that are to be recorded and have entries until it returns false. Returns whether there may
    /// be more.
    pub(super) fn tell_nodes(
        &mut self,
        nodes: &Index<Node>,
        mut tell: impl FnMut(&Node) -> bool,
    ) -> bool {
        let Some(kept) = &mut self.0 else { return false };
        while let Some(from) = kept.from {
            let changed = kept.changed.first_key_value().map(|(&id, _)| id);
            let cut = kept.first_cut(from);
            let there = (!kept.is_apart).then(|| nodes.at(nodes.ceiling(from)?)).flatten();
            let there = there.filter(|node| node.id() <= kept.end);
            let Some(first) = [changed, cut, there.map(Item::id)].into_iter().flatten().min()
            else {
                kept.from = None;
                break;
            };
            kept.from = first.next();
            // One that has changed is there in its new form as well.
            let goes_on = if changed == Some(first) {
                let node = kept.changed.pop_first().map(|(_, node)| node);
                kept.memory -= node.as_ref().map_or(0, bytes);
                node.is_none_or(|node| node.live() == 0 || tell(&node))
            } else if cut == Some(first) {
                kept.pop_cut().is_none_or(|node| node.live() == 0 || tell(&node))
            } else {
                there.is_none_or(|node| node.live() == 0 || tell(node))
            };
            if !goes_on {
                return true;
            }
        }
        false
    }
}

impl Kept {
    /// Whether a node of the stream is as it was at the moment, and has not been told.
    fn is_to_be_told(&self, id: Id) -> bool {
        !self.is_apart
            && self.from.is_some_and(|from| id >= from)
            && id <= self.end
            && !self.changed.contains_key(&id)
    }

    fn keep(&mut self, node: Node) {
        self.memory += bytes(&node);
        self.changed.insert(node.id(), node);
    }

    /// The id of the first node of those that were cut off that is to be told, unless that has changed before.
    fn first_cut(&mut self, from: Id) -> Option<Id> {
        loop {
            let first = self.cut.front()?.first().map(Item::id);
            match first {
                Some(id) if (from..=self.end).contains(&id) => return Some(id),
                Some(_) => _ = self.pop_cut(),
                None => {
                    let cut = self.cut.pop_front();
                    self.memory -= cut.map_or(0, |cut| cut.memory());
                }
            }
        }
    }

    fn pop_cut(&mut self) -> Option<Node> {
        let cut = self.cut.front_mut()?;
        let before = cut.memory();
        let node = cut.pop();
        self.memory = self.memory + cut.memory() - before;
        node
    }

    /// Bytes of all that is kept, counted anew.
    #[cfg(test)]
    fn count(&self) -> usize {
        self.changed.values().map(bytes).sum::<usize>()
            + self.cut.iter().map(Index::memory).sum::<usize>()
    }

    /// Pieces in which it is freed, about.
    fn pieces(&self) -> usize {
        self.changed.len() + self.cut.iter().map(Index::len).sum::<usize>()
    }
}

impl Recorded {
    /// How many pieces it is freed in, about.
    pub(super) fn pieces(&self) -> usize {
        self.0.as_ref().map_or(0, |kept| kept.pieces())
    }

    /// Panics if it says other than it holds.
    #[cfg(test)]
    pub(super) fn check(&self) {
        if let Some(kept) = &self.0 {
            assert_eq!(kept.memory, kept.count());
        }
    }
}
