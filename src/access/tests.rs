//! The rules of users, by what they grant and how they are described.

use super::*;
use crate::config::persona::PERSONAS;
use crate::telemetry::CommandId;

/// A table of a few commands.
struct Names;

/// Full name, container, categories.
const NAMES: [(&str, Option<u16>, &str); 5] = [
    ("get", None, "read fast"),
    ("set", None, "write slow"),
    ("client", None, "slow"),
    ("client|id", Some(2), "fast connection"),
    ("client|list", Some(2), "admin connection"),
];

impl Vocabulary for Names {
    fn size(&self) -> usize {
        NAMES.len()
    }

    fn named(&self, full_name: &[u8]) -> Option<CommandId> {
        let mut names = NAMES.iter().map(|(name, ..)| name.as_bytes());
        let index = names.position(|name| name.eq_ignore_ascii_case(full_name))?;
        Some(CommandId(index as u16))
    }

    fn full_name(&self, id: CommandId) -> &str {
        NAMES[id.index()].0
    }

    fn container(&self, id: CommandId) -> Option<CommandId> {
        NAMES[id.index()].1.map(CommandId)
    }

    fn subcommands(&self, id: CommandId) -> &[CommandId] {
        if id.index() == 2 { &[CommandId(3), CommandId(4)] } else { &[] }
    }

    fn category(&self, name: &[u8]) -> Option<Vec<CommandId>> {
        let name = std::str::from_utf8(name).ok()?;
        let is_in =
            |index: &u16| NAMES[usize::from(*index)].2.split(' ').any(|known| known == name);
        let found: Vec<_> = (0..NAMES.len() as u16).filter(is_in).map(CommandId).collect();
        (!found.is_empty()).then_some(found)
    }
}

const GRAMMAR: Grammar<'_> =
    Grammar { commands: &Names, persona: &PERSONAS[0], all_channels: false };

fn access() -> Access {
    Access::configured(&Config::default(), &Names).expect("a valid configuration")
}

/// A user of these rules; what is wrong with one of them is the error.
fn user(rules: &str) -> Result<User, BadRule> {
    let words: Vec<&str> = rules.split(' ').collect();
    let mut user = User::new(b"ann", GRAMMAR);
    let rules = join_selectors(&words).map_err(|_| BadRule::Syntax)?;
    rules.iter().try_for_each(|rule| user.apply(rule, GRAMMAR)).map(|()| user)
}

#[track_caller]
fn assert_described(rules: &str, expected: &str) {
    let user = user(rules).expect("valid rules");
    let description = user.describe();
    assert_eq!(String::from_utf8_lossy(&description), expected, "{rules}");
    let again = self::user(expected).expect("a description is rules");
    assert!(again == user, "{expected} is not what {rules} makes");
}

#[track_caller]
fn assert_runs(rules: &str, granted: &[&str]) {
    let user = user(rules).expect("valid rules");
    let allow = |name: &&str| {
        let id = Names.named(name.as_bytes()).expect("a name");
        user.root().commands.allow(id, None)
    };
    let all: Vec<_> = NAMES.iter().map(|(name, ..)| *name).filter(allow).collect();
    assert_eq!(all, granted, "{rules}");
}

#[test]
fn no_password_is_needed_until_there_is_one() {
    let mut access = access();
    assert!(!access.is_login_required());
    assert_eq!(access.login(b"default", b"anything"), Some(UserId::DEFAULT));
    access.set_default_password(b"sesame");
    assert!(access.is_login_required());
    assert_eq!(access.login(b"default", b"wrong"), None);
    assert_eq!(access.login(b"default", b"sesame"), Some(UserId::DEFAULT));
    access.set_default_password(b"");
    assert!(!access.is_login_required());
}

#[test]
fn users_open_with_their_own_passwords_only() {
    let opens = |rules: &str, password: &[u8]| {
        let mut access = access();
        access.put(user(rules).expect("valid rules"));
        access.login(b"ann", password).is_some()
    };
    assert!(opens("on >one >two", b"one"));
    assert!(opens("on >one >two", b"two"));
    assert!(!opens("on >one >two <two", b"two"));
    assert!(!opens("on >one", b""));
    assert!(!opens("off >one", b"one"));
    assert!(opens("on nopass", b"whatever"));
    assert!(!opens("off nopass", b"whatever"));
    assert!(!opens("on", b""));
    assert!(!opens("on nopass resetpass", b""));
    assert!(opens("on #7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed", b"one"));
    assert!(access().login(b"unknown", b"one").is_none());
}

