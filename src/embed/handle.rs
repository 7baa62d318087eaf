//! A handle of a running server: what any thread wants of it.

use super::ctx::read_reply;
use crate::access::Grammar;
use crate::engine::{Engine, HostCall};
use crate::files;
use crate::listeners::Event;
use crate::net::{Letter, MailSender, Undelivered};
use crate::session::Slot;
use crate::wire::{IntoArgs, Reply, Value};
use crate::world::World;

/// No client has asked for it.
const NO_CLIENT: Slot = Slot::MAX;

/// Reaches a server from any thread. Clones are of the same server.
///
/// What returns something waits for the server, and before it runs for that, too. The server's own thread, in which your
/// commands run, cannot wait for itself and is told so at once. A server that has ended is told nothing: where a method
/// returns nothing, that is no error.
#[derive(Debug, Clone)]
pub struct Handle {
    mail: MailSender,
    /// The database that is selected when a command is called.
    db: usize,
}

impl Handle {
    pub(super) fn new(mail: MailSender) -> Handle {
        Handle { mail, db: 0 }
    }

    /// A handle of the same server whose calls begin in this database.
    pub fn with_db(&self, db: usize) -> Handle {
        Handle { mail: self.mail.clone(), db }
    }

    /// Calls a command, between two others, and returns its reply as RESP3 has it: a map is a map.
    ///
    /// It runs as a client without a connection, which is there for this call only, may do everything, and needs no login;
    /// also before the server is ready, but not while files are loaded. What it changes is delivered as what clients change
    /// is: to blocked clients, tracking, WATCH, keyspace events, MONITOR and the log. Every call begins in database 0, or in
    /// that of [`Handle::with_db`]; SELECT ends with its call. A blocking command does not wait: its time is up at once. A
    /// pause holds the call back until it ends, and so does a script that runs.
    ///
    /// Returns an error value when the command fails; when it is about a connection (SUBSCRIBE, MULTI, HELLO, CLIENT REPLY)
    /// or ends the process (SHUTDOWN; see [`Handle::stop`]); when the server has ended; and in the server's own thread.
    ///
    /// ```
    /// use respd::args;
    ///
    /// let server = respd::Server::builder().any_port().bind()?.spawn();
    /// let handle = server.handle();
    /// handle.call(args!["HSET", "h", "price", 9.5]);
    /// let all = handle.call(["HGETALL", "h"]).into_map().expect("a map");
    /// assert_eq!((all[0].0.as_str(), all[0].1.as_f64()), (Some("price"), Some(9.5)));
    /// assert!(handle.call(["INCR", "h"]).into_result().is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn call(&self, args: impl IntoArgs) -> Value {
        let (db, args) = (self.db, args.into_args());
        let asked = self.mail.ask(|tell| {
            // The thread that asked waits for it.
            let answer = Box::new(move |reply| drop(tell.send(reply)));
            Letter::Command(HostCall { db, args, answer })
        });
        match asked {
            Ok(reply) => read_reply(&reply),
            Err(reason) => Value::Error(format!("ERR {reason}").into_bytes()),
        }
    }

    /// Publishes a message, and returns how many clients are sent it: 0, too, when the server has ended, and in its own
    /// thread, where a command calls PUBLISH.
    pub fn publish(&self, channel: &[u8], message: &[u8]) -> usize {
        let (channel, message) = (channel.to_vec(), message.to_vec());
        self.with_world(move |world| world.publish(&channel, &message)).unwrap_or(0)
    }

    /// Pushes to the client with this id ([`ClientView::id`](super::ClientView::id)) what `write` writes in the server's
    /// thread: one push, out of band. It never lands inside a reply. CLIENT REPLY does not stop it, and the output limit of
    /// the client holds. See [`Ctx::push`](super::Ctx::push) for clients of RESP2, and for what is no push.
    ///
    /// Returns false, and writes nothing, when there is no such client or it is closing, when the server has ended, and in
    /// the server's own thread.
    pub fn push(&self, client: u64, write: impl FnOnce(&mut Reply) + Send + 'static) -> bool {
        self.with_world(move |world| world.push_to(client, write)).unwrap_or(false)
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
