//! The certificates in use, as INFO shows them.

/// One certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its number, in hexadecimal digits.
    pub(crate) serial: String,
    /// When it is no longer valid, in seconds since 1970.
    pub(crate) expires: u64,
}

/// Those of the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificates {
    /// What the server shows to its clients.
    pub(crate) server: Option<Certificate>,
    /// Of those that may have signed the certificates of clients, the one that expires first.
    pub(crate) authority: Option<Certificate>,
}
