//! Conversations: what clients say and what they must be answered, as text.
//!
//! The grammar is in `docs/conversations.md`: a line a command, a line a reply, `@` for another client's turn. Tests of
//! respd itself are such files, `respd play` plays them with any server, and `respd record` writes them.
//!
//! * [`Conversation::read`] makes [`Step`]s of a text and says which line it cannot read;
//! * [`notation`] has the spelling of every value and of what may vary, and compares a [`Pattern`] with a
//!   [`Value`](crate::wire::Value);
//! * [`play`] plays with a server, and [`Judge`] tells what was not as it is written: with one behind [`Tcp`], or with
//!   any other [`Side`];
//! * a [`Recorder`] writes one while it takes place.
//!
//! This room knows no files and no clients of the server: text goes in and comes out.
//!
//! The book: chapter 15, Knowing that it is right (`book/src/15-knowing-that-it-is-right.md`).

mod configuration;
pub mod notation;
pub mod play;
mod recorder;
mod steps;
mod tcp;

pub use notation::{Names, Pattern, Text};
pub use play::{Absence, Difference, Ear, Judge, Side};
pub use recorder::Recorder;
pub use steps::{Act, Conversation, Expected, Mistake, Step};
pub use tcp::Tcp;
