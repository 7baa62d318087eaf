//! Listeners that change while the server runs: CONFIG SET of `bind`, `port` and their kin, and ports beside those of the
//! configuration: STAGE NODE.

use std::io;
use std::net::SocketAddr;

use super::listener::{ListenAddress, Ports, bind_all, bind_node};
use super::mailbox::{Letter, MailSender};
use crate::config::Config;
use crate::world::NodePorts;

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

/// Binds the ports of nodes, and has the reactor adopt them, or let go of them.
pub(crate) struct NodeBinder {
    mail: MailSender,
}

impl NodeBinder {
    pub(crate) fn new(mail: MailSender) -> NodeBinder {
        NodeBinder { mail }
    }
}

impl NodePorts for NodeBinder {
    fn open(&mut self, config: &Config, port: u16) -> io::Result<SocketAddr> {
        let sockets = bind_node(config, port)?;
        let first = sockets.iter().find_map(|socket| socket.bound().tcp());
        let nowhere = || io::Error::new(io::ErrorKind::InvalidInput, "'bind' has no address");
        let first = first.ok_or_else(nowhere)?;
        self.mail.send(Letter::Open(sockets)).map_err(io::Error::other)?;
        Ok(first)
    }

    fn close(&mut self, port: u16) {
        // The loop reads it in this very turn. When there is no loop any more, there is no listener.
        let _ = self.mail.send(Letter::Close(port));
    }
}
