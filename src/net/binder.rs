//! Listeners that change while the server runs: CONFIG SET of `bind`, `port` and their kin.

use std::io;

use super::listener::{ListenAddress, Ports, bind_all};
use super::mailbox::{Letter, MailSender};
use crate::config::Config;

/// Binds other addresses when a directive has changed, and has the reactor adopt what it has bound.
pub(crate) struct Binder {
    bound: Vec<ListenAddress>,
    mail: MailSender,
}

impl Binder {
    /// `bound`: where the reactor listens already.
    pub(crate) fn new(bound: Vec<ListenAddress>, mail: MailSender) -> Binder {
        Binder { bound, mail }
    }

    /// Listens where `config` says. If one address cannot be had, everything stays as it is.
    pub(crate) fn rebind(&mut self, config: &Config) -> io::Result<&[ListenAddress]> {
        let wanted = bind_all(config, Ports::configured(config), &self.bound)?;
        self.bound = wanted.iter().map(|wanted| wanted.bound().clone()).collect();
        self.mail.send(Letter::Rebind(wanted)).map_err(io::Error::other)?;
        Ok(&self.bound)
    }
}
