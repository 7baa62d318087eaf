//! Synopses: one line that a person reads, and the argument tree that clients ask for.
//!
//! Every row of the command table carries its arguments as one string, written the way manuals
//! write them. [`parse`] turns it into the tree that COMMAND DOCS answers with; [`render`] turns
//! the tree back into the plain form that HELP and `docs/commands.md` show. Nothing here runs while
//! commands are served: a synopsis is parsed when COMMAND DOCS or HELP shows it, and a test parses
//! every row, so a mistake in one is found before it ships.
//!
//! # How a synopsis is written
//!
//! | written | means |
//! |---|---|
//! | `value` | an argument of that name; its type follows from the name, see [`Kind::of_name`] |
//! | `value:integer` | the same, of the type given |
//! | `NX` | a pure token: the word itself is the argument, named `nx` |
//! | `EX seconds` | an argument with a token before it |
//! | `[GET]` | optional |
//! | `key...` | one or more |
//! | `(GET pattern)...` | one or more, and the token is repeated with each |
//! | `(field value)...` | a block: several arguments that belong together |
//! | `LIMIT offset count` | in a group: a block with a token before it |
//! | `(LEFT \| RIGHT)` | one of these |
//! | `(where: LEFT \| RIGHT)` | the same, named; a name stands first in its group |
//!
//! A group that has no name of its own is named after its token, and a block without a token is
//! `data`. A single element in parentheses is that element. To give the token at the start of a
//! block to the block's first argument only, put the two in parentheses: `[(COUNT count) [ANY]]`.
//!
//! Facts that a reader seldom needs are attached without a space, to a word or to the bracket that
//! closes its group, in this order:
//!
//! | written | means |
//! |---|---|
//! | `addr<ip:port>` | is shown as `ip:port` |
//! | `key#0` | belongs to key specification 0; otherwise keys count 0, 1, 2 … from the left |
//! | `[GET]@6.2` | exists since 6.2.0 |
//! | `old-format!2.8.12` | deprecated since 2.8.12 |
//!
//! ```text
//! synopsis = { element }
//! element  = ( word | TOKEN | TOKEN word | TOKEN group | group ) [ "..." ] [ since ]
//! group    = "(" choice ")" | "[" choice "]"
//! choice   = [ name ":" ] element { element } { "|" element { element } }
//! word     = name [ "<" shown ">" ] [ ":" type ] [ "#" index ] [ since ]
//! since    = [ "@" version ] [ "!" version ]
//! ```

use std::fmt;

/// One node of the tree that COMMAND DOCS shows under `arguments`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// The name; unique among its siblings, and what clients use for a parameter.
    pub name: String,
    /// What a value for it looks like.
    pub kind: Kind,
    /// The word that comes before the value, or that is the whole argument.
    pub token: Option<&'static str>,
    /// Which of the command's key specifications finds this argument.
    pub key_spec_index: Option<u8>,
    /// The first version that has it, when that is later than the command itself.
    pub since: Option<String>,
    /// The version from which it should no longer be used.
    pub deprecated_since: Option<String>,
    /// May be left out.
    pub optional: bool,
    /// May be given several times.
    pub multiple: bool,
    /// When given several times, the token comes before each.
    pub multiple_token: bool,
    /// What is shown for it where that is not its name; see [`Argument::display_text`].
    pub display: Option<&'static str>,
    /// The parts of a block, or the alternatives of a choice; else empty.
    pub arguments: Vec<Argument>,
}

/// The type of an argument, by the names that COMMAND DOCS gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    String,
    Integer,
    Double,
    Key,
    /// A glob.
    Pattern,
    /// Seconds or milliseconds since 1970.
    UnixTime,
    /// A fixed word without a value.
    PureToken,
    /// Exactly one of the children.
    OneOf,
    /// All of the children, in order.
    Block,
}

