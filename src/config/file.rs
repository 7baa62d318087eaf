//! The configuration file, and the command line, which is read as if it were the file's last lines.
//!
//! A line is a directive's name and its words, quoted as redis-cli quotes them. Blank lines and those
//! that start with `#` say nothing; there are no comments at the end of a line. A later line has the
//! last word, except that `user` lines add up and `client-output-buffer-limit` changes only the
//! classes it names. Two directives exist in files only: `user`, and `include PATH`, which reads
//! another file at that point. A relative path begins in the folder of `dir`, as far as that has been read, or else in
//! the working directory; its last part may be a pattern, which may match nothing.
//!
//! How the files of an `include` are found and read, [`Includes`] says: here is text only.
//!
//! Anything that is not understood is an error that names its line, and reading goes on, so that all errors are told
//! at once, also those that a start would find in what is right. Unknown directives may be let pass (`unknown-directives warn`, wherever it stands). The text of a line
//! is shown only when its directive is known to hold no secret.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::directive::UNBALANCED_QUOTES;
use super::file_only::{FILE_ONLY, Fate, is_include, is_rename, is_user};
use super::place::{LoadError, LoadErrors, Place, Reason};
use super::settings::Config;
use super::suggestion;
use super::table;
use super::value::{DisabledCommand, UnknownDirectives, UserLine};
use crate::text::quote;

pub(crate) const BAD_DIRECTIVE: &str = "Bad directive or wrong number of arguments";

/// How many files deep an `include` may lie. A file that includes itself runs into this.
const DEEPEST: usize = 16;
/// So many mistakes are told, and the others counted: the file is likely to be no configuration at all.
const MOST_MISTAKES: usize = 1000;

/// Finds and reads the files that `include` names.
pub(crate) trait Includes {
    /// The files that `pattern` names, sorted. Without a wildcard that is one, whether it exists or not.
    fn named(&self, pattern: &[u8]) -> Result<Vec<PathBuf>, Reason>;

    /// The content of one of them.
    fn read(&self, file: &Path) -> Result<Vec<u8>, Reason>;
}

impl Config {
    /// The defaults, changed by `text`, which is the content of `file`.
    pub(crate) fn parse(
        file: &Path,
        text: &[u8],
        includes: &dyn Includes,
    ) -> Result<Config, LoadErrors> {
        let mut config = Config::default();
        config.read_file(file, text, includes)?;
        Ok(config)
    }

    /// Changes this configuration by `text`, which is the content of `file`. What is wrong is left out, and all told.
    pub(crate) fn read_file(
        &mut self,
        file: &Path,
        text: &[u8],
        includes: &dyn Includes,
    ) -> Result<(), LoadErrors> {
        let mut reader = Reader::new(self, includes);
        // Reading goes on behind a mistake; what stopped it is one of them.
        let _ = reader.read_text(file, text, 1);
        reader.finish()
    }

    /// Changes this configuration by the files that `pattern` names, from the command line. What is wrong is left out,
    /// and all told.
    pub(crate) fn read_included(
        &mut self,
        pattern: &[u8],
        includes: &dyn Includes,
    ) -> Result<(), LoadErrors> {
        let line = [b"include ", pattern].concat();
        let mut reader = Reader::new(self, includes);
        match reader.find(pattern, 1) {
            Ok(files) => {
                // As above.
                let _ = files.iter().try_for_each(|(file, text)| reader.read_text(file, text, 2));
            }
            Err(wrong) => {
                reader.add(
                    LoadError::new(Place::CommandLine, shown(&line), wrong.reason(b"")),
                    false,
                );
            }
        }
        reader.finish()
    }