#[test]
fn users_are_described_by_rules_that_make_the_same() {
    assert_described("on", "on resetchannels -@all");
    assert_described("ON NoPass AllKeys ALLCHANNELS AllCommands", "on nopass ~* &* +@all");
    assert_described("~a %R~b %rw~c %W~d %R~d", "off ~a %R~b ~c ~d resetchannels -@all");
    assert_described("&a &b &a db=3,1,3", "off resetchannels &a &b db=1,3 -@all");
    assert_described("db=1 resetdbs", "off resetchannels resetdbs -@all");
    assert_described("db=1 alldbs", "off resetchannels -@all");
    assert_described(
        "(~a +get) (%R~b) () -@all ( ~c +set )",
        "off resetchannels -@all (~a resetchannels -@all +get) (%R~b resetchannels -@all) \
         (resetchannels -@all) (~c resetchannels -@all +set)",
    );
    assert_described("~a +get (~b) reset", "off resetchannels -@all");
    assert_described("~a (~b) clearselectors", "off ~a resetchannels -@all");
}

#[test]
fn a_later_rule_about_a_command_replaces_earlier_ones() {
    assert_described("+get -get +GET", "off resetchannels -@all +get");
    assert_described("+get +@all", "off resetchannels +@all");
    assert_described("+client|id +client", "off resetchannels -@all +client");
    assert_described("+client -client|id", "off resetchannels -@all +client -client|id");
    assert_described("+@read -@write +@read", "off resetchannels -@all -@write +@read");
    assert_described("+get|x +GET|X +get|y", "off resetchannels -@all +get|x +get|y");
    assert_described("+get|x -get", "off resetchannels -@all -get");
}

#[test]
fn commands_are_granted_one_by_one_by_container_and_by_category() {
    assert_runs("+get", &["get"]);
    assert_runs("+@all -get", &["set", "client", "client|id", "client|list"]);
    assert_runs("+client", &["client", "client|id", "client|list"]);
    assert_runs("+client|id", &["client|id"]);
    assert_runs("+client -client|id", &["client", "client|list"]);
    assert_runs("+@slow", &["set", "client", "client|id", "client|list"]);
    assert_runs("+@connection -@admin", &["client|id"]);
    assert_runs("+@all -@all", &[]);
}

#[test]
fn a_first_argument_is_enough_where_the_command_is_not_granted() {
    let user = user("+get|x +get|y").expect("valid rules");
    let commands = &user.root().commands;
    assert!(commands.allow(CommandId(0), Some(b"X")));
    assert!(commands.allow(CommandId(0), Some(b"y")));
    assert!(!commands.allow(CommandId(0), Some(b"z")));
    assert!(!commands.allow(CommandId(0), None));
    assert!(!commands.allow(CommandId(1), Some(b"x")));
}

#[test]
fn a_rule_may_name_what_is_not_implemented_and_grants_nothing_by_it() {
    assert_described("-psync -failover +@all -failover", "off resetchannels +@all -failover");
    assert_described("+FAILOVER", "off resetchannels -@all +failover");
    assert_described("+psync|x +psync|Y +psync|x", "off resetchannels -@all +psync|y +psync|x");
    assert_described("+client|import-source", "off resetchannels -@all +client|import-source");
    assert_described("(-failover)", "off resetchannels -@all (resetchannels -@all -failover)");
    assert_runs("+failover +psync|x +client|import-source", &[]);
    assert_runs("+@all -failover -client|import-source", &NAMES.map(|(name, ..)| name));
    let everything = user("+@all -failover ~* &*").expect("valid rules");
    assert!(everything.is_unrestricted(), "there is nothing that it may not do");
}

#[test]
fn a_rule_may_name_what_the_persona_has() {
    let is_known = |persona: &str, name: &str| {
        let persona = PERSONAS.iter().find(|known| known.name == persona).expect("a persona");
        unimplemented::is_known(persona, name.as_bytes())
    };
    assert!(is_known("redis-5.0", "replicaof") && !is_known("redis-5.0", "failover"));
    assert!(
        is_known("redis-7.2", "module|loadex") && !is_known("redis-7.2", "client|import-source")
    );
    assert!(is_known("valkey-9.1", "clusterscan") && !is_known("valkey-9.1", "vadd"));
    assert!(is_known("respd", "vadd"), "it passes for none of them, and takes files of each");
    assert!(!is_known("kronotop-0.13", "failover"));
}

#[test]
fn keys_are_granted_for_what_is_done_with_them() {
    let user = user("%R~r* %W~w* ~b*").expect("valid rules");
    let keys = &user.root().keys;
    let uses = [(true, false), (false, true), (true, true), (false, false)];
    let allowed = |key: &[u8]| uses.map(|(read, write)| keys.allow(key, Use { read, write }));
    assert_eq!(allowed(b"r1"), [true, false, false, true]);
    assert_eq!(allowed(b"w1"), [false, true, false, true]);
    assert_eq!(allowed(b"b1"), [true; 4]);
    assert_eq!(allowed(b"x"), [false; 4]);
    assert!(!keys.allow_any(Use::READ));
    assert!(self::user("%R~*").expect("valid rules").root().keys.allow_any(Use::READ));
}

