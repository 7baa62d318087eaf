//! How respd is configured for a conversation.

use std::path::Path;

use super::Conversation;
use crate::config::Config;

impl Conversation {
    /// The configuration that respd starts with: what the conversation says, and a folder for its files. DEBUG is
    /// enabled, as it is where the reference plays, and a failed login is answered at once, as it is there.
    ///
    /// # Errors
    ///
    /// The `!config` line that is no directive, and why.
    pub fn configuration(&self, folder: &Path) -> Result<Config, String> {
        let mut config = Config { dir: Some(folder.to_owned()), ..Config::default() };
        let first = [("enable-debug-command", "yes"), ("auth-failure-delay", "0")];
        let own = self.config.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in first.into_iter().chain(own) {
            let applied = config.apply_option(name, value);
            applied.map_err(|error| format!("!config {name} {value}: {error}"))?;
        }
        Ok(config)
    }
}
