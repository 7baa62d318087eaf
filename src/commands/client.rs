//! CLIENT: a connection tells about itself, sees the others, and closes them.
//!
//! LIST and KILL choose clients with one language of filters: `filter`. How the cache of
//! a client is kept true is the concern of `tracking`. PAUSE, UNPAUSE and UNBLOCK make
//! others wait or wait no more: `waiting`.

mod filter;
mod tracking;
mod waiting;

use crate::dispatch::help::help;
use crate::dispatch::spec::Spec;
use crate::dispatch::spec::category::CONNECTION;
use crate::dispatch::spec::flag::*;
use crate::dispatch::{Ctx, client_line};
use crate::error::{self, Error};
use crate::session::{Departure, Doom, ReplyMode, Slot};
use crate::wire::Args;

use super::connection::validate_name;
use filter::Filter;
use tracking::{client_caching, client_getredir, client_tracking, client_trackinginfo};
use waiting::{client_pause, client_unblock, client_unpause};

pub(crate) const TABLE: &[Spec] = &[Spec::container("client", CLIENT)
    .flags(SENTINEL)
    .flags(KEEPS_CACHING)
    .doc("2.4.0", "Depends on the subcommand.", "", "Commands about client connections.")];

const CLIENT: &[Spec] = &[
    Spec::new("caching", 3, NO_CALL | NOSCRIPT | LOADING | STALE | ALLOW_BUSY, client_caching)
        .acl(CONNECTION)
        .doc(
            "6.0.0",
            "O(1)",
            "(mode: YES | NO)",
            "Says whether the keys of the next command are to be tracked.",
        ),
    Spec::new("capa", -3, NOSCRIPT | LOADING | STALE | ALLOW_BUSY, client_capa)
        .acl(CONNECTION)
        .doc(
            "8.0.0",
            "O(1)",
            "capability...",
            "Tells the server what the client is able to handle.",
        ),
    Spec::new("getname", 2, NOSCRIPT | LOADING | STALE | ALLOW_BUSY, client_getname)
        .acl(CONNECTION)
        .doc("2.6.9", "O(1)", "", "Returns the name that the connection was given."),
    Spec::new("getredir", 2, NOSCRIPT | LOADING | STALE | ALLOW_BUSY, client_getredir)
        .acl(CONNECTION)
        .doc(
            "6.0.0",
            "O(1)",
            "",
            "Returns the id of the client that receives this one's invalidations.",
        ),
    Spec::new("help", 2, LOADING | STALE, help).acl(CONNECTION).doc(
        "5.0.0",
        "O(1)",
        "",
        "Lists the subcommands.",
    ),
    Spec::new("id", 2, NOSCRIPT | LOADING | STALE | ALLOW_BUSY, client_id).acl(CONNECTION).doc(
        "5.0.0",
        "O(1)",
        "",
        "Returns the id of the connection.",
    ),
    Spec::new("info", 2, NOSCRIPT | LOADING | STALE, client_info)
        .acl(CONNECTION)
        .tips(&["nondeterministic_output"])
        .doc("6.2.0", "O(1)", "", "Describes the connection in one line, as CLIENT LIST does."),
    Spec::new("kill", -3, ADMIN | NOSCRIPT | LOADING | STALE, client_kill)
        .acl(CONNECTION)
        .doc(
            "2.4.0",
            "O(N), N being the number of connections",
            "(filter: old-format<ip:port>!2.8.12 \
            | (new-format: [ID client-id...]@2.8.12 \
            | [client-type: TYPE (NORMAL | MASTER@3.2 | PRIMARY@8.0 | SLAVE | REPLICA@5.0 \
            | PUBSUB)]@2.8.12 | [USER username] | [ADDR addr<ip:port>] \
            | [LADDR laddr<ip:port>]@6.2 | [SKIPME (YES | NO)] | [MAXAGE maxage]@8.0 \
            | [NAME name]@9.0 | [IDLE idle]@9.0 | [FLAGS flags]@9.0 | [LIB-NAME lib-name]@9.0 \
            | [LIB-VER lib-ver]@9.0 | [DB db]@9.0 | [CAPA capa]@9.0 | [IP ip]@9.0 \
            | [not-client-type: NOT-TYPE (NORMAL | MASTER | PRIMARY | SLAVE | REPLICA \
            | PUBSUB)]@9.0 | [NOT-ID not-client-id...]@9.0 | [NOT-USER not-username]@9.0 \
            | [NOT-ADDR not-addr<ip:port>]@9.0 | [NOT-LADDR not-laddr<ip:port>]@9.0 \
            | [NOT-NAME not-name]@9.0 | [NOT-FLAGS not-flags]@9.0 \
            | [NOT-LIB-NAME not-lib-name]@9.0 | [NOT-LIB-VER not-lib-ver]@9.0 \
            | [NOT-DB not-db]@9.0 | [NOT-CAPA not-capa]@9.0 | [NOT-IP not-ip]@9.0)...)",
            "Closes the connections that match.",
        )
        .history(&[
            ("2.8.12", "Takes filters by name, not only an address."),
            ("2.8.12", "Filter `ID`."),
            ("3.2.0", "`TYPE` knows `master`."),
            ("5.0.0", "`TYPE` knows `replica`, the new word for `slave`."),
            ("6.2.0", "Filter `LADDR`."),
            ("8.0.0", "Filter `MAXAGE`."),
            ("8.0.0", "`TYPE` knows `primary`, the new word for `master`."),
            ("8.1.0", "`ID` takes several ids."),
            (
                "9.0.0",
                "Filters `NAME`, `IDLE`, `FLAGS`, `LIB-NAME`, `LIB-VER`, `DB`, `CAPA` and `IP`, \
                and a `NOT-` form of every filter that names a property.",
            ),
        ]),
    Spec::new("list", -2, ADMIN | NOSCRIPT | LOADING | STALE, client_list)
        .acl(CONNECTION)
        .tips(&["nondeterministic_output"])
        .doc(
            "2.4.0",
            "O(N), N being the number of connections",
            "[client-type: TYPE (NORMAL | MASTER | REPLICA | PUBSUB)]@5.0 [ID client-id...]@6.2 \
            [USER username]@8.1 [ADDR addr<ip:port>]@8.1 [LADDR laddr<ip:port>]@8.1 \
            [SKIPME (YES | NO)]@8.1 [MAXAGE maxage]@8.1 [NAME name]@9.0 [IDLE idle]@9.0 \
            [FLAGS flags]@9.0 [LIB-NAME lib-name]@9.0 [LIB-VER lib-ver]@9.0 [DB db]@9.0 \
            [CAPA capa]@9.0 [IP ip]@9.0 \
            [not-client-type: NOT-TYPE (NORMAL | MASTER | REPLICA | PUBSUB)]@9.0 \
            [NOT-ID not-client-id...]@9.0 [NOT-USER not-username]@9.0 \
            [NOT-ADDR not-addr<ip:port>]@9.0 [NOT-LADDR not-laddr<ip:port>]@9.0 \
            [NOT-NAME not-name]@9.0 [NOT-FLAGS not-flags]@9.0 [NOT-LIB-NAME not-lib-name]@9.0 \
            [NOT-LIB-VER not-lib-ver]@9.0 [NOT-DB not-db]@9.0 [NOT-CAPA not-capa]@9.0 \
            [NOT-IP not-ip]@9.0",
            "Describes the connections, one per line.",
        )
        .history(&[
            ("2.8.12", "Field `id`."),
            ("5.0.0", "Filter `TYPE`."),
            ("6.0.0", "Field `user`."),
            ("6.2.0", "Fields `argv-mem`, `tot-mem`, `laddr` and `redir`; filter `ID`."),
            ("7.0.0", "Fields `resp`, `multi-mem`, `rbs` and `rbp`."),
            ("7.0.3", "Field `ssub`."),
            ("8.0.0", "`TYPE` knows `primary`, the new word for `master`."),
            ("8.1.0", "Filters `USER`, `ADDR`, `LADDR`, `SKIPME` and `MAXAGE`."),
            (
                "9.0.0",
                "Filters `NAME`, `IDLE`, `FLAGS`, `LIB-NAME`, `LIB-VER`, `DB`, `CAPA` and `IP`, \
                and a `NOT-` form of every filter that names a property.",
            ),
        ]),
    Spec::new("no-evict", 3, ADMIN | NOSCRIPT | LOADING | STALE | ALLOW_BUSY, client_no_evict)
        .acl(CONNECTION)
        .doc(
            "7.0.0",
            "O(1)",
            "(enabled: ON | OFF)",
            "Spares the connection when memory of clients is reclaimed, or no longer.",
        ),
    Spec::new("no-touch", 3, NOSCRIPT | LOADING | STALE | ALLOW_BUSY, client_no_touch)
        .acl(CONNECTION)
        .doc(
            "7.2.0",
            "O(1)",
            "(enabled: ON | OFF)",
            "Lets the connection read keys without making them look recently used, or no longer.",
        ),
    Spec::new("pause", -3, ADMIN | NOSCRIPT | LOADING | STALE, client_pause)
        .acl(CONNECTION)
        .doc(
            "3.0.0",
            "O(1)",
            "timeout:integer [mode: WRITE | ALL]@6.2",
            "Holds back commands of all clients for a time.",
        )
        .history(&[("6.2.0", "The mode says whether all commands wait or only those that write.")]),
    Spec::new(
        "reply",
        3,
        NO_CALL | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY,
        client_reply,
    )
    .acl(CONNECTION)
    .doc(
        "3.2.0",
        "O(1)",
        "(action: ON | OFF | SKIP)",
        "Turns replies to the connection off or on, or skips the next.",
    ),
    Spec::new("setinfo", 4, NOSCRIPT | LOADING | STALE | ALLOW_BUSY, client_setinfo)
        .acl(CONNECTION)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .doc(
            "7.2.0",
            "O(1)",
            "(attr: LIB-NAME libname | LIB-VER libver)",
            "Records the name or the version of the client library.",
        ),
    Spec::new("setname", 3, NOSCRIPT | LOADING | STALE | ALLOW_BUSY, client_setname)
        .acl(CONNECTION)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .doc("2.6.9", "O(1)", "connection-name", "Names the connection."),
    Spec::new("tracking", -3, NO_CALL | NOSCRIPT | LOADING | STALE, client_tracking)
        .acl(CONNECTION)
        .doc(
            "6.0.0",
            "O(1), apart from what the prefixes given cost",
            "(status: ON | OFF) [REDIRECT client-id] [(PREFIX prefix)...] [BCAST] [OPTIN] \
        [OPTOUT] [NOLOOP]",
            "Turns on or off the notices that a client with a cache of its own needs.",
        ),
    Spec::new("trackinginfo", 2, NOSCRIPT | LOADING | STALE, client_trackinginfo)
        .acl(CONNECTION)
        .doc("6.2.0", "O(1)", "", "Describes how the connection tracks keys."),
    Spec::new("unblock", -3, ADMIN | NOSCRIPT | LOADING | STALE, client_unblock)
        .acl(CONNECTION)
        .doc(
            "5.0.0",
            "O(log N), N being the number of connections",
            "client-id [unblock-type: TIMEOUT | ERROR]",
            "Ends the wait of another connection's blocking command.",
        ),
    Spec::new("unpause", 2, ADMIN | NOSCRIPT | LOADING | STALE, client_unpause)
        .acl(CONNECTION)
        .doc(
            "6.2.0",
            "O(N), N being the number of paused connections",
            "",
            "Ends a pause before its time.",
        ),
];

