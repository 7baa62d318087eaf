//! The configuration: what an operator may decide, as plain typed fields.
//!
//! [`Config`] (`settings.rs`) is read by the whole server as fields (`world.config.timeout`). Its text form
//! lives in `table.rs`, a row per directive: name, type, range, whether it may change at run time, and what
//! follows when it does, and what it means. The rows of what respd has not stand in `replication.rs` and
//! `surroundings.rs`, and what files alone have in `file_only.rs`. From a row derive the configuration file (`file.rs`), `-o name=value`, CONFIG GET
//! and CONFIG SET (`change.rs`) and CONFIG REWRITE (`rewrite.rs`), and the text of `--print-config` (`commented.rs`), with every error text. **Adding a
//! directive is a field, its default and one row.**
//!
//! What it promises: a change is made whole or not at all; a directive that asks for what respd has not
//! can be set to nothing but what is true, while one that only tunes it is checked, remembered and shown;
//! all mistakes of a file are told at once; a rewritten file loads as the configuration it was written
//! from; secrets are in no error text and in no `Debug` output.
//!
//! What it does not know: where text comes from and goes to, which is for `files`; and how an effect is
//! taken. `Config::set` names the effects of a change; rebinding a port is the world's work, and so is
//! putting the old `Config` back when that fails.
//!
//! Names, ranges, reasons and file syntax are those of Valkey 9.1.
//!
//! The book: chapter 5, A command is a row (`book/src/05-a-command-is-a-row.md`).

mod change;
mod choice;
mod commented;
mod directive;
mod encryption;
mod file;
mod file_only;
mod kind;
mod networks;
pub mod persona;
pub(crate) mod place;
mod replication;
mod rewrite;
mod settings;
mod suggestion;
mod surroundings;
mod table;
pub(crate) mod tls;
mod value;

pub use change::SetError;
pub(crate) use change::{has_wildcard, is_no_secret, selects_secret};
pub use commented::commented;
pub(crate) use directive::Effect;
pub(crate) use file::{BAD_DIRECTIVE, Includes};
pub use networks::Networks;
pub use persona::Persona;
pub use place::{LoadError, LoadErrors, Place, Reason};
pub use settings::Config;
pub(crate) use settings::RESERVED_PLACES;
pub use tls::{CertificateUser, ClientCertificates, Tls};
pub use value::{
    AppendOnly, BufferLimit, Callers, ChannelDefault, ChosenPorts, CommandLogSettings,
    DisabledCommand, Fsync, KeyspaceEvents, LogFormat, LogLevel, LogSettings, LogTime,
    OutputBufferLimits, Percentiles, SavePoint, Secret, Share, Shutdown, Supervisor,
    UnknownDirectives, UserLine, WithoutEffect,
};
