//! Publish and subscribe: the clients that listen to each channel and pattern.
//!
//! The world knows the listeners of every name, and a client's session the names that it listens to; the
//! two say the same at any time. A name without a subscriber takes no memory.

pub(crate) mod subscriptions;

use std::collections::BTreeMap;

use crate::text::glob::{self, Glob};
use subscriptions::Topic;

/// Names, and the ids of their subscribers, the oldest client first.
pub(crate) type Listeners = BTreeMap<Box<[u8]>, Vec<u64>>;

/// The subscribers of every name.
#[derive(Debug, Default)]
pub struct PubSub {
    listeners: [Listeners; 3],
    /// Those of the patterns that are so long that they had better be read once.
    long_patterns: BTreeMap<Box<[u8]>, Glob<Box<[u8]>>>,
    pub(crate) clients: usize,
}

impl PubSub {
    pub fn listeners(&self, topic: Topic) -> &Listeners {
        &self.listeners[topic as usize]
    }

    /// How many clients listen to anything.
    pub(crate) fn clients(&self) -> usize {
        self.clients
    }

    pub fn is_empty(&self) -> bool {
        self.listeners.iter().all(BTreeMap::is_empty)
    }

    /// Returns whether a message in a channel can reach a client.
    pub(crate) fn is_heard(&self) -> bool {
        !self.listeners(Topic::Channel).is_empty() || !self.listeners(Topic::Pattern).is_empty()
    }

    pub(crate) fn add(&mut self, topic: Topic, name: &[u8], id: u64) {
        let listeners = &mut self.listeners[topic as usize];
        match listeners.get_mut(name) {
            Some(ids) => {
                if let Err(place) = ids.binary_search(&id) {
                    ids.insert(place, id);
                }
            }
            None => {
                listeners.insert(name.into(), vec![id]);
                if topic == Topic::Pattern && name.len() > glob::LONG {
                    self.long_patterns.insert(name.into(), Glob::new(name.into()));
                }
            }
        }
    }

    pub(crate) fn remove(&mut self, topic: Topic, name: &[u8], id: u64) {
        let listeners = &mut self.listeners[topic as usize];
        let Some(ids) = listeners.get_mut(name) else {
            return;
        };
        if let Ok(place) = ids.binary_search(&id) {
            ids.remove(place);
        }
        if ids.is_empty() {
            listeners.remove(name);
            if topic == Topic::Pattern {
                self.long_patterns.remove(name);
            }
        }
    }

    /// Returns whether the channel matches a pattern that has subscribers.
    pub(crate) fn matches(&self, pattern: &[u8], channel: &[u8]) -> bool {
        match pattern.len() > glob::LONG {
            true => self.long_patterns.get(pattern).is_some_and(|glob| glob.matches(channel)),
            false => glob::matches(pattern, channel),
        }
    }
}
