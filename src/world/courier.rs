//! What `net` offers to commands that talk to another server: MIGRATE.

use std::io;
use std::time::Duration;

use super::World;

/// Requests for another server.
#[derive(Debug)]
pub struct Parcel {
    /// A name or an address of the server.
    pub host: String,
    pub port: u16,
    /// How long connecting may take, and each reading and writing.
    pub timeout: Duration,
    /// Requests in RESP, end to end.
    pub requests: Vec<u8>,
    /// How many these are.
    pub count: usize,
}

/// What the other server has replied.
#[derive(Debug, Default)]
pub struct Receipt {
    /// The first line of each reply without its end, as many as have come: `+OK`, `-ERR …`.
    pub replies: Vec<Vec<u8>>,
    /// Why there are not as many as there were requests.
    pub failure: Option<Failure>,
}

/// Where a connection to another server has failed, or taken too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No connection: the address is none, or nothing there answers.
    Connecting,
    Writing,
    Reading,
}

/// What is done with a receipt, between two commands.
pub type OnReceipt = Box<dyn FnOnce(&mut World, Receipt) + Send>;

/// Carries requests to another server and replies back.
pub trait Courier: Send {
    /// Waits for the replies.
    fn deliver(&self, parcel: &Parcel) -> Receipt;

    /// Has another thread wait for them, and returns at once. It is an error if there can be no such thread.
    fn send_off(&self, parcel: Parcel, then: OnReceipt) -> io::Result<()>;
}
