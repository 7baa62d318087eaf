//! What a change of users does to those who are connected.

use super::access::{User, UserId};
use super::{Doom, Slot, World};

impl World {
    /// Adds a user, or changes the one that has its name.
    pub fn set_user(&mut self, user: User) {
        self.access.put(user);
    }

    /// Deletes a user and closes its connections; that of `by`, which asked for it, after its reply.
    pub fn delete_user(&mut self, id: UserId, by: Slot) {
        let slots: Vec<Slot> = self.clients.slots().collect();
        for slot in slots {
            if self.clients[slot].user == id {
                self.log_out(slot, by);
            }
        }
        self.access.remove(id);
    }

    /// Puts `users` in the place of all others. The default user must be among them. Connections of
    /// users that are gone are closed.
    pub fn replace_users(&mut self, users: Vec<User>, by: Slot) {
        let gone: Vec<UserId> = self
            .access
            .users()
            .filter(|old| !users.iter().any(|user| user.name == old.name))
            .filter_map(|old| self.access.named(&old.name))
            .collect();
        for id in gone {
            self.delete_user(id, by);
        }
        for user in users {
            self.set_user(user);
        }
    }

    /// The client is nobody from now on, and leaves.
    fn log_out(&mut self, slot: Slot, by: Slot) {
        let client = &mut self.clients[slot];
        client.user = UserId::DEFAULT;
        client.authenticated = false;
        self.clients.doom(slot, if slot == by { Doom::AfterReply } else { Doom::Now });
    }
}
