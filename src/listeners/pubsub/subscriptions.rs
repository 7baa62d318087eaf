//! What one client has subscribed to.

use std::collections::BTreeSet;

use crate::text::glob;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// One channel.
    Channel,
    /// Every channel whose name matches.
    Pattern,
    /// A channel of a cluster's shard. Patterns do not match it.
    Shard,
}

impl Topic {
    pub(crate) const ALL: [Topic; 3] = [Topic::Channel, Topic::Pattern, Topic::Shard];
}

/// What a name takes beside its own bytes, as measured: its places in two trees whose nodes are not full,
/// a list of one id, and what the allocator adds to each.
const PLACES: usize = 160;

/// The names that a client listens to.
#[derive(Debug, Default)]
pub struct Subscriptions {
    names: [BTreeSet<Box<[u8]>>; 3],
    memory: usize,
}

impl Subscriptions {
    /// The names, in the order of their bytes.
    pub(crate) fn names(&self, topic: Topic) -> impl ExactSizeIterator<Item = &[u8]> {
        self.names[topic as usize].iter().map(|name| &**name)
    }

    pub(crate) fn len(&self, topic: Topic) -> usize {
        self.names[topic as usize].len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.iter().all(BTreeSet::is_empty)
    }

    /// The number that a confirmation tells: shards count for themselves, channels and patterns together.
    pub(crate) fn counted_with(&self, topic: Topic) -> usize {
        match topic {
            Topic::Channel | Topic::Pattern => self.len(Topic::Channel) + self.len(Topic::Pattern),
            Topic::Shard => self.len(Topic::Shard),
        }
    }

    /// Bytes of memory, those of the world's index counted as if no other client listened to the same names.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// Adds a name, and returns whether it is new.
    pub(crate) fn insert(&mut self, topic: Topic, name: &[u8]) -> bool {
        let names = &mut self.names[topic as usize];
        let is_new = !names.contains(name);
        if is_new {
            names.insert(name.into());
            self.memory += Subscriptions::cost(topic, name);
        }
        is_new
    }

    /// Removes a name, and returns whether it was there.
    pub(crate) fn remove(&mut self, topic: Topic, name: &[u8]) -> bool {
        let was_there = self.names[topic as usize].remove(name);
        if was_there {
            self.memory -= Subscriptions::cost(topic, name);
        }
        was_there
    }

    /// What it takes to remember one name, here and in the index, which has read long patterns.
    fn cost(topic: Topic, name: &[u8]) -> usize {
        let is_read = topic == Topic::Pattern && name.len() > glob::LONG;
        PLACES + if is_read { 4 } else { 2 } * name.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_costs_memory_once_and_until_it_is_removed() {
        let mut subscriptions = Subscriptions::default();
        assert!(subscriptions.insert(Topic::Channel, b"a"));
        let memory = subscriptions.memory();
        assert!(memory > 0 && !subscriptions.insert(Topic::Channel, b"a"));
        assert!(subscriptions.insert(Topic::Pattern, b"a"));
        assert_eq!(subscriptions.memory(), 2 * memory);
        assert!(subscriptions.remove(Topic::Pattern, b"a"));
        assert!(!subscriptions.remove(Topic::Shard, b"a"));
        assert_eq!(subscriptions.memory(), memory);
        assert!(subscriptions.remove(Topic::Channel, b"a"));
        assert_eq!((subscriptions.memory(), subscriptions.is_empty()), (0, true));
    }
}