    /// Changes one directive from the command line: `-o name=value`, `--port 7000`.
    ///
    /// The value needs no quotes but the shell's; that of a list has its words separated by spaces.
    pub fn apply_option(&mut self, name: &str, value: &str) -> Result<(), LoadError> {
        let refused = |reason| {
            LoadError::new(Place::CommandLine, shown(format!("{name} {value}").as_bytes()), reason)
        };
        let user_words;
        let words = match table::find(name.as_bytes()) {
            Some((_, directive)) => directive.words(value.as_bytes()),
            None => {
                user_words = split(value.as_bytes()).map_err(refused)?;
                user_words.iter().map(Vec::as_slice).collect()
            }
        };
        read_directive(self, name.as_bytes(), &words, &Place::CommandLine)
            .map_err(|wrong| refused(wrong.reason(name.as_bytes())))
    }
}

impl Config {
    /// Changes one directive, whose words are separate, from the command line: `--save 3600 1 300 100`. `line` is its
    /// name, behind which values may follow as in a line of a file. One value alone is read as
    /// [`Config::apply_option`] reads it. An unknown one may be let pass, as in a file.
    pub fn apply_words(&mut self, line: &[u8], words: &[&[u8]]) -> Result<(), LoadError> {
        let refused = |reason| LoadError::new(Place::CommandLine, shown(line), reason);
        let in_line = split(line).map_err(refused)?;
        let (name, in_line) = in_line.split_first().ok_or_else(|| refused(BAD_DIRECTIVE.into()))?;
        let words: Vec<&[u8]> =
            in_line.iter().map(Vec::as_slice).chain(words.iter().copied()).collect();
        let in_one;
        let words = match (table::find(name), &words[..]) {
            (Some((_, directive)), [value]) => directive.words(value),
            (None, [value]) if is_user(name) => {
                in_one = split(value).map_err(refused)?;
                in_one.iter().map(Vec::as_slice).collect()
            }
            _ => words,
        };
        let text = [&name[..], &words.join(&b" "[..])].join(&b" "[..]);
        let refused = |reason| LoadError::new(Place::CommandLine, shown(&text), reason);
        match read_directive(self, name, &words, &Place::CommandLine) {
            Ok(()) => {}
            Err(Wrong::Unknown) if self.unknown_directives == UnknownDirectives::Warn => {
                self.without_effect.unknown.push(refused(Wrong::Unknown.reason(name)));
            }
            Err(wrong) => return Err(refused(wrong.reason(name))),
        }
        Ok(())
    }
}

/// Reads a file and those it includes, and collects what is wrong with them.
struct Reader<'a> {
    config: &'a mut Config,
    includes: &'a dyn Includes,
    wrong: Mistakes,
    /// Lines whose directive is not known, which the configuration may let pass.
    unknown: Mistakes,
}

/// What is wrong, in the order of the lines, and how many there are beyond what is kept.
#[derive(Default)]
struct Mistakes {
    errors: Vec<(usize, LoadError)>,
    more: usize,
}

/// The files are no use beyond this mistake: they include one another.
struct Stopped;

