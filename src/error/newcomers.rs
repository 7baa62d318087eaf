//! What a newcomer is told that cannot stay.

use super::Error;

/// Said to a newcomer when `maxclients` are connected.
pub const MAX_CLIENTS: Error = Error::fixed("ERR max number of clients reached");
/// Said to a newcomer from another machine while there is no password.
pub const PROTECTED: Error = Error::fixed(
    "DENIED Protected mode: the default user has no password, so nobody is served who is not on the server's own machine. To be served from elsewhere, give it one with 'CONFIG SET requirepass' from there, or 'requirepass' in the configuration. If everybody who can reach this port may do everything, 'protected-mode no' says so instead. CONFIG REWRITE makes either last.",
);

/// Said to a client that connects from the address of a proxy and sends no valid header first.
pub const NO_PROXY_HEADER: Error = Error::fixed(
    "ERR Protocol error: a connection from this address has to begin with a PROXY header, for 'proxy-protocol-from' names it",
);
