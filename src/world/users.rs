//! What a change of users does to clients that are connected.

use std::collections::BTreeSet;

use super::World;
use crate::access::{Channels, User, UserId};
use crate::listeners::Topic;
use crate::session::{Client, Departure, Doom, Slot};

impl World {
    /// Adds a user, or changes the one that has its name. Connections that listen to what it may not
    /// hear any more are closed; that of `by`, which asked for it, after its reply.
    pub(crate) fn set_user(&mut self, user: User, by: Slot) {
        if let Some(id) = self.access.named(&user.name)
            && !Channels::cover(user.channels(), self.access.user(id).channels())
        {
            let slots: Vec<Slot> = self.clients.slots().collect();
            for slot in slots {
                let client = &self.clients[slot];
                if client.user == id && listens_beyond(client, &user) {
                    self.clients.doom(slot, how_soon(slot, by), Departure::User);
                }
            }
        }
        self.access.put(user);
    }

    /// Deletes users and closes their connections; that of `by`, which asked for it, after its reply.
    pub(crate) fn delete_users(&mut self, users: &BTreeSet<UserId>, by: Slot) {
        if users.is_empty() {
            return;
        }
        let is_of_them = |&slot: &Slot| users.contains(&self.clients[slot].user);
        let slots: Vec<Slot> = self.clients.slots().filter(is_of_them).collect();
        for slot in slots {
            self.expel(slot, by);
        }
        for &id in users {
            self.access.remove(id);
        }
    }

    /// Puts `users` in the place of all others. The default user must be among them. Connections of
    /// users that are gone are closed.
    pub(crate) fn replace_users(&mut self, users: Vec<User>, by: Slot) {
        let names: BTreeSet<&[u8]> = users.iter().map(|user| &user.name[..]).collect();
        let gone: BTreeSet<UserId> = self
            .access
            .users()
            .filter(|old| !names.contains(&old.name[..]))
            .filter_map(|old| self.access.named(&old.name))
            .collect();
        self.delete_users(&gone, by);
        for user in users {
            self.set_user(user, by);
        }
    }

    /// Closes the client, which has no user any more.
    fn expel(&mut self, slot: Slot, by: Slot) {
        self.clients[slot].user = UserId::DEFAULT;
        self.clients.set_unauthenticated_since(slot, Some(self.now.mono));
        self.clients.doom(slot, how_soon(slot, by), Departure::User);
    }
}

/// The client that asked for the change gets its reply before its own connection is closed.
fn how_soon(slot: Slot, by: Slot) -> Doom {
    if slot == by { Doom::AfterReply } else { Doom::Now }
}

/// Returns whether a client listens to what `user` grants no permission for.
fn listens_beyond(client: &Client, user: &User) -> bool {
    let Some(session) = &client.session else {
        return false;
    };
    Topic::ALL.into_iter().any(|topic| {
        let is_granted = |name: &[u8]| {
            user.channels().any(|channels| match topic {
                Topic::Pattern => channels.allow_pattern(name),
                Topic::Channel | Topic::Shard => channels.allow(name),
            })
        };
        session.subscriptions.names(topic).any(|name| !is_granted(name))
    })
}
