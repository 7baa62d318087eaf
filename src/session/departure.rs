//! Why a connection ends, for the line of the log that says so.

use std::fmt;

/// Why a client leaves, or is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Departure {
    /// It has closed its end.
    Peer,
    /// Reading or writing failed.
    Broken,
    Quit,
    /// CLIENT KILL, of another client or of itself.
    Killed,
    /// Its user was deleted, or may hear less than it listens to.
    User,
    /// `timeout`.
    Idle,
    /// `auth-timeout`.
    LoginTimeout,
    /// It had not logged in when a newcomer needed its place.
    Replaced,
    Protocol,
    QueryLimit,
    OutputLimit,
    /// It was closing, and read nothing of what it was owed.
    Unread,
    /// Clients held too much memory.
    Evicted,
    /// A handler panicked.
    Panic,
    /// The copy of the data that it is being sent cannot be read.
    Copy,
    /// A test has staged it, with a reset or without.
    Staged,
    StagedReset,
    /// It should have begun with a proxy's header.
    Proxy,
    /// A test has taken its node away, or has given it another role.
    Stage,
    /// The program that has the server in it closes it.
    Program,
    /// The server leaves.
    Shutdown,
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Departure::Peer => "closed by the peer",
            Departure::Broken => "the connection broke",
            Departure::Quit => "QUIT",
            Departure::Killed => "CLIENT KILL",
            Departure::User => "its user was deleted or changed",
            Departure::Idle => "idle for too long (timeout)",
            Departure::LoginTimeout => "it did not log in in time (auth-timeout)",
            Departure::Replaced => "a newcomer needed its place (maxclients-unauthenticated)",
            Departure::Protocol => "protocol error",
            Departure::QueryLimit => "over the query buffer limit (client-query-buffer-limit)",
            Departure::OutputLimit => "over the output buffer limit (client-output-buffer-limit)",
            Departure::Unread => "it was closing and did not read what it was owed",
            Departure::Evicted => "to save memory (maxmemory-clients)",
            Departure::Panic => "its command failed",
            Departure::Copy => "its copy of the data cannot be read",
            Departure::Staged => "a test has staged it (STAGE)",
            Departure::StagedReset => "a test has staged a reset (STAGE)",
            Departure::Proxy => "it did not begin with a PROXY header",
            Departure::Stage => "its node went down, or has another role (STAGE)",
            Departure::Program => "the program closes it",
            Departure::Shutdown => "the server leaves",
        })
    }
}
