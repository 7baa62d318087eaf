//! The files of TLS, read while the server runs: CONFIG SET, and whoever asks for them to be read anew.

use std::io;

use super::super::mailbox::{Letter, MailSender};
use super::Acceptor;
use crate::config::Config;
use crate::telemetry::Certificates;
use crate::world::TlsFiles;

/// Reads what the configuration names, and has the reactor use it.
pub(crate) struct Reader {
    /// What was read last and is not in use yet.
    ready: Option<Acceptor>,
    mail: MailSender,
}

impl Reader {
    pub(crate) fn new(mail: MailSender) -> Reader {
        Reader { ready: None, mail }
    }
}

impl TlsFiles for Reader {
    fn read(&mut self, config: &Config) -> io::Result<()> {
        self.ready = Acceptor::read(config)?;
        Ok(())
    }

    fn adopt(&mut self) -> io::Result<Certificates> {
        let acceptor = self.ready.take();
        let certificates = acceptor.as_ref().map(Acceptor::certificates).unwrap_or_default();
        self.mail.send(Letter::Secure(acceptor)).map_err(io::Error::other)?;
        Ok(certificates)
    }
}