impl<'a> Reader<'a> {
    fn new(config: &'a mut Config, includes: &'a dyn Includes) -> Reader<'a> {
        Reader { config, includes, wrong: Mistakes::default(), unknown: Mistakes::default() }
    }

    fn read_text(&mut self, file: &Path, text: &[u8], depth: usize) -> Result<(), Stopped> {
        for (line, number) in text.split(|&byte| byte == b'\n').zip(1..) {
            let place = Place::Line { file: file.to_owned(), number };
            match self.read_line(line, &place, depth) {
                Ok(included) => {
                    for (file, text) in included {
                        self.read_text(&file, &text, depth + 1)?;
                    }
                }
                Err(wrong) => {
                    let is_unknown = matches!(wrong, Wrong::Unknown);
                    let is_last = matches!(wrong, Wrong::TooDeep);
                    if self.is_full(is_unknown) {
                        self.of_kind(is_unknown).more += 1;
                    } else {
                        let name = split(line).ok().and_then(|words| words.into_iter().next());
                        let reason = wrong.reason(&name.unwrap_or_default());
                        self.add(LoadError::new(place, shown(line), reason), is_unknown);
                    }
                    if is_last {
                        return Err(Stopped);
                    }
                }
            }
        }
        Ok(())
    }

    fn of_kind(&mut self, is_unknown: bool) -> &mut Mistakes {
        if is_unknown { &mut self.unknown } else { &mut self.wrong }
    }

    fn is_full(&mut self, is_unknown: bool) -> bool {
        self.of_kind(is_unknown).errors.len() >= MOST_MISTAKES
    }

    fn add(&mut self, error: LoadError, is_unknown: bool) {
        let place = self.wrong.errors.len() + self.unknown.errors.len();
        self.of_kind(is_unknown).errors.push((place, error));
    }

    /// Reads a line. Returns the files to read at this point, and what is in them.
    fn read_line(
        &mut self,
        line: &[u8],
        place: &Place,
        depth: usize,
    ) -> Result<Vec<(PathBuf, Vec<u8>)>, Wrong> {
        let words = split(line)?;
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        match words[..] {
            [] => {}
            [name, pattern] if is_include(name) => return self.find(pattern, depth),
            [name, ref values @ ..] => read_directive(self.config, name, values, place)?,
        }
        Ok(Vec::new())
    }

    /// The files of an `include`, and what is in them.
    fn find(&mut self, pattern: &[u8], depth: usize) -> Result<Vec<(PathBuf, Vec<u8>)>, Wrong> {
        let pattern = self.config.locate(Path::new(OsStr::from_bytes(pattern)));
        let files = self.includes.named(pattern.as_os_str().as_bytes())?;
        if depth == DEEPEST && !files.is_empty() {
            return Err(Wrong::TooDeep);
        }
        let read = |file: PathBuf| Ok((self.includes.read(&file)?, file));
        files.into_iter().map(read).map(|read| read.map(|(text, file)| (file, text))).collect()
    }

    /// All that is wrong.
    fn finish(self) -> Result<(), LoadErrors> {
        let Reader { config, mut wrong, mut unknown, .. } = self;
        if config.unknown_directives == UnknownDirectives::Warn {
            let passed = &mut config.without_effect;
            passed.unknown.extend(unknown.errors.drain(..).map(|(_, error)| error));
            passed.more_unknown += std::mem::take(&mut unknown.more);
        }
        wrong.errors.append(&mut unknown.errors);
        wrong.errors.sort_by_key(|&(place, _)| place);
        let more = wrong.more + unknown.more + wrong.errors.len().saturating_sub(MOST_MISTAKES);
        let errors = wrong.errors.into_iter().map(|(_, error)| error).take(MOST_MISTAKES);
        LoadErrors::some(errors.collect(), more).map_or(Ok(()), Err)
    }
}

/// Why a line is not taken.
enum Wrong {
    /// There is no such directive.
    Unknown,
    Refused(Reason),
    /// It includes a file too deep.
    TooDeep,
}

impl Wrong {
    /// `name`: the name of the directive.
    fn reason(self, name: &[u8]) -> Reason {
        match self {
            Wrong::Unknown => unknown(name),
            Wrong::Refused(reason) => reason,
            Wrong::TooDeep => format!("more than {DEEPEST} files deep").into(),
        }
    }
}

impl From<Reason> for Wrong {
    fn from(reason: Reason) -> Wrong {
        Wrong::Refused(reason)
    }
}

/// Changes the configuration by a line, or leaves it as it is.
fn read_directive(
    config: &mut Config,
    name: &[u8],
    words: &[&[u8]],
    place: &Place,
) -> Result<(), Wrong> {
    if is_user(name) {
        return Ok(read_user(config, words, place)?);
    }
    if is_include(name) {
        return Err(Wrong::Refused(BAD_DIRECTIVE.into()));
    }
    if is_rename(name) {
        return Ok(read_rename(config, words, place)?);
    }
    let file_only = FILE_ONLY.iter().find(|line| line.name.as_bytes().eq_ignore_ascii_case(name));
    match file_only.map(|line| (line.name, line.fate)) {
        Some((_, Fate::Refused(reason))) => return Err(Wrong::Refused(reason.into())),
        Some((_, Fate::Ignored)) if words.len() != 1 => {
            return Err(Wrong::Refused(BAD_DIRECTIVE.into()));
        }
        Some((name, Fate::Ignored)) => {
            config.without_effect.accepted.insert(name);
            return Ok(());
        }
        Some((_, Fate::Read)) | None => {}
    }
    let Some((_, directive)) = table::find(name) else {
        return Err(Wrong::Unknown);
    };
    // A refusal may leave it half changed.
    let mut next = config.clone();
    directive.read_line(&mut next, words)?;
    *config = next;
    if directive.class.is_without_effect() {
        config.without_effect.accepted.insert(directive.name);
    }
    Ok(())
}

