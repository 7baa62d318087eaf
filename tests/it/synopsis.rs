//! Grammar and handler hold each other: every command takes what its synopsis says, and nothing else.
//!
//! From each synopsis come samples: the least that it allows, each option and each alternative alone, what may be
//! repeated twice, and every two options together. None of them may be an error, but for those in [`EXCUSED`];
//! and a word that the synopsis does not know is one wherever an option may stand.

use respd::internals::config::Config;
use respd::internals::dispatch::synopsis::{self, Argument, Kind};
use respd::internals::dispatch::{Row, Table};
use respd::internals::embed::groups;
use respd::internals::embed::local::{Local, request};

/// A word that is no option, no number and no name of anything.
const UNKNOWN: &str = "zzz";

/// Commands that are an error whatever follows them, or that have no reply.
const SKIPPED: &[(&str, &str)] = &[
    ("asking", "an error without a cluster"),
    ("cluster", "every subcommand is an error here"),
    ("debug", "its subcommands are no rows"),
    ("readonly", "an error without a cluster"),
    ("readwrite", "an error without a cluster"),
    ("shutdown", "ends the server"),
    ("acl|load", "needs a file"),
    ("acl|save", "needs a file"),
    ("config|rewrite", "needs a file"),
    ("exec", "an error outside a transaction"),
    ("discard", "an error outside a transaction"),
];

/// Commands that take more than their synopsis allows, as the reference does.
const TAKE_MORE: &[(&str, &str)] = &[
    ("replconf", "its options are for programs, and in no document of the reference"),
    ("client|pause", "ignores everything when there are more words than it knows"),
    ("quit", "ignores everything"),
];