/// Why a synopsis cannot be read. The text names the offending piece of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mistake {
    /// It stops inside a group.
    UnexpectedEnd,
    /// This cannot stand where it stands.
    Unexpected(&'static str),
    /// There is no such type.
    UnknownType(&'static str),
    /// Not a number of a key specification.
    BadIndex(&'static str),
    /// A choice without a name or a token to take one from.
    Unnamed,
    /// This name was given to something that already has one.
    NamedTwice(&'static str),
    /// Groups stand in groups more than [`DEEPEST`] deep.
    TooDeep,
}

/// How deep groups may stand in groups: deeper than commands need, and not so deep that the stack ends.
const DEEPEST: usize = 32;

/// Reads a synopsis.
pub fn parse(synopsis: &'static str) -> Result<Vec<Argument>, Mistake> {
    let mut parser = Parser { lexemes: lexemes(synopsis), next: 0, depth: 0 };
    let mut arguments = Vec::new();
    while parser.peek().is_some() {
        arguments.push(parser.element()?.argument);
    }
    let mut key_specs = 0;
    for argument in &mut arguments {
        argument.settle(&mut key_specs)?;
    }
    Ok(arguments)
}

/// Writes the plain form: `key value [NX | XX] [GET] [EX seconds | PX milliseconds]`.
pub fn render(arguments: &[Argument]) -> String {
    arguments.iter().map(Argument::rendered).collect::<Vec<_>>().join(" ")
}

/// The tree without what was never there according to `version_of`, which is asked for the name and the version of
/// each argument that came later than its command, and tells the version to show. Its name is its token, if it has one.
pub(crate) fn pruned(
    arguments: Vec<Argument>,
    version_of: &impl Fn(&str, &str) -> Option<String>,
) -> Vec<Argument> {
    let mut left = arguments;
    left.retain_mut(|argument| {
        let Some(since) = argument.since.take() else {
            return true;
        };
        argument.since = version_of(argument.token.unwrap_or(&argument.name), &since);
        argument.since.is_some()
    });
    for argument in &mut left {
        argument.arguments = pruned(std::mem::take(&mut argument.arguments), version_of);
    }
    left
}

/// Every token of the tree.
pub fn tokens(arguments: &[Argument]) -> Vec<&'static str> {
    let of_one = |argument: &Argument| {
        argument.token.into_iter().chain(tokens(&argument.arguments)).collect::<Vec<_>>()
    };
    arguments.iter().flat_map(of_one).collect()
}

/// How many words arguments take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    pub least: usize,
    /// Nothing if there is no end to them.
    pub most: Option<usize>,
}

impl Words {
    pub fn of_all(arguments: &[Argument]) -> Words {
        arguments.iter().map(Words::of).fold(Words { least: 0, most: Some(0) }, |sum, one| Words {
            least: sum.least + one.least,
            most: sum.most.zip(one.most).map(|(sum, one)| sum + one),
        })
    }

    fn of(argument: &Argument) -> Words {
        let token = argument.token.map_or(0, |token| token.split(' ').count());
        let value = match argument.kind {
            Kind::PureToken => Words { least: 0, most: Some(0) },
            Kind::Block => Words::of_all(&argument.arguments),
            Kind::OneOf => Words::of_one(&argument.arguments),
            _ => Words { least: 1, most: Some(1) },
        };
        Words {
            least: if argument.optional { 0 } else { token + value.least },
            most: value.most.filter(|_| !argument.multiple).map(|most| token + most),
        }
    }

    /// An alternative is there if it is the one chosen, optional or not.
    fn of_one(alternatives: &[Argument]) -> Words {
        let chosen = |one: &Argument| Words::of(&Argument { optional: false, ..one.clone() });
        alternatives
            .iter()
            .map(chosen)
            .reduce(|a, b| Words {
                least: a.least.min(b.least),
                most: a.most.zip(b.most).map(|(a, b)| a.max(b)),
            })
            .unwrap_or(Words { least: 0, most: Some(0) })
    }
}

impl Argument {
    /// What stands for the value in a synopsis. Groups have none: they show their parts.
    pub(crate) fn display_text(&self) -> Option<&str> {
        match self.kind {
            Kind::OneOf | Kind::Block => None,
            _ => Some(self.display.unwrap_or(&self.name)),
        }
    }

    fn new(kind: Kind) -> Argument {
        Argument {
            name: String::new(),
            kind,
            token: None,
            key_spec_index: None,
            since: None,
            deprecated_since: None,
            optional: false,
            multiple: false,
            multiple_token: false,
            display: None,
            arguments: Vec::new(),
        }
    }

    /// Fills in what follows from the whole: the names not given, and the numbers of the keys.
    fn settle(&mut self, key_specs: &mut u8) -> Result<(), Mistake> {
        if self.name.is_empty() {
            self.name = match (self.token, self.kind) {
                (Some(""), _) => "empty-string".to_owned(),
                (Some(token), _) => token.to_ascii_lowercase(),
                (None, Kind::Block) => "data".to_owned(),
                (None, _) => return Err(Mistake::Unnamed),
            };
        }
        if self.kind == Kind::Key && self.key_spec_index.is_none() {
            self.key_spec_index = Some(*key_specs);
            *key_specs += 1;
        }
        self.arguments.iter_mut().try_for_each(|argument| argument.settle(key_specs))
    }

    fn rendered(&self) -> String {
        let value = match self.kind {
            Kind::PureToken => String::new(),
            Kind::Block => render(&self.arguments),
            Kind::OneOf => {
                let choice = self.arguments.iter().map(Argument::rendered).collect::<Vec<_>>();
                let choice = choice.join(" | ");
                // The brackets of an optional choice already hold it together.
                let held = self.optional && self.token.is_none() && !self.multiple;
                if held { choice } else { format!("<{choice}>") }
            }
            _ => self.display_text().unwrap_or_default().to_owned(),
        };
        let whole = match self.token {
            None => value.clone(),
            Some("") => "\"\"".to_owned(),
            Some(token) if value.is_empty() => token.to_owned(),
            Some(token) => format!("{token} {value}"),
        };
        let again = if self.multiple_token { &whole } else { &value };
        let all = match (self.multiple, self.kind) {
            (false, _) => whole,
            // A choice is too long to be written twice.
            (true, Kind::OneOf) => format!("{whole} ..."),
            (true, _) => format!("{whole} [{again} ...]"),
        };
        if self.optional { format!("[{all}]") } else { all }
    }
}

impl Kind {
    /// The name of the type in COMMAND DOCS.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::Integer => "integer",
            Kind::Double => "double",
            Kind::Key => "key",
            Kind::Pattern => "pattern",
            Kind::UnixTime => "unix-time",
            Kind::PureToken => "pure-token",
            Kind::OneOf => "oneof",
            Kind::Block => "block",
        }
    }

    /// The type of an argument that says nothing but its name. These names mean the same thing
    /// wherever they occur; every other name is a string.
    pub(crate) fn of_name(name: &str) -> Kind {
        match name {
            "key" | "newkey" | "key1" | "key2" | "source" | "destination" | "src" | "dst"
            | "sourcekey" | "destkey" | "storekey" | "storedistkey" | "keys" => Kind::Key,
            "count" | "cursor" | "numkeys" | "numfields" | "offset" | "index" | "start"
            | "stop" | "end" | "seconds" | "milliseconds" | "client-id" | "not-client-id"
            | "db" | "not-db" | "destination-db" | "index1" | "index2" | "idle" | "maxage"
            | "port" | "slot" | "start-slot" | "end-slot" | "numreplicas" | "numlocal" | "ttl"
            | "frequency" | "increment" | "decrement" | "weight" | "num-vertices" | "protover"
            | "rank" | "num-matches" | "min-match-len" | "bits" => Kind::Integer,
            "longitude" | "latitude" | "radius" | "width" | "height" | "score" => Kind::Double,
            "pattern" | "by-pattern" | "get-pattern" | "match-pattern" => Kind::Pattern,
            "unix-time-seconds" | "unix-time-milliseconds" => Kind::UnixTime,
            _ => Kind::String,
        }
    }

    /// A type that can be written after a name. Tokens and groups have a form of their own.
    fn named(name: &'static str) -> Result<Kind, Mistake> {
        [Kind::String, Kind::Integer, Kind::Double, Kind::Key, Kind::Pattern, Kind::UnixTime]
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or(Mistake::UnknownType(name))
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mistake::UnexpectedEnd => write!(f, "a group is not closed"),
            Mistake::Unexpected(piece) => write!(f, "'{piece}' cannot stand here"),
            Mistake::UnknownType(name) => write!(f, "no type is called '{name}'"),
            Mistake::BadIndex(index) => write!(f, "'{index}' is not a key specification's number"),
            Mistake::Unnamed => write!(f, "a choice needs a name"),
            Mistake::NamedTwice(name) => write!(f, "'{name}' names what already has a name"),
            Mistake::TooDeep => write!(f, "groups are more than {DEEPEST} deep"),
        }
    }
}

