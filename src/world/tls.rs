//! TLS: what `net` reads for it, and clients whose certificates say who they are.

use std::io;

use super::World;
use crate::access::{Context, Reason as Denial, What};
use crate::config::{Config, Reason};
use crate::session::Slot;
use crate::telemetry::Certificates;

/// What `net` offers to CONFIG SET of `tls-…`: it reads what the configuration names, and uses it.
pub trait TlsFiles: Send {
    /// Reads all that `config` names and keeps it ready. Nothing changes yet; an error says what is wrong.
    fn read(&mut self, config: &Config) -> io::Result<()>;

    /// New connections use what was read last.
    fn adopt(&mut self) -> io::Result<Certificates>;

    /// Whether the files are not those that were read last.
    fn have_changed(&self, config: &Config) -> bool;
}

impl World {
    /// Reads the files of TLS anew, as after CONFIG SET of their names: new connections use what they hold now,
    /// and others go on. With one that is not right, nothing changes.
    pub fn reread_tls(&mut self) -> Result<(), Reason> {
        self.read_tls_files("the files of TLS")?;
        self.adopt_tls()
    }

    /// Likewise, if they have changed: `tls-auto-reload-interval` is over.
    pub(crate) fn reread_changed_tls(&mut self) {
        let files = self.tls_files.as_ref();
        if files.is_some_and(|files| files.have_changed(&self.config)) {
            match self.reread_tls() {
                Ok(()) => log::info!("the files of TLS have changed: new connections use them"),
                // The log has the reason.
                Err(_) => log::warn!("the files of TLS have changed: the old ones are used still"),
            }
        }
    }

    /// Reads what the configuration says about TLS.
    pub(super) fn read_tls_files(&mut self, what: &str) -> Result<(), Reason> {
        let Some(files) = &mut self.tls_files else {
            return Ok(());
        };
        files.read(&self.config).map_err(|error| {
            log::warn!("{what}: {error}");
            "Unable to update TLS configuration. Check server logs.".into()
        })
    }

    /// Has new connections use what was read.
    pub(super) fn adopt_tls(&mut self) -> Result<(), Reason> {
        if let Some(files) = &mut self.tls_files {
            self.certificates = files.adopt().map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Logs the client in as the first of these users that there is and that may log in. If there is none, the client
    /// is who it was, and ACL LOG says so.
    pub(crate) fn log_in_as_one_of(&mut self, slot: Slot, names: Vec<Vec<u8>>) {
        let user = names
            .iter()
            .filter_map(|name| self.access.named(name))
            .find(|&id| self.access.user(id).enabled);
        if let Some(user) = user {
            return self.log_in(slot, user);
        }
        let Some(name) = names.into_iter().next() else {
            return;
        };
        let client = &self.clients[slot];
        let (id, peer) = (client.id, &client.peer);
        let user = String::from_utf8_lossy(&self.access.user(client.user).name);
        let line = format!(
            "id={id} addr={} laddr={} fd={} name= user={user}",
            peer.addr, peer.laddr, peer.fd
        );
        let (reason, context) = (Denial::Certificate, Context::TopLevel);
        let what = What { reason, context, object: Vec::new(), user: name };
        self.access.log.add(what, line.into_bytes(), self.now, self.config.acllog_max_len);
    }
}