/// What a synopsis allows and a command refuses.
const EXCUSED: &[Excuse] = &[
    excuse("auth", "ERR AUTH <password> called without any password", "there is no password"),
    excuse("bgrewriteaof", "ERR this server keeps no files", "there is no folder"),
    excuse("bgsave", "ERR Background saving is currently not", "nothing is being saved"),
    excuse("bgsave", "ERR this server keeps no files", "there is no folder"),
    excuse(
        "sync",
        "ERR this server does not replicate",
        "is for a client that says it is no replica",
    ),
    excuse("save", "ERR this server keeps no files", "there is no folder"),
    excuse("bitop", "ERR BITOP DIFF must be", "is the difference of two at least"),
    excuse("bitop", "ERR BITOP DIFF1 must be", "is the difference of two at least"),
    excuse("bitop", "ERR BITOP ANDOR must be", "needs a second string"),
    excuse("client|caching", "ERR CLIENT CACHING can be called only", "nothing is tracked"),
    excuse("client|kill", "ERR No such client", "no client is at the address `1`"),
    excuse("client|tracking", "ERR The client ID you want redirect", "no client has the id 1"),
    excuse("client|tracking", "ERR PREFIX option requires BCAST", "needs another option"),
    excuse("client|tracking", "ERR Prefix '1' overlaps", "two prefixes must differ"),
    excuse("client|tracking", "ERR OPTIN and OPTOUT are not compatible", "exclude each other"),
    excuse("client|tracking", "ERR You can't specify both OPTIN", "exclude each other"),
    excuse("command|getkeys", "ERR Invalid number of arguments", "MGET has a key"),
    excuse("command|getkeysandflags", "ERR Invalid number of arguments", "MGET has a key"),
    excuse("config|set", "ERR CONFIG SET failed (possibly related", "two parameters must differ"),
    excuse("fcall", "ERR Function not found", "there is none"),
    excuse("fcall_ro", "ERR Function not found", "there is none"),
    excuse("function|delete", "ERR Library not found", "there is none"),
    excuse("function|kill", "NOTBUSY", "nothing runs"),
    excuse("function|load", "ERR Missing library metadata", "`1` is no code"),
    excuse("function|restore", "ERR DUMP payload version", "`1` is no payload"),
    excuse("georadius", "ERR STORE option in GEORADIUS is not", "exclude each other"),
    excuse("georadiusbymember", "ERR STORE option in GEORADIUS is not", "exclude each other"),
    excuse("geosearch", "ERR exactly one of FROMMEMBER", "only a polygon has a middle"),
    excuse("geosearch", "ERR wrong number of arguments", "only a polygon has a middle"),
    excuse("geosearch", "ERR syntax error", "a polygon has a middle").with("BYPOLYGON"),
    excuse("geosearchstore", "ERR exactly one of FROMMEMBER", "only a polygon has a middle"),
    excuse("geosearchstore", "ERR wrong number of arguments", "only a polygon has a middle"),
    excuse("geosearchstore", "ERR syntax error", "a polygon has a middle").with("BYPOLYGON"),
    excuse("latency|graph", "ERR No samples available", "nothing has been slow"),
    excuse("lcs", "ERR If you want both the length and indexes", "exclude each other"),
    excuse("migrate", "ERR When using MIGRATE KEYS option", "excludes a key before it"),
    excuse("migrate", "IOERR", "there is no other server"),
    excuse("object|freq", "ERR An LFU maxmemory policy is not selected", "needs a policy"),
    excuse("restore", "BUSYKEY", "only REPLACE takes a key that is there"),
    excuse("restore", "ERR syntax error", "exclude each other").with("FREQ"),
    excuse("restore", "ERR DUMP payload version", "`1` is no payload"),
    excuse("restore-asking", "BUSYKEY", "only REPLACE takes a key that is there"),
    excuse("restore-asking", "ERR syntax error", "exclude each other").with("FREQ"),
    excuse("restore-asking", "ERR DUMP payload version", "`1` is no payload"),
    excuse("script|kill", "NOTBUSY", "nothing runs"),
    excuse("waitaof", "ERR WAITAOF cannot be used when numlocal", "nothing is written to disk"),
    excuse("xadd", "ERR syntax error, LIMIT cannot be used", "needs another option"),
    excuse("xread", "ERR Unbalanced 'xread' list of streams", "each key has an id"),
    excuse("xreadgroup", "ERR Unbalanced 'xreadgroup' list of streams", "each key has an id"),
    excuse("xtrim", "ERR syntax error, LIMIT cannot be used", "needs another option"),
    excuse("zadd", "ERR GT, LT, and/or NX options", "exclude each other"),
    excuse("zadd", "ERR INCR option supports a single", "excludes a second member"),
    excuse("zrange", "ERR min or max not valid string range item", "`1` is no name").with("BYLEX"),
    excuse("zrange", "ERR syntax error, LIMIT is only supported", "needs another option"),
    excuse("zrange", "ERR syntax error, WITHSCORES not supported", "exclude each other"),
    excuse("zrangestore", "ERR min or max not valid string", "`1` is no name").with("BYLEX"),
    excuse("zrangestore", "ERR syntax error, LIMIT is only supported", "needs another option"),
];

/// An error of a command that is no fault.
struct Excuse {
    command: &'static str,
    /// A word that the sample has.
    word: Option<&'static str>,
    /// How the error begins.
    error: &'static str,
    /// Why it is right.
    _reason: &'static str,
}

const fn excuse(command: &'static str, error: &'static str, reason: &'static str) -> Excuse {
    Excuse { command, word: None, error, _reason: reason }
}

impl Excuse {
    const fn with(self, word: &'static str) -> Excuse {
        Excuse { word: Some(word), ..self }
    }

    fn holds(&self, row: &Row, said: &[String], reply: &str) -> bool {
        row.full_name == self.command
            && self.word.is_none_or(|word| said.iter().any(|said| said == word))
            && reply.strip_prefix('-').is_some_and(|error| error.starts_with(self.error))
    }
}

