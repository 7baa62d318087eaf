//! Subscriptions, and messages to their clients: see [`crate::listeners::pubsub`].

use super::World;
use super::nodes::came_through;
use crate::listeners::pubsub::subscriptions::Topic;
use crate::session::{Client, Slot};
use crate::wire::{Frame, Reply};

impl World {
    /// The client listens to a name from now on.
    pub(crate) fn subscribe(&mut self, slot: Slot, topic: Topic, name: &[u8]) {
        let client = &mut self.clients[slot];
        let id = client.id;
        let subscriptions = &mut client.session_mut().subscriptions;
        let is_first = subscriptions.is_empty();
        if subscriptions.insert(topic, name) {
            self.pubsub.add(topic, name, id);
            self.pubsub.clients += usize::from(is_first);
            self.follow_events();
        }
    }

    /// The client listens to a name no more, if it did.
    pub(crate) fn unsubscribe(&mut self, slot: Slot, topic: Topic, name: &[u8]) {
        let client = &mut self.clients[slot];
        let id = client.id;
        let Some(session) = &mut client.session else {
            return;
        };
        if session.subscriptions.remove(topic, name) {
            self.pubsub.remove(topic, name, id);
            self.pubsub.clients -= usize::from(session.subscriptions.is_empty());
            self.follow_events();
        }
    }

    /// The client listens to nothing any more, and is told nothing about it.
    pub(crate) fn unsubscribe_all(&mut self, slot: Slot) {
        let client = &mut self.clients[slot];
        let id = client.id;
        let Some(session) = &mut client.session else {
            return;
        };
        let subscriptions = std::mem::take(&mut session.subscriptions);
        if subscriptions.is_empty() {
            return;
        }
        for topic in Topic::ALL {
            for name in subscriptions.names(topic) {
                self.pubsub.remove(topic, name, id);
            }
        }
        self.pubsub.clients -= 1;
        self.follow_events();
    }

    /// Sends a message to the subscribers of the channel, and to those of every pattern that matches it.
    /// Returns how many messages that were.
    pub fn publish(&mut self, channel: &[u8], message: &[u8]) -> usize {
        if self.stage.is_some() {
            let deaf = self.sentinel_ports();
            return self.publish_where(channel, message, |client| !came_through(client, &deaf));
        }
        self.publish_where(channel, message, |_| true)
    }

    /// The same, to those of the clients that hear it.
    pub(super) fn publish_where(
        &mut self,
        channel: &[u8],
        message: &[u8],
        hears: impl Fn(&Client) -> bool,
    ) -> usize {
        let pubsub = std::mem::take(&mut self.pubsub);
        let mut sent = 0;
        if let Some(ids) = pubsub.listeners(Topic::Channel).get(channel) {
            let mut frame = message_frame(b"message", channel, message);
            sent += self.broadcast_where(ids, &mut frame, &hears);
        }
        for (pattern, ids) in pubsub.listeners(Topic::Pattern) {
            if pubsub.matches(pattern, channel) {
                let mut frame = Frame::new(|reply| {
                    reply.push(4);
                    reply.bulk(b"pmessage");
                    reply.bulk(pattern);
                    reply.bulk(channel);
                    reply.bulk(message);
                });
                sent += self.broadcast_where(ids, &mut frame, &hears);
            }
        }
        self.pubsub = pubsub;
        sent
    }

    /// As [`World::publish`], for a shard channel.
    pub(crate) fn publish_to_shard(&mut self, channel: &[u8], message: &[u8]) -> usize {
        let pubsub = std::mem::take(&mut self.pubsub);
        let ids = pubsub.listeners(Topic::Shard).get(channel);
        let mut frame = message_frame(b"smessage", channel, message);
        let sent = ids.map_or(0, |ids| self.broadcast(ids, &mut frame));
        self.pubsub = pubsub;
        sent
    }

    /// Publishes what happened to a key, as `notify-keyspace-events` says.
    pub(crate) fn announce(&mut self, db: usize, event: &str, key: &[u8]) {
        let events = self.config.notify_keyspace_events;
        if events.by_key {
            let channel = [format!("__keyspace@{db}__:").as_bytes(), key].concat();
            self.publish(&channel, event.as_bytes());
        }
        if events.by_event {
            self.publish(format!("__keyevent@{db}__:{event}").as_bytes(), key);
        }
    }

    /// Has the store note the events that are to be announced, while any client may hear of them.
    pub(crate) fn follow_events(&mut self) {
        let is_heard = self.pubsub.is_heard();
        let events = self.config.notify_keyspace_events;
        self.store.shared.journal.announces = if is_heard { events.announced() } else { 0 };
    }
}

/// A message, as its subscribers are sent it.
fn message_frame<'m>(
    kind: &'m [u8],
    channel: &'m [u8],
    message: &'m [u8],
) -> Frame<impl Fn(&mut Reply) + 'm> {
    Frame::new(move |reply: &mut Reply| {
        reply.push(3);
        reply.bulk(kind);
        reply.bulk(channel);
        reply.bulk(message);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::NoCommands;
    use crate::clock::Now;
    use crate::config::Config;
    use crate::peer::Peer;

    #[test]
    fn nothing_is_left_of_a_client_that_has_gone() {
        let mut world = World::new(Config::default(), &NoCommands, Now::default()).unwrap();
        let [ann, ben] = [(); 2].map(|()| world.connect(Peer::local()));
        for topic in Topic::ALL {
            world.subscribe(ann, topic, b"a");
            world.subscribe(ben, topic, b"a");
            world.subscribe(ben, topic, b"a");
        }
        assert_eq!((world.pubsub.clients(), world.publish(b"a", b"hi")), (2, 4));
        world.unsubscribe(ann, Topic::Channel, b"a");
        world.unsubscribe(ann, Topic::Channel, b"a");
        world.end_session(ann);
        assert_eq!((world.pubsub.clients(), world.publish(b"a", b"hi")), (1, 2));
        for topic in Topic::ALL {
            world.unsubscribe(ben, topic, b"a");
        }
        assert!(world.pubsub.is_empty() && world.pubsub.clients() == 0);
    }
}