/// The reason for refusing a directive that is not known, with the name that may have been meant.
fn unknown(name: &[u8]) -> Reason {
    let known = table::names().map(|(name, _)| name).chain(FILE_ONLY.iter().map(|line| line.name));
    match suggestion::nearest(name, known) {
        Some(meant) => format!("{BAD_DIRECTIVE}; did you mean '{meant}'?").into(),
        None => BAD_DIRECTIVE.into(),
    }
}

fn read_user(config: &mut Config, words: &[&[u8]], place: &Place) -> Result<(), Reason> {
    let user = UserLine::new(words, place.clone()).ok_or(BAD_DIRECTIVE)?;
    if config.users.iter().any(|known| known.name == user.name) {
        return Err(format!(
            "Error in user declaration '{}': Duplicate user found. A user can only be defined once in config files",
            String::from_utf8_lossy(&user.name)
        )
        .into());
    }
    config.users.push(user);
    Ok(())
}

fn read_rename(config: &mut Config, words: &[&[u8]], place: &Place) -> Result<(), Reason> {
    match words {
        // The shell's quotes are gone, and those of a file that was copied are there still.
        [name, b"" | b"\"\""] if words[1].is_empty() || *place == Place::CommandLine => {
            let command = DisabledCommand { name: name.to_vec(), place: place.clone() };
            if !config.disabled_commands.contains(&command) {
                config.disabled_commands.push(command);
            }
            Ok(())
        }
        // It keeps its name.
        [name, same] if name.eq_ignore_ascii_case(same) => Ok(()),
        [_, _] => Err("respd takes commands away ('') and gives them no other names: take this one from the users \
                       that should not have it, as in 'user default on nopass ~* &* +@all -keys'"
            .into()),
        _ => Err(BAD_DIRECTIVE.into()),
    }
}

/// The words of a line; none for a blank one or a comment.
pub(crate) fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, Reason> {
    let line = line.trim_ascii();
    if line.starts_with(b"#") {
        return Ok(Vec::new());
    }
    quote::split(line).ok_or(UNBALANCED_QUOTES.into())
}

