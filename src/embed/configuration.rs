//! The configuration of a server that is embedded.

use std::path::Path;

use crate::config::{self, LoadError, LoadErrors};

/// What a server is told by its configuration: the directives of Redis and Valkey, and some of respd's own.
///
/// ```
/// use respd::{Config, Server};
///
/// let mut config = Config::default();
/// config.set("requirepass", "sesame")?;
/// config.set("maxclients", "50")?;
/// let server = Server::builder().config(config).any_port().bind()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Config {
    pub(super) inner: config::Config,
}

impl Config {
    /// The configuration of a file, in the format of `redis.conf`. The error has every mistake, with file and line.
    pub fn of_file(path: impl AsRef<Path>) -> Result<Config, LoadErrors> {
        let mut config = Config::default();
        config.inner.load_file(path.as_ref())?;
        Ok(config)
    }

    /// Changes what the lines say, which are those of a file.
    #[doc(hidden)]
    pub fn read(&mut self, text: &str) -> Result<(), LoadErrors> {
        self.inner.load_text(Path::new("text"), text.as_bytes())
    }

    /// Changes one directive, as `-o name=value` does on the command line. The error says which, and what is wrong; nothing has
    /// changed then.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), LoadError> {
        self.inner.apply_option(name, value)
    }
}

impl From<config::Config> for Config {
    fn from(inner: config::Config) -> Config {
        Config { inner }
    }
}
