//! What is known about a directive: how its text becomes the field and back, what may be done with it, what
//! follows when it has another value, and whether it has any effect here.

use super::kind::Kind;
use super::place::Reason;
use super::settings::Config;
use super::value::Secret;
use crate::text::quote;

pub(super) const UNBALANCED_QUOTES: &str = "Unbalanced quotes in configuration line";

/// What a directive of the reference is to respd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// It does what it says.
    Effective,
    /// It has one value, which says what is so anyway; any other is refused with this reason.
    Fixed(&'static str),
    /// Any well-formed value is taken, remembered and shown, and has no effect, for this reason.
    Unused(&'static str),
}

impl Class {
    /// Returns whether a line that was accepted does nothing.
    pub(super) fn is_without_effect(self) -> bool {
        matches!(self, Class::Fixed(_) | Class::Unused(_))
    }
}

/// The row of a directive that has a field or, without one, of one whose kind says all there is.
macro_rules! directive {
    ($name:literal, $($field:ident).+, $kind:expr) => {
        Directive::new(
            $name,
            |config| $kind.show(&config.$($field).+),
            |config, words| $kind.read(&mut config.$($field).+, words),
        )
    };
    ($name:literal, $kind:expr) => {
        Directive::new($name, |_| $kind.show(&()), |_, words| $kind.read(&mut (), words))
    };
}

/// The row of a directive that says what is so anyway: `kind` has the value `truth`, and every other is refused with `reason`.
macro_rules! fixed {
    ($name:literal, $kind:expr, $truth:expr, $reason:expr) => {
        Directive::new(
            $name,
            |_| Only($kind, $truth, $reason).show(&()),
            |_, words| Only($kind, $truth, $reason).read(&mut (), words),
        )
        .class(Class::Fixed($reason))
    };
}

/// The row of a directive whose values are remembered and have no effect, for `reason`.
macro_rules! unused {
    ($name:literal, $kind:expr, $default:expr, $reason:expr) => {
        Directive::new(
            $name,
            |config| recall(config, $name, &$kind, &$default),
            |config, words| remember(config, $name, &$kind, $default, words),
        )
        .class(Class::Unused($reason))
    };
}

pub(super) use {directive, fixed, unused};

/// What an unused directive shows: what it was given last, or its default.
pub(super) fn recall<T>(config: &Config, name: &str, kind: &impl Kind<T>, default: &T) -> Vec<u8> {
    config.remembered.get(name).map_or_else(|| kind.show(default), |value| value.to_vec())
}

/// Gives an unused directive a value. One that has its default is not remembered.
pub(super) fn remember<T>(
    config: &mut Config,
    name: &'static str,
    kind: &impl Kind<T>,
    default: T,
    words: &[&[u8]],
) -> Result<(), Reason> {
    let shown_by_default = kind.show(&default);
    let mut value = default;
    kind.read(&mut value, words)?;
    match kind.show(&value) {
        shown if shown == shown_by_default => config.remembered.remove(name),
        shown => config.remembered.insert(name, Secret::from(&shown[..])),
    };
    Ok(())
}

/// What is known about one directive.
pub(crate) struct Directive {
    /// In lower case.
    pub(crate) name: &'static str,
    /// The name it had before. CONFIG GET, CONFIG SET and the file know both.
    pub(super) alias: Option<&'static str>,
    /// What it means, in one sentence.
    pub(super) about: &'static str,
    pub(super) class: Class,
    list: bool,
    cumulative: bool,
    immutable: bool,
    protected: bool,
    secret: bool,
    hidden: bool,
    pub(crate) effects: &'static [Effect],
    show: fn(&Config) -> Vec<u8>,
    read: fn(&mut Config, &[&[u8]]) -> Result<(), Reason>,
}

impl Directive {
    pub(super) const fn new(
        name: &'static str,
        show: fn(&Config) -> Vec<u8>,
        read: fn(&mut Config, &[&[u8]]) -> Result<(), Reason>,
    ) -> Directive {
        Directive {
            name,
            alias: None,
            about: "",
            class: Class::Effective,
            list: false,
            cumulative: false,
            immutable: false,
            protected: false,
            secret: false,
            hidden: false,
            effects: &[],
            show,
            read,
        }
    }

    pub(super) const fn alias(mut self, alias: &'static str) -> Directive {
        self.alias = Some(alias);
        self
    }

    /// Its value is any number of words, which CONFIG SET takes as one text with spaces between.
    pub(super) const fn list(mut self) -> Directive {
        self.list = true;
        self
    }

    /// Decided when the server starts; CONFIG SET refuses it.
    pub(super) const fn immutable(mut self) -> Directive {
        self.immutable = true;
        self
    }

    /// Lines of a file add up; CONFIG SET gives the whole value.
    pub(super) const fn cumulative(mut self) -> Directive {
        self.cumulative = true;
        self
    }

    /// CONFIG SET refuses it unless `enable-protected-configs` allows it.
    pub(super) const fn protected(mut self) -> Directive {
        self.protected = true;
        self
    }

    /// Its value is in no error text.
    pub(super) const fn secret(mut self) -> Directive {
        self.secret = true;
        self
    }

    /// CONFIG GET shows it by its name alone, not to a pattern.
    pub(super) const fn hidden(mut self) -> Directive {
        self.hidden = true;
        self
    }

    /// What follows when it has another value.
    pub(super) const fn effects(mut self, effects: &'static [Effect]) -> Directive {
        self.effects = effects;
        self
    }

    /// What it means, in one sentence.
    pub(super) const fn about(mut self, about: &'static str) -> Directive {
        self.about = about;
        self
    }

    pub(super) const fn class(mut self, class: Class) -> Directive {
        self.class = class;
        self
    }

    pub(crate) fn is_immutable(&self) -> bool {
        self.immutable
    }

    pub(crate) fn is_cumulative(&self) -> bool {
        self.cumulative
    }

    pub(crate) fn is_protected(&self) -> bool {
        self.protected
    }

    pub(crate) fn is_hidden(&self) -> bool {
        self.hidden
    }

    pub(crate) fn is_secret(&self) -> bool {
        self.secret
    }

    /// The value as one text, as CONFIG GET gives it.
    pub(crate) fn show(&self, config: &Config) -> Vec<u8> {
        (self.show)(config)
    }

    /// Takes the value as the words of a line. A refusal may leave `config` half changed.
    pub(crate) fn read_words(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
        (self.read)(config, words)
    }

    /// Takes the value as the words of a line of a file. A list may stand in one word, within quotes, as in the
    /// reference: `save "60 1"`.
    pub(super) fn read_line(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
        match words {
            [word] if self.list && !word.is_empty() => {
                let inner = quote::split(word).ok_or(UNBALANCED_QUOTES)?;
                self.read_words(config, &inner.iter().map(Vec::as_slice).collect::<Vec<_>>())
            }
            _ => self.read_words(config, words),
        }
    }

    /// Takes the value as one text, as [`Directive::show`] gives it.
    pub(crate) fn read_text(&self, config: &mut Config, text: &[u8]) -> Result<(), Reason> {
        if self.cumulative {
            self.read_words(config, &[])?;
        }
        self.read_words(config, &self.words(text))
    }

    /// A text as the words of a line: a list is split at every space, an empty one is no words.
    pub(crate) fn words<'a>(&self, text: &'a [u8]) -> Vec<&'a [u8]> {
        match self.list {
            true if text.is_empty() => Vec::new(),
            true => text.split(|&byte| byte == b' ').collect(),
            false => vec![text],
        }
    }
}

