//! Conversations: what clients say, and what they must be answered.
//!
//! They are kept by family in `tests/conversations/*/*.txt`. Each is played in RESP2 and in RESP3: on
//! the engine alone, where time is told; over TCP, unless it needs told time; and against another
//! server, when the environment variable `RESPD_REFERENCE` names a program that takes the options of
//! valkey-server. The replies are those of Valkey 9.1, unless the file names another server:
//! `scripts/record FILE...` writes them.
//!
//! The grammar is in `docs/conversations.md`; `respd::internals::conversation` reads it.

mod coverage;
mod files;
mod record;
mod recorded;
mod side;

use std::fs;

use respd::internals::config::Config;
use respd::internals::conversation::{Conversation, Judge, Side};

use record::Recorder;
use side::{Engine, Folder};

/// The configuration that a conversation is played with.
fn config(conversation: &Conversation, folder: &Folder) -> Config {
    conversation.configuration(folder.path()).unwrap()
}

/// The conversations that the environment variable asks for, or all.
fn chosen() -> Vec<Conversation> {
    let chosen = std::env::var("RESPD_CONVERSATIONS").unwrap_or_default();
    let is_chosen =
        |name: &str| chosen.is_empty() || chosen.split(' ').any(|one| name.contains(one));
    let is_possible = |found: &Conversation| cfg!(feature = "lua") || !needs_lua(found);
    let is_wanted = |found: &Conversation| is_chosen(&found.name) && is_possible(found);
    files::all().into_iter().filter(is_wanted).collect()
}

/// Whether a conversation is about scripts, has one run, or lists all commands.
fn needs_lua(Conversation { name, lines, .. }: &Conversation) -> bool {
    let others = ["acl/unimplemented", "config/busy"];
    name.starts_with("scripting/")
        || name.starts_with("functions/")
        || others.contains(&&**name)
        || lines.iter().any(|line| line.starts_with("> EVAL "))
}

