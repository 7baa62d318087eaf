//! Listeners that change while the server runs: CONFIG SET of `bind`, `port` and their kin.

use std::io;

use super::listener::{ListenAddress, Ports, Wanted, bind_all};
use super::mailbox::{Letter, MailSender};
use super::standing::Standing;
use crate::config::Config;

/// Binds other addresses when a directive has changed, and has the reactor adopt what it has bound.
pub(crate) struct Binder {
    standing: Standing,
    bound: Vec<ListenAddress>,
    mail: MailSender,
}

impl Binder {
    /// `standing`: where the reactor listens already.
    pub(crate) fn new(standing: Standing, mail: MailSender) -> Binder {
        Binder { bound: standing.addresses(), standing, mail }
    }

    /// Listens where `config` says. If one address cannot be had, everything stays as it is.
    pub(crate) fn rebind(&mut self, config: &Config) -> io::Result<&[ListenAddress]> {
        let wanted = bind_all(config, Ports::configured(config), &mut self.standing)
            .and_then(|wanted| Ok((self.standing.changed(&wanted)?, wanted)));
        // By an error what has been bound so far is closed already, and leaves room for what was there.
        let (standing, wanted) = wanted.inspect_err(|_| self.standing.come_back(config))?;
        self.bound = wanted.iter().map(Wanted::bound).cloned().collect();
        self.mail.send(Letter::Rebind(wanted)).map_err(io::Error::other)?;
        self.standing = standing;
        Ok(&self.bound)
    }
}
