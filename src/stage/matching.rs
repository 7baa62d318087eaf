//! Which commands of which clients are meant: ON, ARGS and CLIENT, of faults, of the journal and of what comes.
//!
//! A matcher without a word matches everything; one that names no command leaves out what clients begin with, so that a
//! new one gets as far as STAGE. The commands of STAGE itself are matched by nothing, and so are the
//! clients of the administration port: whatever is staged, a test can end it. The caller sees to that; a word that
//! says otherwise is refused here ([`Commands::named`]) or by the caller ([`Clients::id`]).

use crate::error::{self, Error};
use crate::text::glob::Glob;
use crate::text::number;
use crate::wire::{Args, Options};

/// The longest pattern, in bytes.
const LONGEST: usize = 256;

/// The most arguments that one matcher looks at.
const MOST_ARGUMENTS: usize = 8;

/// Of a longer text so many bytes are looked at: a client chooses how long its arguments are.
const LOOKED_AT: usize = 4096;

/// What client libraries say before what they are asked to, with all subcommands of CLIENT.
const BEGINNINGS: [&str; 6] = ["auth", "client", "hello", "info", "ping", "select"];

type Pattern = Glob<Box<[u8]>>;

/// A client, as matchers see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) id: u64,
    pub(crate) name: &'a [u8],
    pub(crate) lib: &'a [u8],
    pub(crate) user: &'a [u8],
    pub(crate) db: usize,
    /// 2 or 3.
    pub(crate) proto: u8,
    /// The name of the node or the Sentinel whose port it came through; empty if it is none's.
    pub(crate) node: &'a [u8],
}

/// `CLIENT [ID id] [NAME glob] [LIB glob] [USER glob] [DB n] [PROTO n] [NODE glob]`: clients.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clients {
    id: Option<u64>,
    name: Option<Pattern>,
    lib: Option<Pattern>,
    user: Option<Pattern>,
    db: Option<usize>,
    proto: Option<u8>,
    node: Option<Pattern>,
}

/// The words behind CLIENT.
const CLIENT_WORDS: &str = "ID, NAME, LIB, USER, DB, PROTO or NODE";

impl Clients {
    /// Steps over CLIENT and what belongs to it, if it is the next word. Returns whether it was.
    pub(crate) fn read(&mut self, options: &mut Options<'_>) -> Result<bool, Error> {
        if !options.flag("CLIENT") {
            return Ok(false);
        }
        self.read_words("CLIENT", options).map(|()| true)
    }

    /// Steps over what says which clients are meant, behind `word`.
    pub(crate) fn read_words(
        &mut self,
        word: &str,
        options: &mut Options<'_>,
    ) -> Result<(), Error> {
        let first = options.index();
        while self.read_word(options)? {}
        match options.index() > first {
            true => Ok(()),
            false => Err(error::stage_value(word, options.peek(), CLIENT_WORDS)),
        }
    }

    fn read_word(&mut self, options: &mut Options<'_>) -> Result<bool, Error> {
        if options.flag("ID") {
            once("ID", &mut self.id, number("ID", options.word(), 0..=u64::MAX)?)?;
        } else if options.flag("NAME") {
            once("NAME", &mut self.name, pattern("NAME", options.word())?)?;
        } else if options.flag("LIB") {
            once("LIB", &mut self.lib, pattern("LIB", options.word())?)?;
        } else if options.flag("USER") {
            once("USER", &mut self.user, pattern("USER", options.word())?)?;
        } else if options.flag("DB") {
            let db = number("DB", options.word(), 0..=u32::MAX.into())? as usize;
            once("DB", &mut self.db, db)?;
        } else if options.flag("PROTO") {
            once("PROTO", &mut self.proto, number("PROTO", options.word(), 2..=3)? as u8)?;
        } else if options.flag("NODE") {
            once("NODE", &mut self.node, pattern("NODE", options.word())?)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// The id, where only one client is meant.
    pub(crate) fn id(&self) -> Option<u64> {
        self.id
    }

    pub(crate) fn matches(&self, client: Subject<'_>) -> bool {
        let is = |pattern: &Option<Pattern>, text: &[u8]| match pattern {
            None => true,
            Some(pattern) => is_like(pattern, text),
        };
        self.id.is_none_or(|id| id == client.id)
            && self.db.is_none_or(|db| db == client.db)
            && self.proto.is_none_or(|proto| proto == client.proto)
            && is(&self.name, client.name)
            && is(&self.lib, client.lib)
            && is(&self.user, client.user)
            && is(&self.node, client.node)
    }
}

/// `ON command` and `ARGS index glob [index glob ...]`: commands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Commands {
    name: Option<Pattern>,
    arguments: Vec<(i64, Pattern)>,
}

impl Commands {
    /// The commands of this name: a pattern, in capitals or not, of what COMMAND LIST spells `client|setname`. The
    /// container alone, `client`, stands for all of its subcommands. A name that is STAGE's is refused.
    pub(crate) fn named(word: &str, name: Option<&[u8]>) -> Result<Commands, Error> {
        let name = text(word, name, "the name of a command, or a pattern")?;
        if container(name).eq_ignore_ascii_case(b"stage") {
            return Err(error::stage_value(
                word,
                Some(name),
                "any command but STAGE, which always runs",
            ));
        }
        let name = Some(Glob::ignoring_case(name.into()));
        Ok(Commands { name, arguments: Vec::new() })
    }

