//! What a test is told that drives the server.

use super::Error;

pub const STAGE_NOT_ALLOWED: Error = Error::fixed(
    "ERR STAGE command not allowed. If the enable-stage-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
);