/// What follows when a directive has another value. Most directives are read where they matter, each
/// time, and have no effect beside that.
///
/// The order is that in which effects are taken: those that can fail come first, so that nothing has
/// happened by then that would have to be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// The process may open a file for each client.
    FileDescriptors,
    /// The folder of files is there.
    Folder,
    /// Administration commands have a port on which they run.
    AdministrationPort,
    /// The certificate, the key and what else TLS needs are read, and fit together.
    TlsFiles,
    /// The server listens at the configured addresses.
    ListenAddresses,
    /// The server listens on the configured ports.
    ListenPorts,
    /// Accepted connections probe their peers.
    TcpKeepalive,
    /// The filter of the log.
    LogLevel,
    /// The password of the default user.
    DefaultPassword,
    /// The keyspace's own copy of its limits and of the eviction policy.
    Store,
    /// Whether a snapshot that failed keeps clients from writing.
    SnapshotErrors,
    /// Which keyspace events the journal keeps.
    KeyspaceEvents,
    /// The output buffer limits of connected clients.
    OutputLimits,
    /// The thresholds of COMMANDLOG and LATENCY.
    Thresholds,
    /// The memory in use. It comes after the eviction policy.
    Memory,
    /// The log of all changes. It comes after the folder where it is.
    AppendOnly,
    /// New connections use what [`Effect::TlsFiles`] has read.
    Tls,
}