/// CLIENT CAPA capability [capability ...]
///
/// A capability that the server does not know is no error: the client may be the newer of the two.
fn client_capa(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let redirect = (2..args.len()).any(|index| args.is(index, "REDIRECT"));
    ctx.client_mut().redirect_capable |= redirect;
    ctx.reply.ok();
    Ok(())
}

/// CLIENT GETNAME
fn client_getname(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    match &*ctx.world.clients[ctx.slot].name {
        b"" => ctx.reply.null(),
        name => ctx.reply.bulk(name),
    }
    Ok(())
}

/// CLIENT ID
fn client_id(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let id = ctx.client().id;
    ctx.reply.int(id as i64);
    Ok(())
}

/// CLIENT INFO
fn client_info(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let mut text = Vec::with_capacity(512);
    client_line::push(&mut text, ctx, args, ctx.client());
    ctx.reply.verbatim(b"txt", &text);
    Ok(())
}

/// CLIENT KILL ip:port | filter value [filter value ...]
fn client_kill(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if args.len() == 3 {
        return kill_address(ctx, &args[2]);
    }
    let filter = Filter::parse(ctx, args.options(2))?;
    let killed = kill(ctx, &filter, true);
    ctx.reply.int(killed as i64);
    Ok(())
}

/// CLIENT KILL ip:port
///
/// The old form closes the caller, too, and it is an error if no client has the address.
fn kill_address(ctx: &mut Ctx<'_>, address: &[u8]) -> Result<(), Error> {
    match kill(ctx, &Filter::address(address)?, false) {
        0 => Err(error::NO_SUCH_CLIENT),
        _ => {
            ctx.reply.ok();
            Ok(())
        }
    }
}

