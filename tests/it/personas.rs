//! What the table of personas promises.

use respd::Args;
use respd::internals::config::Config;
use respd::internals::config::Persona;
use respd::internals::config::persona::PERSONAS;
use respd::internals::dispatch::spec::Spec;
use respd::internals::dispatch::spec::flag::NONE;
use respd::internals::dispatch::{Ctx, Table};
use respd::internals::embed::groups;
use respd::internals::embed::local::Local;
use respd::internals::error::Error;

use crate::client::started_with;
use crate::process::{self, Folder};

fn configured(name: &str) -> Config {
    let mut config = Config::default();
    config.apply_option("persona", name).unwrap();
    config
}

fn ask(name: &str, words: &[&str]) -> String {
    let (mut local, [client]) = started_with(configured(name));
    local.call(client, words).to_string()
}

pub fn table(persona: &'static Persona) -> Table {
    Table::of_persona(persona, groups())
}

#[test]
fn nothing_in_a_table_is_younger_than_its_persona() {
    for persona in PERSONAS {
        let table = table(persona);
        for row in table.rows() {
            assert!(persona.has_command(&row.full_name, row.spec.since), "{}", row.full_name);
        }
        let left = groups().flat_map(|(_, specs)| specs);
        let left = left.filter(|spec| persona.has_command(spec.name, spec.since));
        assert_eq!(table.commands().count(), left.count(), "{}", persona.name);
    }
}

#[test]
fn every_way_to_ask_for_commands_knows_the_same_ones() {
    for persona in PERSONAS {
        let (mut local, [client]) = started_with(configured(persona.name));
        let count = table(persona).commands().count();
        assert_eq!(
            local.call(client, ["COMMAND", "COUNT"]).to_string(),
            format!("(integer) {count}")
        );
        let all = local.call(client, ["COMMAND"]);
        assert_eq!(all.elements().len(), count, "{}", persona.name);
        for described in all.elements() {
            assert_eq!(described.elements().len(), persona.command_fields(), "{}", persona.name);
        }
    }
}

#[test]
fn arguments_that_came_later_are_not_documented() {
    let docs = |name| ask(name, &["COMMAND", "DOCS", "expire", "client|kill", "hello"]);
    let (today, then) = (docs("respd"), docs("redis-7.0"));
    assert!(today.contains("MAXAGE") && today.contains("8.0.0"));
    assert!(!then.contains("MAXAGE") && !then.contains("8.0.0"));
    assert!(ask("redis-6.2", &["EXPIRE", "k", "1", "NX"]).contains("wrong number of arguments"));
    assert_eq!(ask("redis-7.0", &["EXPIRE", "k", "1", "NX"]), "(integer) 0");
}

#[test]
fn commands_of_both_lines_have_the_version_of_the_one() {
    let since = |name: &str| {
        let docs = ask(name, &["COMMAND", "DOCS", "hexpire"]);
        ["7.4.0", "9.0.0"].into_iter().find(|version| docs.contains(version))
    };
    assert_eq!(since("redis-8.2"), Some("7.4.0"));
    assert_eq!(since("valkey-9.1"), Some("9.0.0"));
    assert_eq!(since("redis-7.2"), None);
}

#[test]
fn redis_has_no_directive_of_valkey() {
    let names = |persona: &str| ask(persona, &["CONFIG", "GET", "commandlog*", "slowlog-*"]);
    assert!(names("respd").contains("commandlog-execution-slower-than"));
    let of_redis = names("redis-8.2");
    assert!(of_redis.contains("slowlog-log-slower-than") && !of_redis.contains("commandlog"));
}

#[test]
fn help_lists_what_is_there() {
    assert!(ask("respd", &["CLIENT", "HELP"]).contains("CAPA"));
    let help = ask("redis-5.0", &["CLIENT", "HELP"]);
    assert!(help.contains("SETNAME") && !help.contains("CAPA") && !help.contains("INFO"), "{help}");
}

#[test]
fn commands_of_an_embedder_belong_to_every_persona() {
    fn own(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
        ctx.reply.ok();
        Ok(())
    }
    const OWN: &[Spec] = &[Spec::new("own", 1, NONE, own)];
    let config = configured("redis-5.0");
    let groups = groups().chain([("generic", OWN)]);
    let table = Table::of_persona(config.persona, groups);
    let mut local = Local::with_table(config, table);
    let client = local.connect();
    assert_eq!(local.call(client, ["OWN"]).to_string(), "OK");
}

#[test]
fn a_persona_brings_its_ports_unless_others_are_configured() {
    let ports = |options: &[(&str, &str)]| {
        let mut config = Config::default();
        options.iter().for_each(|(name, value)| config.apply_option(name, value).unwrap());
        (config.port, config.admin_port)
    };
    assert_eq!(ports(&[("persona", "kronotop-0.13")]), (5484, 3320));
    assert_eq!(ports(&[("persona", "kronotop-0.13"), ("port", "6379")]), (6379, 3320));
    assert_eq!(ports(&[("port", "7000"), ("persona", "kronotop-0.13")]), (7000, 3320));
    assert_eq!(ports(&[("persona", "kronotop-0.13"), ("persona", "redis-7.0")]), (6379, 0));
    let usual = [("port", "6379"), ("admin-port", "0"), ("persona", "kronotop-0.13")];
    assert_eq!(ports(&usual), (6379, 0), "who asks for the usual ports gets them");
}

#[test]
fn the_file_and_the_flag_choose_one() {
    let folder = Folder::new();
    let path = folder.file("respd.conf");
    std::fs::write(&path, "persona redis-6.2\n").unwrap();
    let file = process::text(&path);
    let hello = |flags: &[&str]| {
        let respd = process::Respd::start(&[&[file, "--port", "0"], flags].concat());
        respd.connect().call(["HELLO", "3"])
    };
    assert!(hello(&[]).contains("\"6.2.14\""));
    assert!(hello(&["--persona", "valkey-8.0"]).contains("\"8.0.2\""));
    let refused = process::run(&["--port", "0", "--persona", "redis-1.0"]);
    assert!(!refused.status.success());
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("redis-1.0") && told.contains("kronotop-0.13"), "{told}");
}