/// The commands that make a key of each type.
const DATA: &[&str] = &[
    "FLUSHALL",
    "SET string 1",
    "RPUSH list 1 2 3",
    "SADD set 1 2 3",
    "ZADD zset 1 1 2 2",
    "HSET hash 1 1 2 2",
    "GEOADD geo 1 1 1",
    "PFADD hll 1",
    "XADD stream 1-1 1 1",
    "XGROUP CREATE stream 1 0",
    #[cfg(feature = "lua")]
    "SCRIPT LOAD return",
];

/// A word of a sample.
#[derive(Debug, Clone, PartialEq)]
enum Word {
    Said(String),
    /// The first word of one of several, of an argument of this name.
    Item(String, String),
    /// How many items follow.
    Count,
}

type Words = Vec<Word>;

/// Every way to write the arguments, of which the first is the shortest: one option or alternative at a time,
/// and two options at a time.
fn samples(row: &Row, arguments: &[Argument]) -> Vec<Words> {
    let ways: Vec<Vec<Words>> = arguments.iter().map(|argument| ways(row, argument)).collect();
    let with = |chosen: &[(usize, &Words)]| -> Words {
        let pick = |at: usize| {
            let found = chosen.iter().find(|&&(index, _)| index == at).map(|&(_, words)| words);
            found.unwrap_or(&ways[at][0]).clone()
        };
        (0..ways.len()).flat_map(pick).collect()
    };
    let mut found = vec![with(&[])];
    for (at, one) in ways.iter().enumerate() {
        for words in &one[1..] {
            found.push(with(&[(at, words)]));
            for (other, second) in ways.iter().enumerate().skip(at + 1) {
                if arguments[at].optional || arguments[other].optional {
                    found
                        .extend(second[1..].iter().map(|more| with(&[(at, words), (other, more)])));
                }
            }
        }
    }
    found.retain(have_a_weight_each);
    found
}

/// Whether there are as many weights as keys, where there are any.
fn have_a_weight_each(words: &Words) -> bool {
    let items = |wanted: &str| {
        words.iter().filter(|word| matches!(word, Word::Item(name, _) if name == wanted)).count()
    };
    items("weight") == 0 || items("weight") == items("key")
}

/// Every way to write one argument, of which the first is the shortest: none at all if it is optional.
fn ways(row: &Row, argument: &Argument) -> Vec<Words> {
    let token = |words: &Words| -> Words {
        let token = argument.token.into_iter().flat_map(|token| token.split(' '));
        token.map(|word| Word::Said(word.to_owned())).chain(words.iter().cloned()).collect()
    };
    let values: Vec<Words> = match argument.kind {
        Kind::PureToken => vec![Vec::new()],
        Kind::OneOf => {
            let alternative =
                |one: &Argument| ways(row, &Argument { optional: false, ..one.clone() });
            argument.arguments.iter().flat_map(alternative).collect()
        }
        Kind::Block => samples(row, &argument.arguments),
        _ => vec![vec![value(row, argument)]],
    };
    let mut found = Vec::new();
    found.extend(argument.optional.then(Vec::new));
    if !argument.multiple {
        return found.into_iter().chain(values.iter().map(token)).collect();
    }
    let item = |words: &Words| -> Words {
        let words = words.iter().enumerate().map(|(at, word)| match word {
            Word::Said(word) if at == 0 => Word::Item(argument.name.clone(), word.clone()),
            word => word.clone(),
        });
        words.collect()
    };
    // A polygon has three vertices at least.
    let least = if argument.name == "vertices" { 3 } else { 1 };
    for words in &values {
        for times in [least, least + 1] {
            let repeated: Words = match argument.multiple_token {
                true => (0..times).flat_map(|_| token(&item(words))).collect(),
                false => token(&(0..times).flat_map(|_| item(words)).collect()),
            };
            found.push(repeated);
        }
    }
    found
}