#[test]
fn a_pattern_of_channels_must_be_granted_as_it_is() {
    let user = user("&news.* &chat").expect("valid rules");
    let channels = &user.root().channels;
    assert!(channels.allow(b"news.today") && channels.allow(b"chat") && !channels.allow(b"other"));
    assert!(channels.allow_pattern(b"news.*") && channels.allow_pattern(b"chat"));
    assert!(!channels.allow_pattern(b"news.today*") && !channels.allow_pattern(b"news.today"));
}

#[test]
fn channels_cover_others_if_every_pattern_is_there() {
    let covers = |new: &str, old: &str| {
        let [new, old] = [new, old].map(|rules| user(rules).expect("valid rules"));
        Channels::cover(new.channels(), old.channels())
    };
    assert!(covers("&a &b", "&b"));
    assert!(covers("&a (&b)", "&b &a"));
    assert!(covers("(allchannels)", "allchannels"));
    assert!(covers("&a", "resetchannels"));
    assert!(!covers("&a*", "&ab"));
    assert!(!covers("&a", "&a (&b)"));
    assert!(!covers("&a", "allchannels"));
}

#[test]
fn only_a_selector_that_denies_nothing_is_unrestricted() {
    let unrestricted = |rules: &str| user(rules).expect("valid rules").is_unrestricted();
    assert!(unrestricted("+@all allkeys allchannels"));
    assert!(unrestricted("off +@all -get +get ~* &*"));
    assert!(unrestricted("resetkeys (+@all ~* &*)"));
    assert!(!unrestricted("+@all -get allkeys allchannels"));
    assert!(!unrestricted("+@all allkeys"));
    assert!(!unrestricted("+@all allkeys allchannels db=0"));
    assert!(!unrestricted("+@all allkeys (allchannels)"));
    assert!(!unrestricted("+@all allkeys allchannels reset"));
}

#[test]
fn what_is_no_rule_is_named() {
    let error = |rules: &str| user(rules).err();
    for rule in
        ["nope", "%~x", "%X~x", "%RR~x", "%", "db=", "db=x", "db=1,", "db=1,,2", "(on)", ")"]
    {
        assert_eq!(error(rule), Some(BadRule::Syntax), "{rule}");
    }
    for rule in [
        "+nope",
        "-nope",
        "+@nope",
        "+",
        "-",
        "+@",
        "+nope|x",
        "+client|x",
        "-get|x",
        "+module|x",
        "-eval|x",
    ] {
        assert_eq!(error(rule), Some(BadRule::UnknownCommand), "{rule}");
    }
    for (rules, expected) in [
        ("~* ~x", BadRule::AfterAllKeys),
        ("&* &x", BadRule::AfterAllChannels),
        ("<one", BadRule::NoSuchPassword),
        ("#abc", BadRule::NotAHash),
        ("!abc", BadRule::NotAHash),
        ("+client|id|x", BadRule::ArgumentOfSubcommand),
        ("+client|import-source|x", BadRule::ArgumentOfSubcommand),
        ("+failover|", BadRule::Syntax),
        ("+get|", BadRule::Syntax),
        ("db=-1", BadRule::NoSuchDatabase),
        ("db=2147483648", BadRule::NoSuchDatabase),
    ] {
        assert_eq!(error(rules), Some(expected), "{rules}");
    }
}

#[test]
fn lines_of_the_configuration_that_hold_stay_as_they_are() {
    let mut config = Config::default();
    config.apply_option("requirepass", "sesame").expect("valid");
    for line in ["ann ~a on >one +get", "bob on"] {
        config.apply_option("user", line).expect("valid");
    }
    let lines = |access: &Access| -> Vec<String> {
        let lines = access.lines(&config, GRAMMAR);
        let word = |word: &Vec<u8>| String::from_utf8_lossy(word).into_owned();
        lines.iter().map(|line| line.rules.iter().map(word).collect::<Vec<_>>().join(" ")).collect()
    };
    let mut access = Access::configured(&config, &Names).expect("valid");
    assert_eq!(lines(&access), ["~a on >one +get", "on"]);
    let mut bob = access.user(access.named(b"bob").expect("bob")).clone();
    bob.apply(b"off", GRAMMAR).expect("valid");
    access.put(bob);
    access.set_default_password(b"");
    let default = "on nopass ~* &* +@all";
    assert_eq!(lines(&access), ["~a on >one +get", "off resetchannels -@all", default]);
}

#[test]
fn a_configuration_with_a_bad_rule_is_refused_without_its_passwords() {
    let refused = |line: &str| {
        let mut config = Config::default();
        config.apply_option("user", line).expect("a line");
        Access::configured(&config, &Names).err().expect("refused").to_string()
    };
    assert!(
        refused("ann >secret +nope").ends_with("+nope: Unknown command or category name in ACL")
    );
    assert!(
        refused("ann <secret")
            .ends_with("The password you are trying to remove from the user does not exist")
    );
    assert!(!refused("ann <secret").contains("secret"));
    assert!(refused("ann (~x").contains("parenthesis"));
    assert!(refused("\"a b\" on").contains("spaces"));
}