/// Closes the clients that the filter lets pass, and says how many they were. `skips_me` is what holds
/// if the filter does not say whether the caller is to be spared.
///
/// The caller still gets the reply to the command that killed it; the others get nothing any more.
fn kill(ctx: &mut Ctx<'_>, filter: &Filter<'_>, skips_me: bool) -> usize {
    let clients = &ctx.world.clients;
    let me = filter.skips_me(skips_me).then_some(ctx.slot);
    let chosen = |&slot: &Slot| Some(slot) != me && filter.passes(&clients[slot]);
    let slots: Vec<Slot> = filter.candidates(clients).filter(chosen).collect();
    for &slot in &slots {
        if slot == ctx.slot {
            ctx.world.clients.doom(slot, Doom::AfterReply, Departure::Killed);
        } else {
            ctx.world.end_session(slot);
            ctx.world.clients.doom(slot, Doom::Now, Departure::Killed);
        }
    }
    slots.len()
}

/// CLIENT LIST [filter value ...]
///
/// As in the reference, no filter is complete in one word, not even ID.
fn client_list(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if args.len() == 3 {
        return Err(error::SYNTAX);
    }
    let filter = match ctx.world.config.persona.lists_by_one_filter() {
        true => Filter::parse_one(ctx, args)?,
        false => Filter::parse(ctx, args.options(2))?,
    };
    let me = filter.skips_me(false).then_some(ctx.client().id);
    let mut text = Vec::new();
    for slot in filter.candidates(&ctx.world.clients) {
        let client = &ctx.world.clients[slot];
        if Some(client.id) != me && filter.passes(client) {
            client_line::push(&mut text, ctx, args, client);
        }
    }
    ctx.reply.verbatim(b"txt", &text);
    Ok(())
}