impl std::error::Error for Mistake {}

/// A piece of a synopsis. What is attached to a word or a closing bracket is a piece of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lexeme(Sort, &'static str);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// `(`, `[`, `)`, `]`, `|` or `...`
    Mark,
    /// `name:` with nothing after the colon, which is dropped.
    Label,
    /// A word in upper case, or a sign used as one; `""` is the empty token.
    Token,
    /// A name with its display text, type and index, still in one piece.
    Word,
    /// `@version`, without the sign.
    Since,
    /// `!version`, without the sign.
    Deprecated,
}

fn lexemes(synopsis: &'static str) -> Vec<Lexeme> {
    let mut found = Vec::new();
    let mut rest = synopsis.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '(' | ')' | '[' | ']' | '|' => 1,
            '.' if rest.starts_with("...") => 3,
            // The sign that opens an attachment may not end the piece it opens.
            _ => {
                let mut others = rest.char_indices().skip(1);
                others.find(|&(_, c)| ends_piece(c)).map_or(rest.len(), |(at, _)| at)
            }
        };
        // A word ends before the dots that follow it; a version has single dots.
        let end = rest[..end].find("...").filter(|&at| at > 0).unwrap_or(end);
        let (piece, after) = rest.split_at(end);
        found.push(match first {
            '(' | ')' | '[' | ']' | '|' | '.' => Lexeme(Sort::Mark, piece),
            '@' => Lexeme(Sort::Since, &piece[1..]),
            '!' => Lexeme(Sort::Deprecated, &piece[1..]),
            '"' => Lexeme(Sort::Token, ""),
            '$' | '*' | '~' | '=' | 'A'..='Z' => Lexeme(Sort::Token, piece),
            _ => match piece.strip_suffix(':') {
                Some(label) => Lexeme(Sort::Label, label),
                None => Lexeme(Sort::Word, piece),
            },
        });
        rest = after.trim_start();
    }
    found
}

