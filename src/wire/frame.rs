//! A frame for several clients: written once in each protocol that one of them speaks.

use super::{Protocol, Reply};

/// What goes to several clients, spelled once in each protocol that one of them speaks.
pub(crate) struct Frame<W> {
    write: W,
    spelled: [Vec<u8>; 2],
}

impl<W: Fn(&mut Reply)> Frame<W> {
    /// What `write` says.
    pub(crate) fn new(write: W) -> Frame<W> {
        Frame { write, spelled: [Vec::new(), Vec::new()] }
    }

    // ANCHOR: bytes
    /// The bytes in `protocol`.
    #[inline]
    pub(crate) fn bytes(&mut self, protocol: Protocol) -> &[u8] {
        let spelled = &mut self.spelled[protocol as usize];
        if spelled.is_empty() {
            let mut reply = Reply::new(Vec::new(), protocol);
            (self.write)(&mut reply);
            *spelled = reply.into_inner();
        }
        spelled
    }
    // ANCHOR_END: bytes
}