    /// Steps over ARGS and what belongs to it, if it is the next word. Returns whether it was.
    ///
    /// Arguments are counted from the command's name, which is 0, or from the last one, which is -1.
    pub(crate) fn read_arguments(&mut self, options: &mut Options<'_>) -> Result<bool, Error> {
        const WANTED: &str = "numbers of arguments, each with a pattern";
        if !options.flag("ARGS") {
            return Ok(false);
        }
        let first = options.index();
        while let Some(index) = options.peek().and_then(number::parse_i64) {
            if self.arguments.len() == MOST_ARGUMENTS {
                let most = format!("at most {MOST_ARGUMENTS} arguments");
                return Err(error::stage_value("ARGS", options.peek(), &most));
            }
            options.skip(1);
            self.arguments.push((index, pattern("ARGS", options.word())?));
        }
        match options.index() > first {
            true => Ok(true),
            false => Err(error::stage_value("ARGS", options.peek(), WANTED)),
        }
    }

    /// Returns whether the command is meant whose full name this is, with these arguments, its name among them. Where no
    /// name was said, those that clients begin with are not.
    pub(crate) fn matches(&self, full_name: &[u8], args: Args<'_>) -> bool {
        let full_name = &full_name[..full_name.len().min(LOOKED_AT)];
        let first = container(full_name);
        let has_name = match &self.name {
            Some(pattern) => is_like(pattern, full_name) || is_like(pattern, first),
            None => !BEGINNINGS.iter().any(|name| first.eq_ignore_ascii_case(name.as_bytes())),
        };
        has_name
            && self.arguments.iter().all(|(index, pattern)| {
                argument(args, *index).is_some_and(|text| is_like(pattern, text))
            })
    }

    /// The same commands, with these arguments.
    pub(crate) fn with_arguments(self, arguments: Commands) -> Commands {
        Commands { arguments: arguments.arguments, ..self }
    }
}

/// A client is said to have this, which can be said once.
fn once<T>(word: &str, place: &mut Option<T>, value: T) -> Result<(), Error> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(error::stage_two(word)),
    }
}

/// What stands before the `|` of a full name.
fn container(full_name: &[u8]) -> &[u8] {
    full_name.split(|&byte| byte == b'|').next().unwrap_or_default()
}

fn argument(args: Args<'_>, index: i64) -> Option<&[u8]> {
    let index = match usize::try_from(index) {
        Ok(index) => index,
        Err(_) => args.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
    };
    args.get(index)
}

/// Returns whether the text matches. Here `*` is any text, the empty one too.
fn is_like(pattern: &Pattern, text: &[u8]) -> bool {
    let text = &text[..text.len().min(LOOKED_AT)];
    pattern.matches(text) || text.is_empty() && pattern.pattern().iter().all(|&byte| byte == b'*')
}

/// The value of `word` as a text that is not too long.
fn text<'a>(word: &str, value: Option<&'a [u8]>, wanted: &str) -> Result<&'a [u8], Error> {
    match value {
        Some(text) if text.len() <= LONGEST => Ok(text),
        Some(_) => Err(error::stage_too_long(word, LONGEST)),
        None => Err(error::stage_value(word, None, wanted)),
    }
}

/// The value of `word` as a pattern.
fn pattern(word: &str, value: Option<&[u8]>) -> Result<Pattern, Error> {
    Ok(Glob::new(text(word, value, "a pattern")?.into()))
}

