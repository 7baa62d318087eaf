//! Frames: what a command runs in.
//!
//! | frame | a command that | may wait | its reply |
//! |---|---|---|---|
//! | [`Frame::Top`] | a client has sent, or an embedder for it | yes | the client's outbox, or the embedder's |
//! | [`Frame::Transaction`] | EXEC runs | no | an element of EXEC's |
//! | [`Frame::Script`] | a script calls | no | the script's to read |
//! | [`Frame::Replay`] | a log held, read again | no | dropped, or looked at for errors |
//!
//! The frame decides which gates a command passes: [`super::gates`] has the list.

/// What a command runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// Nothing: it is a request of its own.
    Top,
    /// A transaction that EXEC runs. The command passed the gates when it was queued.
    Transaction,
    /// A script that another command runs.
    Script(ScriptFlags),
    /// A log that is being replayed. Its commands ran once, so that nothing refuses them now.
    Replay,
}

/// The flags of a script's shebang line that its commands are held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScriptFlags {
    /// `no-writes`, EVAL_RO and kin: commands that may write are refused.
    pub no_writes: bool,
    /// `allow-oom`: commands that take memory run although there is none. To be set as well once the
    /// script has changed data, as Valkey 9.1 does: a script is not stopped half-way.
    pub allow_oom: bool,
    /// `allow-cross-slot-keys`, and scripts without a shebang line: at a node of a cluster, commands may have keys in
    /// other slots than those before them.
    pub crosses_slots: bool,
}

/// Sets of frames, as bits.
pub(super) type Frames = u8;
pub(super) const TOP: Frames = 1 << 0;
pub(super) const TRANSACTION: Frames = 1 << 1;
pub(super) const SCRIPT: Frames = 1 << 2;
pub(super) const REPLAY: Frames = 1 << 3;

impl Frame {
    /// Returns whether the frame is one of these.
    #[inline]
    pub(super) fn is_in(self, frames: Frames) -> bool {
        let bit = match self {
            Frame::Top => TOP,
            Frame::Transaction => TRANSACTION,
            Frame::Script(_) => SCRIPT,
            Frame::Replay => REPLAY,
        };
        bit & frames != 0
    }

    /// Returns whether a command may keep its client waiting for the reply. In every frame but
    /// [`Frame::Top`] a blocking command behaves as if its time were up.
    #[inline]
    pub fn may_wait(self) -> bool {
        self.is_in(TOP)
    }

    /// The frame of the commands that EXEC runs. Those of a transaction in a log are replayed like the rest.
    pub fn of_queued(self) -> Frame {
        match self {
            Frame::Replay => Frame::Replay,
            _ => Frame::Transaction,
        }
    }
}