/// CLIENT NO-EVICT ON | OFF
fn client_no_evict(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.world.clients.set_no_evict(ctx.slot, on_or_off(args)?);
    ctx.reply.ok();
    Ok(())
}

/// CLIENT NO-TOUCH ON | OFF
fn client_no_touch(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.client_mut().no_touch = on_or_off(args)?;
    ctx.reply.ok();
    Ok(())
}

fn on_or_off(args: Args<'_>) -> Result<bool, Error> {
    if args.is(2, "ON") {
        Ok(true)
    } else if args.is(2, "OFF") {
        Ok(false)
    } else {
        Err(error::SYNTAX)
    }
}

/// CLIENT REPLY ON | OFF | SKIP
///
/// The mode that it sets holds for its own reply too. While replies are off there is none to skip.
fn client_reply(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let client = ctx.client_mut();
    client.reply_mode = match client.reply_mode {
        _ if args.is(2, "ON") => ReplyMode::On,
        _ if args.is(2, "OFF") => ReplyMode::Off,
        ReplyMode::Off if args.is(2, "SKIP") => ReplyMode::Off,
        _ if args.is(2, "SKIP") => ReplyMode::SkipNext,
        _ => return Err(error::SYNTAX),
    };
    ctx.reply.ok();
    Ok(())
}

/// CLIENT SETINFO LIB-NAME libname | LIB-VER libver
fn client_setinfo(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let client = &mut ctx.world.clients[ctx.slot];
    let field = if args.is(2, "LIB-NAME") {
        &mut client.lib_name
    } else if args.is(2, "LIB-VER") {
        &mut client.lib_ver
    } else {
        return Err(error::quoting("Unrecognized option '", &args[2], "'"));
    };
    validate_name(&String::from_utf8_lossy(&args[2]), &args[3])?;
    *field = args[3].into();
    ctx.reply.ok();
    Ok(())
}