fn ends_piece(c: char) -> bool {
    c.is_whitespace() || "()[]|@!".contains(c)
}

struct Parser {
    lexemes: Vec<Lexeme>,
    next: usize,
    /// How many groups it is in.
    depth: usize,
}

/// An argument, and what its neighbours must know to decide whether they form a block.
struct Element {
    argument: Argument,
    /// It is `TOKEN value`, not in parentheses: the token is the block's if there is one.
    lends_token: bool,
}

impl Parser {
    fn peek(&self) -> Option<Lexeme> {
        self.lexemes.get(self.next).copied()
    }

    fn take(&mut self, mark: &'static str) -> bool {
        let found = self.peek() == Some(Lexeme(Sort::Mark, mark));
        self.next += usize::from(found);
        found
    }

    fn element(&mut self) -> Result<Element, Mistake> {
        let grouped = self.peek() == Some(Lexeme(Sort::Mark, "("));
        let lexeme = self.peek().ok_or(Mistake::UnexpectedEnd)?;
        let mut lends_token = false;
        let mut argument = match lexeme {
            Lexeme(Sort::Token, token) => {
                self.next += 1;
                let mut argument = match self.peek() {
                    Some(Lexeme(Sort::Word, _) | Lexeme(Sort::Mark, "(")) => {
                        lends_token = true;
                        self.value()?
                    }
                    _ => Argument::new(Kind::PureToken),
                };
                argument.token = Some(token);
                argument
            }
            _ => self.value()?,
        };
        if self.take("...") {
            argument.multiple = true;
            argument.multiple_token = grouped && argument.token.is_some();
        }
        if let Some(Lexeme(Sort::Since, version)) = self.peek() {
            self.next += 1;
            argument.since = Some(full_version(version));
        }
        if let Some(Lexeme(Sort::Deprecated, version)) = self.peek() {
            self.next += 1;
            argument.deprecated_since = Some(full_version(version));
        }
        Ok(Element { argument, lends_token })
    }

