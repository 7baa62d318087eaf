//! What rules are read with: the commands there are, and the default for channels.

use crate::config::{ChannelDefault, Config, Persona};
use crate::telemetry::CommandId;

/// The commands there are, as rules name them. The command table is one.
pub trait Vocabulary {
    /// How many there are, subcommands included. Every [`CommandId`] is below.
    fn size(&self) -> usize;

    /// The command of a full name, in capitals or not: `get`, `client|list`.
    fn named(&self, full_name: &[u8]) -> Option<CommandId>;

    /// In small letters.
    fn full_name(&self, id: CommandId) -> &str;

    /// The container of a subcommand.
    fn container(&self, id: CommandId) -> Option<CommandId>;

    fn subcommands(&self, id: CommandId) -> &[CommandId];

    /// The commands and subcommands of a category.
    fn category(&self, name: &[u8]) -> Option<Vec<CommandId>>;
}

/// What the words of rules mean here.
#[derive(Clone, Copy)]
pub(crate) struct Grammar<'a> {
    /// The commands and categories there are.
    pub(crate) commands: &'a dyn Vocabulary,
    /// Whose commands rules may name beside those.
    pub(crate) persona: &'static Persona,
    /// `acl-pubsub-default`: whether a user may use every channel until a rule says otherwise.
    pub(crate) all_channels: bool,
}

impl<'a> Grammar<'a> {
    pub(crate) fn new(config: &Config, commands: &'a dyn Vocabulary) -> Grammar<'a> {
        Grammar {
            commands,
            persona: config.persona,
            all_channels: config.acl_pubsub_default == ChannelDefault::All,
        }
    }
}
