//! The files of TLS, read while the server runs: by CONFIG SET, and by what asks for them anew, as SIGHUP does.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::mailbox::{Letter, MailSender};
use super::tls::Acceptor;
use crate::config::Config;
use crate::telemetry::Certificates;
use crate::world::TlsFiles;

/// Reads what the configuration names, and has the reactor use it.
pub(crate) struct Reader {
    /// What was read last and is not in use yet.
    ready: Option<Acceptor>,
    /// What the files were when they were read last, whether they were right or not.
    seen: Vec<Stamp>,
    mail: MailSender,
}

/// What a file is, as far as one can see without reading it: device, inode, length, and when it was changed.
type Stamp = (PathBuf, Option<(u64, u64, u64, i64, i64)>);

impl Reader {
    /// What `config` names has just been read, and is in use.
    pub(crate) fn new(config: &Config, mail: MailSender) -> Reader {
        Reader { ready: None, seen: stamps(config), mail }
    }
}

impl TlsFiles for Reader {
    fn read(&mut self, config: &Config) -> io::Result<()> {
        self.seen = stamps(config);
        self.ready = Acceptor::read(config)?;
        Ok(())
    }

    fn adopt(&mut self) -> io::Result<Certificates> {
        let acceptor = self.ready.take();
        let certificates = acceptor.as_ref().map(Acceptor::certificates).unwrap_or_default();
        self.mail.send(Letter::Secure(acceptor)).map_err(io::Error::other)?;
        Ok(certificates)
    }

    fn have_changed(&self, config: &Config) -> bool {
        self.seen != stamps(config)
    }
}

/// What all files are that `config` names for TLS.
fn stamps(config: &Config) -> Vec<Stamp> {
    let tls = &config.tls;
    let mut files: Vec<PathBuf> =
        [&tls.cert_file, &tls.key_file, &tls.ca_cert_file].into_iter().flatten().cloned().collect();
    if let Some(folder) = tls.ca_cert_dir.as_deref().map(|folder| config.locate(folder)) {
        let listed = fs::read_dir(folder).into_iter().flatten();
        let mut listed: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).collect();
        listed.sort();
        files.append(&mut listed);
    }
    files
        .into_iter()
        .map(|path| (stamp(&config.locate(&path)), path))
        .map(|(stamp, path)| (path, stamp))
        .collect()
}

fn stamp(path: &Path) -> Option<(u64, u64, u64, i64, i64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
}
