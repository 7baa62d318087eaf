//! The ACL file, which `aclfile` names: loaded at the start and by ACL LOAD, written by ACL SAVE.
//!
//! What its lines say is for [`crate::access`].

use std::io;
use std::path::Path;

use super::replace::replace_file;
use crate::access::{self, DEFAULT_NAME, Grammar, User};
use crate::config::{Config, LoadError, Place};

/// The users of the configured ACL file and the default user, which replace all others. `None`: no file is
/// configured. The error is the text of a reply.
pub(crate) fn load_users(
    config: &Config,
    grammar: Grammar<'_>,
) -> Option<Result<Vec<User>, Vec<u8>>> {
    let path = config.aclfile.as_deref()?;
    Some(read(config, path, grammar).map(|mut users| {
        if !users.iter().any(|user| *user.name == *DEFAULT_NAME) {
            users.push(access::default_user(config, grammar));
        }
        users
    }))
}

fn read(config: &Config, path: &Path, grammar: Grammar<'_>) -> Result<Vec<User>, Vec<u8>> {
    let text = super::read(&config.locate(path)).map_err(|error| {
        let reason = super::reason(&error);
        format!("Error loading ACLs, opening file '{}': {reason}", path.display())
    })?;
    access::parse(path, &text, grammar)
}

/// The users that a server starts with beside those of its configuration: the ACL file's, if one is
/// configured.
pub(crate) fn first_users(
    config: &Config,
    commands: &dyn access::Vocabulary,
) -> Result<Vec<User>, LoadError> {
    let Some(path) = &config.aclfile else {
        return Ok(Vec::new());
    };
    read(config, path, Grammar::new(config, commands)).map_err(|reason| {
        LoadError::new(Place::AclFile(path.clone()), "", String::from_utf8_lossy(&reason))
    })
}

/// Writes `users` to the file at `path`, in one step. The file keeps its mode.
pub(crate) fn save_users<'a>(path: &Path, users: impl Iterator<Item = &'a User>) -> io::Result<()> {
    replace_file(path, &access::print(users))
}
