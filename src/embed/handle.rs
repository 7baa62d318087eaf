//! A handle of a running server: what any thread wants of it.

use crate::access::Grammar;
use crate::engine::Engine;
use crate::files;
use crate::listeners::Event;
use crate::net::{Letter, MailSender, Undelivered};
use crate::session::Slot;
use crate::world::World;

/// No client has asked for it.
const NO_CLIENT: Slot = Slot::MAX;

/// Reaches a server from any thread. Clones are of the same server.
///
/// A server that has ended is told nothing: where a method returns nothing, that is no error.
#[derive(Debug, Clone)]
pub struct Handle {
    mail: MailSender,
}

impl Handle {
    pub(super) fn new(mail: MailSender) -> Handle {
        Handle { mail }
    }

    /// Asks the server to leave: stop accepting, send what is owed, end. Returns at once.
    pub fn stop(&self) {
        self.tell(Letter::Stop);
    }

    /// Says whether the server can do its work from now on. Returns at once.
    ///
    /// A server that is not ready is alive: clients connect, shake hands and wait.
    pub fn ready(&self, yes: bool) {
        self.tell(Letter::Ready(yes));
    }

    /// Runs the commands again that wait for the event: see [`Ctx::wait_for`](crate::dispatch::Ctx::wait_for).
    /// Returns at once.
    pub fn signal(&self, event: impl Into<Event>) {
        let event = event.into();
        self.tell(Letter::Call(Box::new(move |engine| engine.world.signal(event))));
    }

    /// Runs a closure in the thread of the server, between two commands, and returns what it returns.
    ///
    /// It waits for a server that does not run yet. A server that has ended is an error, and so are a closure that
    /// panics and a call from the server's own thread.
    #[doc(hidden)]
    pub fn with_world<T: Send + 'static>(
        &self,
        closure: impl FnOnce(&mut World) -> T + Send + 'static,
    ) -> Result<T, Undelivered> {
        self.mail.ask(|tell| {
            Letter::Call(Box::new(move |engine| {
                // The thread that asked waits for it.
                let _ = tell.send(closure(&mut engine.world));
            }))
        })
    }

    /// Reads anew what files have: the users, as ACL LOAD does, if there is an `aclfile`, and keys and certificates of
    /// TLS; and then calls `done`. A file with a mistake changes nothing and is logged. Returns at once.
    #[doc(hidden)]
    pub fn reload(&self, done: impl FnOnce() + Send + 'static) {
        self.tell(Letter::Call(Box::new(move |engine| {
            reload_users(engine);
            if engine.world.config.tls.is_on() {
                reread_tls(engine);
            }
            done();
        })));
    }

    /// Reads the files of TLS anew: new connections use what they hold now, and others go on. If they are not right,
    /// the log says why, and nothing changes. Returns at once.
    #[doc(hidden)]
    pub fn reread_tls(&self) {
        self.tell(Letter::Call(Box::new(reread_tls)));
    }

    fn tell(&self, letter: Letter) {
        if let Err(error) = self.mail.send(letter) {
            log::debug!("a handle is of no use any more: {error}");
        }
    }
}

fn reread_tls(engine: &mut Engine) {
    match engine.world.reread_tls() {
        Ok(()) => log::info!("the files of TLS have been read anew"),
        // The log has the reason.
        Err(_) => log::warn!("the files of TLS are not read anew: the old ones are used still"),
    }
}

/// ACL LOAD, without a client that asks for it.
fn reload_users(engine: &mut Engine) {
    let config = &engine.world.config;
    let Some(path) = config.aclfile.clone() else { return };
    let grammar = Grammar::new(config, engine.table());
    match files::load_users(config, grammar) {
        None => {}
        Some(Ok(users)) => {
            let count = users.len();
            engine.world.replace_users(users, NO_CLIENT);
            log::info!("'aclfile {}' is read anew: {count} users", path.display());
        }
        Some(Err(reason)) => log::error!(
            "'aclfile {}' is not read anew, the users stay as they are: {}",
            path.display(),
            String::from_utf8_lossy(&reason).trim_end()
        ),
    }
}