/// The value of `word` as a number in this range.
pub(crate) fn number(
    word: &str,
    value: Option<&[u8]>,
    range: std::ops::RangeInclusive<u64>,
) -> Result<u64, Error> {
    let number = value.and_then(number::parse_u64).filter(|number| range.contains(number));
    number.ok_or_else(|| {
        let (least, most) = range.into_inner();
        let wanted = match most {
            u64::MAX => format!("a number from {least} on"),
            most => format!("a number from {least} to {most}"),
        };
        error::stage_value(word, value, &wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::OwnedArgs;

    fn owned(line: &str) -> OwnedArgs {
        line.split(' ').filter(|word| !word.is_empty()).collect()
    }

    fn clients(line: &str) -> Result<Clients, String> {
        let (args, mut clients) = (owned(line), Clients::default());
        clients.read(&mut args.args().options(0)).map_err(|error| error.to_string())?;
        Ok(clients)
    }

    fn commands(name: &str, line: &str) -> Result<Commands, String> {
        let args = owned(line);
        let read = || {
            let mut commands = Commands::named("ON", Some(name.as_bytes()))?;
            commands.read_arguments(&mut args.args().options(0))?;
            Ok(commands)
        };
        read().map_err(|error: Error| error.to_string())
    }

    fn setname() -> OwnedArgs {
        owned("CLIENT SETNAME Web")
    }

    const WEB: Subject<'_> = Subject {
        id: 7,
        name: b"web",
        lib: b"redis-py",
        user: b"default",
        db: 2,
        proto: 3,
        node: b"a2",
    };

    #[test]
    fn clients_are_matched_by_all_that_is_said_of_them() {
        for line in [
            "",
            "CLIENT ID 7",
            "CLIENT NAME w*",
            "client lib redis-* user default",
            "CLIENT DB 2 PROTO 3",
            "CLIENT NODE a? NAME web",
        ] {
            assert!(clients(line).unwrap().matches(WEB), "{line}");
        }
        for line in [
            "CLIENT ID 8",
            "CLIENT NAME w",
            "CLIENT NAME web LIB jedis",
            "CLIENT USER nobody",
            "CLIENT NAME web DB 1",
            "CLIENT PROTO 2",
            "CLIENT NODE a",
        ] {
            assert!(!clients(line).unwrap().matches(WEB), "{line}");
        }
        let nameless = Subject { name: b"", ..WEB };
        assert!(clients("CLIENT NAME *").unwrap().matches(nameless));
        assert!(!clients("CLIENT NAME ?*").unwrap().matches(nameless));
    }

    #[test]
    fn what_is_wrong_with_a_client_is_named() {
        for (line, told) in [
            (
                "CLIENT",
                "ERR STAGE: CLIENT takes ID, NAME, LIB, USER, DB, PROTO or NODE, but the line ends there",
            ),
            (
                "CLIENT DO",
                "ERR STAGE: CLIENT takes ID, NAME, LIB, USER, DB, PROTO or NODE, not 'DO'",
            ),
            ("CLIENT ID x", "ERR STAGE: ID takes a number from 0 on, not 'x'"),
            ("CLIENT ID 1 DB 0 ID 1", "ERR STAGE: ID can stand there once"),
            ("CLIENT NAME a NAME b", "ERR STAGE: NAME can stand there once"),
            ("CLIENT LIB a LIB b", "ERR STAGE: LIB can stand there once"),
            ("CLIENT USER a USER b", "ERR STAGE: USER can stand there once"),
            ("CLIENT DB 1 DB 1", "ERR STAGE: DB can stand there once"),
            ("CLIENT PROTO 2 PROTO 3", "ERR STAGE: PROTO can stand there once"),
            ("CLIENT NODE a NODE b", "ERR STAGE: NODE can stand there once"),
            ("CLIENT PROTO 4", "ERR STAGE: PROTO takes a number from 2 to 3, not '4'"),
            ("CLIENT NAME", "ERR STAGE: NAME takes a pattern, but the line ends there"),
        ] {
            assert_eq!(clients(line).unwrap_err(), told, "{line}");
        }
    }

    #[test]
    fn commands_are_matched_by_name_and_arguments() {
        let setname = setname();
        for (name, line) in [
            ("CLIENT", ""),
            ("client|setname", ""),
            ("c*|SET*", ""),
            ("*", "ARGS 2 Web"),
            ("*", "ARGS -1 W* 0 CLIENT"),
        ] {
            let commands = commands(name, line).unwrap();
            assert!(commands.matches(b"client|setname", setname.args()), "{name} {line}");
        }
        for (name, line) in [
            ("setname", ""),
            ("client|getname", ""),
            ("*", "ARGS 2 web"),
            ("*", "ARGS 3 *"),
            ("*", "ARGS -4 *"),
            ("*", "ARGS 2 W* 1 x"),
        ] {
            let commands = commands(name, line).unwrap();
            assert!(!commands.matches(b"client|setname", setname.args()), "{name} {line}");
        }
    }

    #[test]
    fn where_no_command_is_named_what_clients_begin_with_is_left_out() {
        for name in ["hello", "auth", "client|setinfo", "client|nosuch", "SELECT", "ping", "info"] {
            assert!(!Commands::default().matches(name.as_bytes(), setname().args()), "{name}");
            let named = commands("*", "").unwrap();
            assert!(named.matches(name.as_bytes(), setname().args()), "{name}");
        }
        for name in ["get", "cluster|slots", "clients", "nosuch"] {
            assert!(Commands::default().matches(name.as_bytes(), setname().args()), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_command_is_named() {
        for (name, line, told) in [
            (
                "STAGE",
                "",
                "ERR STAGE: ON takes any command but STAGE, which always runs, not 'STAGE'",
            ),
            (
                "stage|reset",
                "",
                "ERR STAGE: ON takes any command but STAGE, which always runs, not 'stage|reset'",
            ),
            (
                "GET",
                "ARGS x",
                "ERR STAGE: ARGS takes numbers of arguments, each with a pattern, not 'x'",
            ),
            ("GET", "ARGS 1", "ERR STAGE: ARGS takes a pattern, but the line ends there"),
            (
                "GET",
                &"ARGS".to_owned().chars().chain(" 1 x".repeat(9).chars()).collect::<String>(),
                "ERR STAGE: ARGS takes at most 8 arguments, not '1'",
            ),
        ] {
            assert_eq!(commands(name, line).unwrap_err(), told, "{name} {line}");
        }
        assert!(commands(&"x".repeat(257), "").is_err());
    }
}