    /// A word or a group.
    fn value(&mut self) -> Result<Argument, Mistake> {
        let lexeme = self.peek().ok_or(Mistake::UnexpectedEnd)?;
        self.next += 1;
        match lexeme {
            Lexeme(Sort::Word, text) => word(text),
            Lexeme(Sort::Mark, "(") => self.choice(")"),
            Lexeme(Sort::Mark, "[") => {
                let mut argument = self.choice("]")?;
                argument.optional = true;
                Ok(argument)
            }
            other => Err(Mistake::Unexpected(other.1)),
        }
    }

    /// What stands in a group, and the bracket that closes it.
    fn choice(&mut self, close: &'static str) -> Result<Argument, Mistake> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Mistake::TooDeep);
        }
        let label = match self.peek() {
            Some(Lexeme(Sort::Label, label)) => {
                self.next += 1;
                Some(label)
            }
            _ => None,
        };
        let mut argument = self.alternative()?;
        if self.peek() == Some(Lexeme(Sort::Mark, "|")) {
            let mut choice = Argument::new(Kind::OneOf);
            choice.arguments.push(argument);
            while self.take("|") {
                choice.arguments.push(self.alternative()?);
            }
            argument = choice;
        }
        match self.peek() {
            Some(Lexeme(Sort::Mark, mark)) if mark == close => self.next += 1,
            Some(other) => return Err(Mistake::Unexpected(other.1)),
            None => return Err(Mistake::UnexpectedEnd),
        }
        match label {
            Some(label) if !argument.name.is_empty() => return Err(Mistake::NamedTwice(label)),
            Some(label) => argument.name = label.to_owned(),
            None => {}
        }
        self.depth -= 1;
        Ok(argument)
    }

    /// One element, or several that make a block.
    fn alternative(&mut self) -> Result<Argument, Mistake> {
        let mut first = self.element()?;
        let mut block = Argument::new(Kind::Block);
        while !matches!(self.peek(), None | Some(Lexeme(Sort::Mark, "|" | ")" | "]"))) {
            block.arguments.push(self.element()?.argument);
        }
        if block.arguments.is_empty() {
            return Ok(first.argument);
        }
        if first.lends_token {
            block.token = first.argument.token.take();
        }
        block.arguments.insert(0, first.argument);
        Ok(block)
    }
}