/// A value for an argument, of which there is data.
fn value(row: &Row, argument: &Argument) -> Word {
    let word = match (row.full_name.as_str(), argument.name.as_str(), argument.kind) {
        _ if is_a_number_of_words(argument) => return Word::Count,
        (_, "destination" | "newkey", Kind::Key) => "new",
        (_, _, Kind::Key) => match row.group {
            "list" => "list",
            "set" => "set",
            "sorted-set" => "zset",
            "hash" => "hash",
            "geo" => "geo",
            "hyperloglog" => "hll",
            "stream" => "stream",
            _ if row.full_name.starts_with("sort") => "list",
            _ => "string",
        },
        ("acl|deluser", "username", _) => "bob",
        (_, "username" | "not-username", _) => "default",
        (_, "flags" | "not-flags", _) => "N",
        (_, "capa" | "not-capa", _) => "r",
        (_, "encoding", _) => "i8",
        ("scan", "type", _) => "string",
        ("hello", "protover", _) => "3",
        (_, "script", _) => "return",
        (_, "sha1", _) => "63143b6f8007b98c53ca2149822777b3566f9241",
        ("pfdebug", "subcommand", _) => "ENCODING",
        ("xgroup|create", "group", _) => "new",
        ("xadd", "id", _) => "99999999999999",
        ("xsetid", "last-id", _) => "2-0",
        ("acl|cat", ..) => "read",
        ("acl|dryrun", "command", _) => "info",
        ("acl|setuser", "rule", _) => "on",
        ("command|getkeys" | "command|getkeysandflags", "command", _) => "mget",
        ("config|set", "parameter", _) => "timeout",
        (name, "min" | "max", _) if name.contains("lex") => "[1",
        (_, _, Kind::UnixTime) => "99999999999",
        (_, _, Kind::Integer | Kind::Double) => "1",
        (_, _, Kind::Pattern) => "*",
        _ => "1",
    };
    Word::Said(word.to_owned())
}

/// The words as they are sent.
fn spelled(row: &Row, words: &Words) -> Vec<String> {
    let mut said: Vec<String> = row.full_name.split('|').map(str::to_uppercase).collect();
    for (at, word) in words.iter().enumerate() {
        said.push(match word {
            Word::Said(word) | Word::Item(_, word) => word.clone(),
            Word::Count => {
                let mut items = words[at..].iter().filter_map(|word| match word {
                    Word::Item(name, _) => Some(name),
                    _ => None,
                });
                let name = items.clone().next();
                items.by_ref().filter(|other| Some(*other) == name).count().to_string()
            }
        });
    }
    said
}

/// Whether there is no end to the words, or one may be any.
fn takes_any_word(arguments: &[Argument]) -> bool {
    let mut is_counted = false;
    arguments.iter().any(|argument| {
        let is_value = !matches!(argument.kind, Kind::PureToken | Kind::OneOf | Kind::Block);
        let is_open = argument.multiple && !is_counted && !argument.multiple_token
            || argument.optional && argument.token.is_none() && is_value
            || !argument.multiple && takes_any_word(&argument.arguments);
        is_counted = is_a_number_of_words(argument);
        is_open
    })
}

/// Whether an argument says how many words follow.
fn is_a_number_of_words(argument: &Argument) -> bool {
    ["numkeys", "numfields", "num-vertices", "numids"].contains(&argument.name.as_str())
}

/// A server with a key of each type, which a sample changes at will.
struct Server {
    local: Local,
    /// Whether a command has changed something since the keys were made.
    is_changed: bool,
}

impl Server {
    fn start() -> Server {
        let mut config = Config::default();
        config.apply_option("enable-debug-command", "yes").unwrap();
        Server { local: Local::new(config), is_changed: true }
    }

