//! Frames: what a command runs in.
//!
//! | frame | a command that | may wait | its reply |
//! |---|---|---|---|
//! | [`Frame::Top`] | a client has sent, or an embedder for it | yes | the client's outbox, or the embedder's |
//! | [`Frame::Transaction`] | EXEC runs | no | an element of EXEC's |
//! | [`Frame::Script`] | a script calls | no | the script's to read |
//! | [`Frame::Call`] | a command of the embedder calls, or a handle | no | the caller's to read |
//! | [`Frame::Replay`] | a log held, read again | no | dropped, or looked at for errors |
//!
//! The frame decides which gates a command passes: [`super::gates`] has the list.
//!
//! # What a call passes
//!
//! A command that another calls is a request of the same client, which is granted no more by asking that way: it is
//! logged in, the command exists, has its arguments and is permitted, belongs to the client's port and node, finds
//! memory, and data that can be written and is there. What is about the connection ([`flag::NO_CALL`]) is refused; a
//! pause does not hold it back, for the command around it was let on; and that the client is subscribed or a monitor does
//! not matter, for it is not sent the reply. A blocking command behaves as if its time were up.
//!
//! A handle is not a client, but the program that has the server in it. What it calls runs as a client of the server's
//! own, whose user may do everything ([`UserId::SERVER`]), and before the server is ready, because it may be what makes
//! it ready; not before files are loaded, which would not know of it. Memory and data that cannot be written are no matter
//! of rights, and refuse it as they do everything. A pause holds it back until its end.
//!
//! In a script, and in what a script calls, a called command is one more of the script's: it is held to the script's flags.
//! While a log is replayed it is replayed, too.
//!
//! [`flag::NO_CALL`]: super::spec::flag::NO_CALL
//! [`UserId::SERVER`]: crate::access::UserId

/// What a command runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// Nothing: it is a request of its own.
    Top,
    /// A transaction that EXEC runs. The command passed the gates when it was queued.
    Transaction,
    /// A script that another command runs.
    Script(ScriptFlags),
    /// Another command of the embedder, or a handle.
    Call,
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
pub(super) const CALL: Frames = 1 << 4;

impl Frame {
    /// Returns whether the frame is one of these.
    #[inline]
    pub(super) fn is_in(self, frames: Frames) -> bool {
        let bit = match self {
            Frame::Top => TOP,
            Frame::Transaction => TRANSACTION,
            Frame::Script(_) => SCRIPT,
            Frame::Replay => REPLAY,
            Frame::Call => CALL,
        };
        bit & frames != 0
    }

    /// Returns whether a command may keep its client waiting for the reply. In every frame but
    /// [`Frame::Top`] a blocking command behaves as if its time were up.
    #[inline]
    pub fn may_wait(self) -> bool {
        self.is_in(TOP)
    }

    /// The frame of a command that one in this frame calls.
    pub(super) fn of_called(self) -> Frame {
        match self {
            Frame::Script(_) | Frame::Replay => self,
            Frame::Top | Frame::Transaction | Frame::Call => Frame::Call,
        }
    }

    /// The frame of the commands that EXEC runs. Those of a transaction in a log are replayed like the rest.
    pub fn of_queued(self) -> Frame {
        match self {
            Frame::Replay => Frame::Replay,
            _ => Frame::Transaction,
        }
    }
}