/// `name<shown>:type#index`
fn word(text: &'static str) -> Result<Argument, Mistake> {
    let (text, index) = cut(text, '#');
    // A display text may hold a colon of its own.
    let (text, kind) = if text.ends_with('>') { (text, None) } else { cut(text, ':') };
    let (name, display) = cut(text, '<');
    let mut argument = Argument::new(match kind {
        Some(kind) => Kind::named(kind)?,
        None => Kind::of_name(name),
    });
    argument.name = name.to_owned();
    argument.display = display.map(|shown| shown.trim_end_matches('>'));
    argument.key_spec_index = match index {
        Some(index) => Some(index.parse().map_err(|_| Mistake::BadIndex(index))?),
        None => None,
    };
    Ok(argument)
}

/// Splits off what is attached behind the last `sign`.
fn cut(text: &'static str, sign: char) -> (&'static str, Option<&'static str>) {
    match text.rsplit_once(sign) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// Versions are written without a patch level of zero.
fn full_version(version: &str) -> String {
    match version.matches('.').count() {
        1 => format!("{version}.0"),
        _ => version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree in one line: `token=name:type#index`, children in braces, flags as `?`, `*`, `+`.
    fn tree(synopsis: &'static str) -> String {
        fn lines(arguments: &[Argument]) -> String {
            arguments.iter().map(line).collect::<Vec<_>>().join(" ")
        }
        fn line(argument: &Argument) -> String {
            let mut line = argument.token.map(|token| format!("{token}=")).unwrap_or_default();
            line += &format!("{}:{}", argument.name, argument.kind.as_str());
            line += &argument.key_spec_index.map(|index| format!("#{index}")).unwrap_or_default();
            if !argument.arguments.is_empty() {
                line += &format!("{{{}}}", lines(&argument.arguments));
            }
            line += if argument.optional { "?" } else { "" };
            line += if argument.multiple { "*" } else { "" };
            line += if argument.multiple_token { "+" } else { "" };
            line
        }
        lines(&parse(synopsis).unwrap())
    }

    fn plain(synopsis: &'static str) -> String {
        render(&parse(synopsis).unwrap())
    }

    #[test]
    fn a_name_brings_its_type() {
        assert_eq!(tree(""), "");
        assert_eq!(tree("key value"), "key:key#0 value:string");
        assert_eq!(tree("key start:string"), "key:key#0 start:string");
    }

    #[test]
    fn a_token_stands_alone_or_before_a_value() {
        assert_eq!(tree("[GET]"), "GET=get:pure-token?");
        assert_eq!(tree("[EX seconds]"), "EX=seconds:integer?");
        assert_eq!(tree("[change: CH]"), "CH=change:pure-token?");
        assert_eq!(tree("(no-one: NO ONE)"), "no-one:block{NO=no:pure-token ONE=one:pure-token}");
        assert_eq!(tree("[(none: \"\")]"), "=none:pure-token?");
    }

    #[test]
    fn a_block_takes_the_token_it_begins_with() {
        assert_eq!(tree("[LIMIT x count]"), "LIMIT=limit:block{x:string count:integer}?");
        assert_eq!(tree("[ab: (A a) [B]]"), "ab:block{A=a:string B=b:pure-token?}?");
        assert_eq!(tree("[ab: A [B b]]"), "ab:block{A=a:pure-token B=b:string?}?");
        assert_eq!(tree("(field value)..."), "data:block{field:string value:string}*");
    }

    #[test]
    fn a_token_is_repeated_when_it_stands_inside_the_repeated_group() {
        assert_eq!(tree("[ID client-id...]"), "ID=client-id:integer?*");
        assert_eq!(tree("[(GET pattern)...]"), "GET=pattern:pattern?*+");
        assert_eq!(tree("(ADD name value)..."), "ADD=add:block{name:string value:string}*+");
    }

    #[test]
    fn a_choice_is_named_by_its_label_or_its_token() {
        assert_eq!(tree("(sign: PLUS | x)"), "sign:oneof{PLUS=plus:pure-token x:string}");
        assert_eq!(tree("[SKIP (YES | x)]"), "SKIP=skip:oneof{YES=yes:pure-token x:string}?");
        assert_eq!(tree("[how: SKIP (YES | x)]"), "SKIP=how:oneof{YES=yes:pure-token x:string}?");
        assert_eq!(
            tree("[from: MEMBER member | LONLAT longitude latitude]"),
            "from:oneof{MEMBER=member:string \
             LONLAT=lonlat:block{longitude:double latitude:double}}?"
        );
    }

    #[test]
    fn keys_are_numbered_from_the_left_unless_they_say_otherwise() {
        assert_eq!(tree("source destination"), "source:key#0 destination:key#1");
        assert_eq!(tree("key1 key2#0"), "key1:key#0 key2:key#0");
        assert_eq!(tree("numfields#0"), "numfields:integer#0");
    }

    #[test]
    fn attachments_say_what_a_reader_seldom_needs() {
        let arguments = parse("[ADDR addr<ip:port>]@6.2 old<ip:port>:pattern#3!2.8.12").unwrap();
        assert_eq!(arguments[0].display_text(), Some("ip:port"));
        assert_eq!(arguments[0].kind, Kind::String);
        assert_eq!(arguments[0].since.as_deref(), Some("6.2.0"));
        assert_eq!(arguments[1].name, "old");
        assert_eq!(arguments[1].kind, Kind::Pattern);
        assert_eq!(arguments[1].key_spec_index, Some(3));
        assert_eq!(arguments[1].deprecated_since.as_deref(), Some("2.8.12"));
        let choice = &parse("[condition: NX@2.6.12 | IFEQ value@8.1]").unwrap()[0].arguments;
        assert_eq!(choice[0].since.as_deref(), Some("2.6.12"));
        assert_eq!(choice[1].since.as_deref(), Some("8.1.0"));
    }

    #[test]
    fn the_plain_form_shows_no_names_of_groups() {
        assert_eq!(
            plain("key value [condition: NX@2.6.12 | IFEQ comparison-value@8.1] [GET]@6.2"),
            "key value [NX | IFEQ comparison-value] [GET]"
        );
        assert_eq!(plain("key (where: LEFT | RIGHT)"), "key <LEFT | RIGHT>");
        assert_eq!(plain("[SKIPME (YES | NO)]"), "[SKIPME <YES | NO>]");
        assert_eq!(plain("(key value)..."), "key value [key value ...]");
        assert_eq!(plain("[ID client-id...]"), "[ID client-id [client-id ...]]");
        assert_eq!(plain("[(GET get-pattern<pattern>)...]"), "[GET pattern [GET pattern ...]]");
        assert_eq!(plain("[some: (COUNT count) [ANY]]"), "[COUNT count [ANY]]");
        assert_eq!(plain("(filter: A a | B b)..."), "<A a | B b> ...");
    }

    #[test]
    fn a_mistake_names_the_piece_it_is_about() {
        assert_eq!(parse("[key"), Err(Mistake::UnexpectedEnd));
        assert_eq!(parse("(key]"), Err(Mistake::Unexpected("]")));
        assert_eq!(parse("key | value"), Err(Mistake::Unexpected("|")));
        assert_eq!(parse("[]"), Err(Mistake::Unexpected("]")));
        assert_eq!(parse("key:text"), Err(Mistake::UnknownType("text")));
        assert_eq!(parse("key#one"), Err(Mistake::BadIndex("one")));
        assert_eq!(parse("(LEFT | RIGHT)"), Err(Mistake::Unnamed));
        assert_eq!(parse("[name: key]"), Err(Mistake::NamedTwice("name")));
        let nested = |depth| -> &'static str {
            format!("{}a{}", "[".repeat(depth), "]".repeat(depth)).leak()
        };
        assert!(parse(nested(DEEPEST)).is_ok());
        assert_eq!(parse(nested(DEEPEST + 1)), Err(Mistake::TooDeep));
        assert!(
            parse("[a] ".repeat(DEEPEST + 1).leak()).is_ok(),
            "those side by side are not deep"
        );
    }
}