/// CLIENT SETNAME connection-name
fn client_setname(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    validate_name("Client names", &args[2])?;
    ctx.client_mut().name = args[2].into();
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::config::Config;
    use crate::embed::local::{Connection, Local, request};
    use crate::wire::Value;

    fn local() -> Local {
        Local::new(Config::default())
    }

    fn named(local: &mut Local, name: &str) -> Connection {
        let client = local.connect();
        assert_eq!(local.call(client, ["CLIENT", "SETNAME", name]).to_string(), "OK");
        client
    }

    /// The lines of CLIENT LIST or INFO; `words` are separated by spaces.
    fn lines(local: &mut Local, client: Connection, words: &str) -> Vec<String> {
        let reply = local.call(client, words.split(' '));
        let text = reply.as_bytes().unwrap_or_else(|| panic!("{words}: {reply}"));
        let text = std::str::from_utf8(text).expect("names are plain");
        text.lines().map(str::to_owned).collect()
    }

    /// One field of the only line that `words` bring.
    fn field(local: &mut Local, client: Connection, words: &str, name: &str) -> String {
        let lines = lines(local, client, words);
        assert_eq!(lines.len(), 1, "{lines:?}");
        let mut fields = lines[0].split(' ').filter_map(|field| field.split_once('='));
        fields.find(|&(known, _)| known == name).expect("a field").1.to_owned()
    }

    fn names(local: &mut Local, client: Connection, words: &str) -> Vec<String> {
        let name = |line: &String| {
            line.split(' ').find_map(|field| field.strip_prefix("name=")).map(str::to_owned)
        };
        lines(local, client, words).iter().filter_map(name).collect()
    }

    /// Sends requests in one piece, words separated by spaces, and returns what comes back.
    fn pipeline(local: &mut Local, client: Connection, requests: &[&str]) -> String {
        let bytes: Vec<u8> = requests.iter().flat_map(|words| request(words.split(' '))).collect();
        local.send(client, &bytes);
        String::from_utf8(local.received(client)).expect("text")
    }

    #[test]
    fn a_list_shows_the_oldest_first() {
        let mut local = local();
        let ann = named(&mut local, "ann");
        let ben = named(&mut local, "ben");
        let cat = named(&mut local, "cat");
        local.finish(ann);
        local.received(ann);
        let dan = named(&mut local, "dan");
        assert_eq!(names(&mut local, dan, "CLIENT LIST"), ["ben", "cat", "dan"]);
        assert_eq!(names(&mut local, ben, "CLIENT LIST SKIPME yes"), ["cat", "dan"]);
        assert_eq!(names(&mut local, cat, "CLIENT LIST ID 4 2"), ["ben", "dan"]);
    }

    #[test]
    fn ages_are_whole_seconds() {
        let mut local = local();
        let ann = named(&mut local, "ann");
        local.advance(Duration::from_millis(5_500));
        let ben = named(&mut local, "ben");
        local.advance(Duration::from_millis(1_500));
        assert_eq!(field(&mut local, ben, "CLIENT LIST NAME ann", "age"), "7");
        assert_eq!(field(&mut local, ben, "CLIENT LIST NAME ann", "idle"), "7");
        assert_eq!(names(&mut local, ben, "CLIENT LIST MAXAGE 7"), ["ann"]);
        assert_eq!(names(&mut local, ben, "CLIENT LIST MAXAGE 1"), ["ann", "ben"]);
        assert_eq!(names(&mut local, ben, "CLIENT LIST MAXAGE 8").len(), 0);
        local.call(ann, ["PING"]);
        assert_eq!(names(&mut local, ben, "CLIENT LIST MAXAGE 7 IDLE 1").len(), 0);
    }

    #[test]
    fn a_killed_client_is_gone_at_once() {
        let mut local = local();
        let ann = local.connect();
        let ben = named(&mut local, "ben");
        let kill = "CLIENT KILL NAME ben";
        let said = pipeline(&mut local, ann, &[kill, kill, "CLIENT LIST NAME ben"]);
        assert_eq!(said, ":1\r\n:0\r\n$0\r\n\r\n");
        assert!(!local.is_open(ben));
    }

    #[test]
    fn who_kills_itself_is_answered_and_then_heard_no_more() {
        let mut local = local();
        let ann = local.connect();
        let said = pipeline(&mut local, ann, &["CLIENT KILL ID 1 SKIPME no", "SET k v"]);
        assert_eq!(said, ":1\r\n");
        assert!(!local.is_open(ann));
        let ben = local.connect();
        assert!(local.call(ben, ["GET", "k"]).is_null());
    }

    #[test]
    fn only_the_old_form_kills_the_caller_unasked() {
        let mut local = local();
        let ann = local.connect();
        assert_eq!(local.call(ann, ["CLIENT", "KILL", "ADDR", "local:0"]), Value::Integer(0));
        assert_eq!(local.call(ann, ["CLIENT", "KILL", "local:0"]).to_string(), "OK");
        assert!(!local.is_open(ann));
    }

    #[test]
    fn the_last_command_is_what_was_asked_for_even_if_it_was_refused() {
        let mut local = local();
        let ann = named(&mut local, "ann");
        let ben = local.connect();
        for (words, shown) in [
            ("CLIENT ID", "client|id"),
            ("GET", "get"),
            ("CLIENT", "client"),
            ("CLIENT NOSUCH", "NULL"),
            ("NOSUCH", "NULL"),
        ] {
            local.call(ann, words.split(' '));
            assert_eq!(field(&mut local, ben, "CLIENT LIST NAME ann", "cmd"), shown, "{words}");
        }
        assert_eq!(field(&mut local, ben, "CLIENT LIST NAME ann", "tot-cmds"), "2");
    }

    #[test]
    fn what_is_read_and_not_run_shows_in_the_query_buffer() {
        let mut local = local();
        let ann = named(&mut local, "ann");
        let ben = local.connect();
        assert_eq!(field(&mut local, ben, "CLIENT LIST NAME ann", "qbuf"), "0");
        let before = local.engine.world.clients.iter().next().expect("ann").memory();
        local.send(ann, b"*2\r\n$3\r\nGET\r\n$1");
        assert_eq!(field(&mut local, ben, "CLIENT LIST NAME ann", "qbuf"), "15");
        let total = field(&mut local, ben, "CLIENT LIST NAME ann", "tot-mem");
        assert!(total.parse::<usize>().expect("a number") >= before + 15);
        assert_ne!(field(&mut local, ben, "CLIENT LIST NAME ann", "argv-mem"), "0");
    }

    #[test]
    fn what_is_said_and_not_sent_shows_in_the_output_buffer() {
        let mut local = local();
        let ann = named(&mut local, "ann");
        let ben = local.connect();
        local.send(ann, b"PING\r\nPING\r\n");
        assert_eq!(field(&mut local, ben, "CLIENT LIST NAME ann", "obl"), "14");
        assert_eq!(field(&mut local, ben, "CLIENT LIST NAME ann", "events"), "r");
        let slot = local.engine.world.clients.slot_of(1).expect("ann");
        local.engine.sent(slot, 10);
        local.engine.stalled(slot);
        assert_eq!(field(&mut local, ben, "CLIENT LIST NAME ann", "obl"), "4");
        assert_eq!(field(&mut local, ben, "CLIENT LIST NAME ann", "events"), "rw");
        local.received(ann);
        assert_eq!(field(&mut local, ben, "CLIENT LIST NAME ann", "obl"), "0");
        assert_eq!(field(&mut local, ben, "CLIENT LIST NAME ann", "omem"), "0");
        assert_eq!(field(&mut local, ben, "CLIENT LIST NAME ann", "events"), "r");
    }

    #[test]
    fn who_asks_sees_the_replies_before_its_own() {
        let mut local = local();
        let ann = local.connect();
        assert!(pipeline(&mut local, ann, &["CLIENT INFO"]).contains(" argv-mem=10 "));
        let said = pipeline(&mut local, ann, &["PING", "CLIENT INFO"]);
        assert!(said.contains(" rbp=7 obl=7 "), "{said}");
        assert!(said.contains(" tot-cmds=2\n"), "{said}");
    }

    #[test]
    fn while_replies_are_off_errors_are_not_said_either() {
        let mut local = local();
        let ann = local.connect();
        let requests =
            ["CLIENT REPLY OFF", "PING", "NOSUCH", "CLIENT REPLY", "CLIENT REPLY SKIP", "GET"];
        assert_eq!(pipeline(&mut local, ann, &requests), "");
        assert_eq!(pipeline(&mut local, ann, &["CLIENT REPLY ON", "PING"]), "+OK\r\n+PONG\r\n");
        assert_eq!(local.engine.world.stats.error_replies, 3);
    }

    #[test]
    fn only_one_request_is_skipped() {
        let mut local = local();
        let ann = local.connect();
        for skipped in ["PING", "NOSUCH", "CLIENT REPLY NOSUCH", "GET"] {
            let said = pipeline(&mut local, ann, &["CLIENT REPLY SKIP", skipped, "ECHO said"]);
            assert_eq!(said, "$4\r\nsaid\r\n", "{skipped}");
        }
        let said = pipeline(&mut local, ann, &["CLIENT REPLY SKIP", "CLIENT REPLY ON"]);
        assert_eq!(said, "+OK\r\n");
        local.send(ann, b"CLIENT REPLY SKIP\r\n\r\nPING\r\n");
        assert_eq!(local.received(ann), b"+PONG\r\n");
    }

    #[test]
    fn a_protocol_error_is_not_said_while_replies_are_off() {
        let mut local = local();
        let ann = local.connect();
        local.send(ann, b"CLIENT REPLY OFF\r\n*x\r\n");
        assert_eq!(local.received(ann), b"");
        assert!(!local.is_open(ann));
    }
}