/// A line as an error shows it: whole if its directive is known and no secret, else only its name.
pub(crate) fn shown(line: &[u8]) -> String {
    let line = line.trim_ascii();
    let end = line.iter().position(|byte| b" \t=".contains(byte)).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let open = is_include(name)
        || is_rename(name)
        || table::find(name).is_some_and(|(_, row)| !row.is_secret());
    if open || rest.is_empty() {
        String::from_utf8_lossy(line).into_owned()
    } else {
        format!("{} …", String::from_utf8_lossy(name))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::config::value::LogLevel;

    /// Texts without an `include` that names a file.
    pub(crate) struct NoFiles;

    impl Includes for NoFiles {
        fn named(&self, _: &[u8]) -> Result<Vec<PathBuf>, Reason> {
            Ok(Vec::new())
        }

        fn read(&self, _: &Path) -> Result<Vec<u8>, Reason> {
            Err("there are no files".into())
        }
    }

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("respd.conf"), text.as_bytes(), &NoFiles)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_changes_what_it_names() {
        let text = "# comment\n\n  TIMEOUT 5\t\nbind 10.0.0.1 -::1\nrequirepass \"a \\x62 'c'\"\n\
            loglevel debug\nport 7000\nport 7001\nunixsocket /run/respd.sock\nunixsocketperm 700";
        let expected = Config {
            timeout: 5,
            bind: vec!["10.0.0.1".into(), "-::1".into()],
            requirepass: b"a b 'c'"[..].into(),
            loglevel: LogLevel::Debug,
            port: 7001,
            unixsocket: Some("/run/respd.sock".into()),
            unixsocketperm: Some(0o700),
            ..Config::default()
        };
        assert_eq!(parse(text), Ok(expected.clone()));
        assert_eq!(parse(&text.replace('\n', "\r\n")), Ok(expected));
    }

    #[test]
    fn repeated_lines_add_up_where_they_speak_of_different_things() {
        let config = parse(
            "client-output-buffer-limit normal 1 2 3\nclient-output-buffer-limit pubsub 4 5 6\n\
             user bob on >secret\nuser eve off\nbind a\nbind b c\nsave \"\"\n",
        )
        .unwrap();
        assert_eq!(config.client_output_buffer_limit.normal.hard, 1);
        assert_eq!(config.client_output_buffer_limit.pubsub.soft_seconds, 6);
        assert_eq!(config.bind, ["b", "c"]);
        let names: Vec<_> = config.users.iter().map(|user| &user.name[..]).collect();
        assert_eq!(names, [b"bob", b"eve"]);
        assert_eq!(config.users[0].rules, [&b"on"[..], b">secret"]);
    }

    #[test]
    fn an_empty_list_is_no_words_or_an_empty_one() {
        assert!(parse("bind").unwrap().bind.is_empty());
        assert!(parse("bind \"\"").unwrap().bind.is_empty());
        assert_eq!(parse("bind \"a  b\" c").unwrap().bind, ["a", "b", "c"]);
    }

    #[test]
    fn an_error_names_file_line_and_reason() {
        let bad = "Bad directive or wrong number of arguments";
        for (line, reason) in [
            ("timeout abc", "argument couldn't be parsed into an integer"),
            ("timeout", "wrong number of arguments"),
            ("timeout 5 # why", "wrong number of arguments"),
            ("nosuch", bad),
            ("\"\"", bad),
            ("include", bad),
            ("user", bad),
            ("logfile \"x", "Unbalanced quotes in configuration line"),
            ("databases 0", "argument must be between 1 and 2147483647 inclusive"),
            ("databases 2147483648", "argument must be between 1 and 2147483647 inclusive"),
            (
                "databases 2147483647",
                "respd makes every database when it starts, and has 65536 at most",
            ),
            ("unixsocketperm 9", "argument couldn't be parsed as an octal number"),
            ("unixsocketperm 1777", "argument must be between 0 and 777 inclusive"),
            ("enable-debug-command on", "argument(s) must be one of the following: no, yes, local"),
            ("save 3600", "Invalid save parameters"),
            ("dbfilename a/b", "dbfilename can't be a path, just a filename"),
        ] {
            let expected = format!("respd.conf:3: '{line}': {reason}");
            assert_eq!(parse(&format!("\n# {line}\n  {line}\nhz 20\n")), Err(expected));
        }
    }

    #[test]
    fn every_mistake_is_told_at_once_and_what_was_meant() {
        let text = "prot 7000\ntimeout 5\nmaxmemroy 1gb\nreplicaof 10.0.0.1 6379\nloadmodule x.so\n\
            nothing-like-it 1\ntimeout x\nslave-priority 7\n";
        let bad = "Bad directive or wrong number of arguments";
        let expected = [
            format!("respd.conf:1: 'prot …': {bad}; did you mean 'port'?"),
            format!("respd.conf:3: 'maxmemroy …': {bad}; did you mean 'maxmemory'?"),
            "respd.conf:4: 'replicaof 10.0.0.1 6379': respd does not replicate: leave the line out, and copy the data with its snapshot".into(),
            "respd.conf:5: 'loadmodule …': respd loads no modules: leave the line out, and see docs/embedding.md for commands of one's own".into(),
            format!("respd.conf:6: 'nothing-like-it …': {bad}"),
            "respd.conf:7: 'timeout x': argument couldn't be parsed into an integer".into(),
        ];
        assert_eq!(parse(text), Err(expected.join("\n")));
    }

    #[test]
    fn unknown_directives_may_be_let_pass() {
        let text = "vm-enabled no\nunknown-directives warn\ntimeout 5\nvm-pages 7\n";
        let config = parse(text).unwrap();
        assert_eq!(config.timeout, 5);
        let lines: Vec<_> = config.unknown_lines().iter().map(ToString::to_string).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[1].starts_with("respd.conf:4: 'vm-pages …': Bad directive"), "{lines:?}");
        // What is known and wrong is wrong all the same.
        let error = parse(&format!("{text}timeout x\nloadmodule x\n")).unwrap_err();
        assert_eq!(error.lines().count(), 2, "{error}");
    }

    #[test]
    fn what_is_accepted_without_effect_is_counted() {
        let config =
            parse("io-threads 1\nslave-priority 7\nreplica-priority 8\ntimeout 5\n").unwrap();
        assert_eq!(config.without_effect().collect::<Vec<_>>(), ["io-threads", "replica-priority"]);
        assert_eq!(parse("timeout 5").unwrap().without_effect().len(), 0);
    }

    #[test]
    fn of_a_file_that_is_none_most_mistakes_are_counted() {
        let error = parse(&"x\ntimeout x\n".repeat(MOST_MISTAKES)).unwrap_err();
        assert_eq!(error.lines().count(), MOST_MISTAKES + 1);
        assert!(error.ends_with("\n… and 1000 more"), "{}", &error[error.len() - 100..]);
        let passed =
            parse(&("unknown-directives warn\n".to_owned() + &"x\n".repeat(3000) + "hz 20"));
        let passed = passed.unwrap();
        assert_eq!(
            (passed.hz, passed.unknown_lines().len(), passed.more_unknown_lines()),
            (20, 1000, 2000)
        );
    }

    #[test]
    fn an_error_holds_no_secret() {
        for text in [
            "requirepass hunter2 hunter2",
            "requirepass \"hunter2",
            "requirepas hunter2",
            "\"requirepass\" hunter2 hunter2",
            "masterauth hunter2 hunter2",
            "primaryauth hunter2 hunter2",
            "masterauht hunter2",
            "user bob \">hunter2",
            "user bob on\nuser bob >hunter2",
        ] {
            let error = parse(text).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let config = parse("\nuser bob >hunter2 +nonsense").unwrap();
        assert_eq!(
            config.users[0].refused("Unknown command").to_string(),
            "respd.conf:2: 'user bob …': Unknown command"
        );
    }

    #[test]
    fn the_command_line_sets_any_directive() {
        let mut config = Config::default();
        for (name, value) in [
            ("databases", "4"),
            ("requirepass", "a b=\"c"),
            ("bind", "a b"),
            ("user", "bob on \">x y\""),
            ("Port", "0"),
        ] {
            assert_eq!(config.apply_option(name, value), Ok(()), "{name}");
        }
        assert_eq!((config.databases, config.port), (4, 0));
        assert_eq!(&config.requirepass[..], b"a b=\"c");
        assert_eq!(config.bind, ["a", "b"]);
        assert_eq!(config.users[0].rules, [&b"on"[..], b">x y"]);
    }

    #[test]
    fn a_wrong_option_changes_nothing_and_shows_no_secret() {
        let mut config = Config::default();
        for (name, value, error) in [
            ("timeout", "x", "'timeout x': argument couldn't be parsed into an integer"),
            ("nosuch", "hunter2", "'nosuch …': Bad directive or wrong number of arguments"),
            ("user", "bob >hunter2 \"", "'user …': Unbalanced quotes in configuration line"),
        ] {
            let told = config.apply_option(name, value).unwrap_err().to_string();
            assert_eq!(told, format!("command line: {error}"));
        }
        let half_right = "normal 1 2 3 pubsub 4 5 x";
        assert!(config.apply_option("client-output-buffer-limit", half_right).is_err());
        assert_eq!(config, Config::default());
    }
}