/// Plays conversations on what `side` makes of each, in each of its protocols.
fn play_all(
    is_reference: bool,
    is_wanted: impl Fn(&Conversation) -> bool,
    mut side: impl FnMut(&Conversation) -> Box<dyn Side>,
) {
    let mut wrong = Vec::new();
    for conversation in chosen().iter().filter(|conversation| is_wanted(conversation)) {
        for &protocol in conversation.protocols() {
            let found =
                Judge::judge(conversation, &mut *side(conversation), protocol, is_reference);
            let name = &conversation.name;
            wrong.extend(found.iter().map(|found| format!("RESP{protocol} {name}:{found}")));
        }
    }
    assert!(wrong.is_empty(), "{} are wrong\n\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn on_the_engine() {
    play_all(
        false,
        |_| true,
        |conversation| {
            let folder = Folder::new();
            Box::new(Engine::new(config(conversation, &folder), folder))
        },
    );
}

#[test]
fn over_tcp() {
    play_all(
        false,
        |conversation| !conversation.is_timed(),
        |conversation| {
            let folder = Folder::new();
            Box::new(side::respd(config(conversation, &folder), folder))
        },
    );
}

#[test]
fn on_a_reference() {
    let Ok(program) = std::env::var("RESPD_REFERENCE") else { return };
    let version = side::version(&program);
    play_all(
        true,
        |conversation| conversation.ours.is_none() && conversation.is_of(&version),
        |conversation| Box::new(side::reference(&program, &conversation.config)),
    );
}

/// Writes the replies of the reference into the files that `RESPD_CONVERSATIONS` names.
#[test]
#[ignore = "it changes files: see scripts/record"]
fn record() {
    let program = std::env::var("RESPD_REFERENCE").expect("a reference");
    let version = side::version(&program);
    // The replies of Valkey 9.1 are not written over with another server's.
    let is_wanted = |conversation: &&Conversation| {
        conversation.ours.is_none()
            && conversation.is_of(&version)
            && (conversation.reference.is_some() || version.starts_with("Valkey server v=9.1."))
    };
    for conversation in chosen().iter().filter(is_wanted) {
        let heard: Vec<Recorder<'_>> = conversation
            .protocols()
            .iter()
            .map(|&protocol| {
                let mut side = side::reference(&program, &conversation.config);
                Recorder::listen(conversation, &mut side, protocol)
            })
            .collect();
        for what in heard.iter().flat_map(|recorder| &recorder.wrong) {
            eprintln!("{what}");
        }
        let path = files::folder().join(&conversation.name);
        fs::write(path, record::rewritten(conversation, &heard)).unwrap();
    }
}

#[test]
fn a_conversation_may_name_its_reference() {
    let redis = files::read("example.txt", "!reference Redis 8.2\n> PING\n< +PONG\n");
    assert!(redis.is_of("Redis server v=8.2.3 sha=b5d43ceb:0 malloc=jemalloc-5.3.0 bits=64"));
    assert!(!redis.is_of("Redis server v=8.20.1 sha=00000000:0"));
    assert!(!redis.is_of("Valkey server v=9.1.2 sha=00000000:0"));
    let any = files::read("example.txt", "> PING\n< +PONG\n");
    assert!(any.is_of("Valkey server v=9.1.2 sha=00000000:0"));
}

/// What a recorder hears of every conversation is one that says the same.
#[test]
fn what_is_recorded_can_be_played() {
    let mut wrong = Vec::new();
    for conversation in chosen().iter().filter(|found| recorded::is_repeatable(found)) {
        let engine = || {
            let folder = Folder::new();
            Engine::new(config(conversation, &folder), folder)
        };
        for &protocol in conversation.protocols() {
            let name = format!("RESP{protocol} {}", conversation.name);
            let text = recorded::text(conversation, engine(), protocol);
            let again = files::read(&name, &text);
            let found = Judge::judge(&again, &mut engine(), 2, false);
            wrong.extend(found.iter().map(|found| format!("{name}:{found}")));
        }
    }
    assert!(wrong.is_empty(), "{} are wrong\n\n{}", wrong.len(), wrong.join("\n\n"));
}

/// A difference is explained where all of them are.
#[test]
fn what_is_ours_is_in_differences() {
    let differences = include_str!("../../docs/differences.md");
    let mut unknown = Vec::new();
    for conversation in files::all() {
        let of_steps = conversation.steps.iter().filter_map(|step| step.ours.as_ref());
        for title in conversation.ours.iter().chain(of_steps) {
            let is_known = differences.contains(&format!("| {title} |"))
                || differences.contains(&format!("## {title}\n"));
            if !is_known {
                unknown.push(format!("{}: {title}", conversation.name));
            }
        }
    }
    unknown.dedup();
    assert!(unknown.is_empty(), "docs/differences.md has no such line:\n{}", unknown.join("\n"));
}

#[test]
fn a_wrong_reply_is_found_wherever_it_is_played() {
    let text = "> SET k v\n< +OK\n> GET k\n2< \"v\"\n3< \"w\"\n> PING\n> PING\n< +PONG\n";
    let conversation = files::read("example.txt", text);
    let sides: [fn() -> Box<dyn Side>; 2] = [
        || Box::new(Engine::new(Config::default(), Folder::new())),
        || Box::new(side::respd(Config::default(), Folder::new())),
    ];
    for side in sides {
        let wrong = Judge::judge(&conversation, &mut *side(), 2, false);
        // The first PING has no reply in the file, so its PONG was taken for the next one.
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(wrong[0].what.contains("no step reads"), "{wrong:?}");
        let wrong = Judge::judge(&conversation, &mut *side(), 3, false);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(
            wrong[0].to_string().starts_with("3: > GET k\nwanted\n3< \"w\"\ngot\n< \"v\""),
            "{wrong:?}"
        );
    }
}