    /// What a new client is answered, when all data is there again.
    fn answer(&mut self, words: &[String]) -> String {
        let client = self.local.connect();
        for line in DATA.iter().filter(|_| self.is_changed) {
            self.local.send(client, &request(line.split(' ')));
        }
        self.local.received(client);
        self.local.send(client, &request(words));
        let reply = String::from_utf8_lossy(&self.local.received(client)).into_owned();
        self.local.finish(client);
        self.local.received(client);
        self.is_changed = !reply.starts_with('-');
        reply.lines().next().unwrap_or_default().to_owned()
    }
}

fn rows(table: &Table) -> impl Iterator<Item = &Row> {
    table.rows().filter(|row| {
        let is_skipped = |(name, _): &(&str, &str)| {
            row.full_name == *name || row.full_name.starts_with(&format!("{name}|"))
        };
        row.subcommands.is_empty() && !SKIPPED.iter().any(is_skipped)
    })
}

#[test]
fn a_command_takes_what_its_synopsis_allows() {
    let table = Table::new(groups());
    let mut refused = Vec::new();
    let (mut count, mut used) = (0, vec![false; EXCUSED.len()]);
    for row in rows(&table) {
        let mut server = Server::start();
        for words in samples(row, &synopsis::parse(row.spec.synopsis).unwrap()) {
            let said = spelled(row, &words);
            count += 1;
            let reply = server.answer(&said);
            if !reply.starts_with('-') {
                continue;
            }
            let excuse = EXCUSED.iter().position(|excuse| excuse.holds(row, &said, &reply));
            if let Some(at) = excuse {
                used[at] = true;
            } else {
                refused.push(format!("{} {reply}", said.join(" ")));
            }
        }
    }
    assert!(count > 1000, "{count} samples");
    let is_there = |excuse: &Excuse| table.named(excuse.command.as_bytes()).is_some();
    let unused = EXCUSED.iter().zip(used).filter(|&(excuse, used)| !used && is_there(excuse));
    let unused: Vec<_> = unused.map(|(excuse, _)| (excuse.command, excuse.error)).collect();
    assert!(unused.is_empty(), "excuses that nothing needs: {unused:?}");
    assert!(refused.is_empty(), "{} of {count}:\n{}", refused.len(), refused.join("\n"));
}

#[test]
fn a_command_takes_no_word_that_its_synopsis_does_not_know() {
    let table = Table::new(groups());
    let mut taken = Vec::new();
    // What is an option of one command may be one of another that its synopsis has forgotten.
    let mut tokens: Vec<&str> = rows(&table)
        .flat_map(|row| synopsis::tokens(&synopsis::parse(row.spec.synopsis).unwrap()))
        .chain([UNKNOWN])
        .filter(|token| !token.is_empty())
        .collect();
    tokens.sort_unstable();
    tokens.dedup();
    for row in rows(&table) {
        let arguments = synopsis::parse(row.spec.synopsis).unwrap();
        let takes_more = TAKE_MORE.iter().any(|(name, _)| *name == row.full_name);
        if takes_more || takes_any_word(&arguments) {
            continue;
        }
        let ways: Vec<Words> = arguments.iter().map(|one| ways(row, one)[0].clone()).collect();
        let own = synopsis::tokens(&arguments);
        let unknown = tokens.iter().filter(|token| !own.contains(token));
        let mut server = Server::start();
        for place in (0..=ways.len()).filter(|&at| at == ways.len() || arguments[at].optional) {
            for (token, values) in unknown.clone().flat_map(|token| (0..3).map(move |n| (token, n)))
            {
                let option = token.split(' ').chain(std::iter::repeat_n("1", values));
                let mut words: Words = ways[..place].concat();
                words.extend(option.map(|word| Word::Said(word.to_owned())));
                words.extend(ways[place..].concat());
                let said = spelled(row, &words);
                let reply = server.answer(&said);
                if !reply.starts_with('-') {
                    taken.push(format!("{} {reply}", said.join(" ")));
                }
            }
        }
    }
    assert!(taken.is_empty(), "{}", taken.join("\n"));
}
