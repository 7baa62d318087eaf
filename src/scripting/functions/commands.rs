//! FUNCTION FCALL FCALL_RO: libraries of functions, and calls of functions by name.

use super::super::eval::{self, SCRIPT_FLAGS};
use super::super::run;
use super::library::{ENGINE, Library};
use super::registry::Registry;
use super::{Functions, dump};
use crate::dispatch::help::help;
use crate::dispatch::spec::category::SCRIPTING;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, numkeys};
use crate::dispatch::{Ctx, Flags};
use crate::error::{self, Error};
use crate::text::glob::Glob;
use crate::wire::{Args, OwnedArgs, Reply};
use crate::world::{ScriptKind, World};

pub(in super::super) const TABLE: &[Spec] = &[
    Spec::new("fcall", -3, SCRIPT_FLAGS | MAY_REPLICATE, fcall)
        .acl(SCRIPTING)
        .flags_of(flags_by_name)
        .key(RW | ACCESS | UPDATE, numkeys(2))
        .note("We cannot tell how the keys will be used so we assume the worst, RW and UPDATE")
        .doc(
            "7.0.0",
            "Depends on the function that is executed.",
            "function numkeys [key...] [arg...]",
            "Calls a function.",
        ),
    Spec::new("fcall_ro", -3, SCRIPT_FLAGS | READ, fcall_ro)
        .acl(SCRIPTING)
        .flags_of(flags_by_name)
        .key(RO | ACCESS, numkeys(2))
        .note("We cannot tell how the keys will be used so we assume the worst, RO and ACCESS")
        .doc(
            "7.0.0",
            "Depends on the function that is executed.",
            "function numkeys [key...] [arg...]",
            "Calls a function that may not change data.",
        ),
    Spec::container("function", FUNCTION).doc(
        "7.0.0",
        "Depends on the subcommand.",
        "",
        "Commands about libraries of functions.",
    ),
];

const EVERYWHERE: &[&str] = &["request_policy:all_shards", "response_policy:all_succeeded"];

const FUNCTION: &[Spec] = &[
    Spec::new("delete", 3, WRITE | NOSCRIPT, delete).acl(SCRIPTING).tips(EVERYWHERE).doc(
        "7.0.0",
        "O(1)",
        "library-name",
        "Deletes a library and its functions.",
    ),
    Spec::new("dump", 2, NOSCRIPT, dump_all).acl(SCRIPTING).doc(
        "7.0.0",
        "O(N) where N is the number of functions",
        "",
        "Returns all libraries as a payload for FUNCTION RESTORE.",
    ),
    Spec::new("flush", -2, WRITE | NOSCRIPT, flush).acl(SCRIPTING).tips(EVERYWHERE).doc(
        "7.0.0",
        "O(N) where N is the number of functions deleted",
        "[flush-type: ASYNC | SYNC]",
        "Deletes all libraries.",
    ),
    Spec::new("help", 2, LOADING | STALE, help).acl(SCRIPTING).doc(
        "7.0.0",
        "O(1)",
        "",
        "Lists the subcommands.",
    ),
    Spec::new("kill", 2, NOSCRIPT | ALLOW_BUSY, kill)
        .acl(SCRIPTING)
        .tips(&["request_policy:all_shards", "response_policy:one_succeeded"])
        .doc("7.0.0", "O(1)", "", "Ends the function that is running."),
    Spec::new("list", -2, NOSCRIPT, list)
        .acl(SCRIPTING)
        .tips(&["nondeterministic_output_order"])
        .doc(
            "7.0.0",
            "O(N) where N is the number of functions",
            "[LIBRARYNAME library-name-pattern] [WITHCODE]",
            "Lists libraries and their functions.",
        ),
    Spec::new("load", -3, WRITE | DENYOOM | NOSCRIPT, load).acl(SCRIPTING).tips(EVERYWHERE).doc(
        "7.0.0",
        "O(1) (considering compilation time is redundant)",
        "[REPLACE] function-code",
        "Creates a library, and returns its name.",
    ),
    Spec::new("restore", -3, WRITE | DENYOOM | NOSCRIPT, restore)
        .acl(SCRIPTING)
        .tips(EVERYWHERE)
        .doc(
            "7.0.0",
            "O(N) where N is the number of functions on the payload",
            "serialized-value [policy: FLUSH | APPEND | REPLACE]",
            "Creates the libraries of a payload of FUNCTION DUMP.",
        ),
    Spec::new("stats", 2, NOSCRIPT | ALLOW_BUSY, stats)
        .acl(SCRIPTING)
        .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
        .doc("7.0.0", "O(1)", "", "Tells what is running, and how many functions there are."),
];

/// FCALL function numkeys [key...] [arg...]
fn fcall(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    call(ctx, args, false)
}

/// FCALL_RO function numkeys [key...] [arg...]
fn fcall_ro(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    call(ctx, args, true)
}

fn call(ctx: &mut Ctx<'_>, args: Args<'_>, is_read_only: bool) -> Result<(), Error> {
    run::show(ctx, args);
    Functions::with(ctx, |functions, ctx| {
        let function = functions.registry.function(&args[1]).ok_or(error::NO_FUNCTION)?;
        let given = eval::given(args, true)?;
        let flags = run::held_to(Some(function.flags.of_run()), ctx, is_read_only)?;
        let interpreter = functions.interpreter.as_ref().ok_or(error::NO_FUNCTION)?;
        run::run(
            interpreter,
            ctx,
            function.callback,
            given,
            flags,
            run::Which::Function(&function.name),
        )
    })
}

/// See [`Spec::flags_of`].
fn flags_by_name(world: &World, args: Args<'_>, flags: Flags) -> Flags {
    let functions = world.feature::<Functions>();
    let found =
        functions.zip(args.get(1)).and_then(|(functions, name)| functions.registry.function(name));
    run::gated(found.map(|function| function.flags.of_run()), flags)
}

/// FUNCTION DELETE library-name
fn delete(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    Functions::with(ctx, |functions, ctx| {
        let (interpreter, registry) = functions.parts()?;
        if !registry.remove(interpreter, &args[2]) {
            return Err(error::NO_LIBRARY);
        }
        have_changed(ctx);
        ctx.reply.ok();
        Ok(())
    })
}

/// FUNCTION DUMP
fn dump_all(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    Functions::with(ctx, |functions, ctx| {
        let libraries = functions.registry.libraries();
        ctx.reply.bulk(&dump::write(libraries.map(|library| &*library.code)));
        Ok(())
    })
}

/// FUNCTION FLUSH [ASYNC|SYNC]
///
/// What is large is freed with the Lua state as a whole, so that both ways are the same.
fn flush(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    match args.len() {
        2 => {}
        3 if args.is(2, "ASYNC") || args.is(2, "SYNC") => {}
        3 => return Err(error::FUNCTION_FLUSH_OPTION),
        _ => return Err(ctx.world.config.persona.subcommand_syntax("function", &args[1])),
    }
    Functions::with(ctx, |functions, ctx| {
        *functions.registry = Registry::default();
        have_changed(ctx);
        ctx.reply.ok();
        Ok(())
    })
}

/// FUNCTION KILL
fn kill(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.world.kill_script(ScriptKind::Function)?;
    ctx.reply.ok();
    Ok(())
}

/// FUNCTION LIST [LIBRARYNAME library-name-pattern] [WITHCODE]
fn list(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut pattern, mut has_code) = (None, false);
    let mut words = args.from(2);
    while let Some(word) = words.next() {
        if !has_code && word.eq_ignore_ascii_case(b"WITHCODE") {
            has_code = true;
        } else if pattern.is_none() && word.eq_ignore_ascii_case(b"LIBRARYNAME") {
            pattern = Some(words.next().ok_or(error::NO_LIBRARY_PATTERN)?);
        } else {
            return Err(error::unknown_argument(word));
        }
    }
    let pattern = pattern.map(Glob::ignoring_case);
    Functions::with(ctx, |functions, ctx| {
        let is_shown = |library: &&Library| {
            pattern.as_ref().is_none_or(|pattern| pattern.matches(&library.name))
        };
        ctx.reply.array_of(|reply| {
            let mut shown = 0;
            for library in functions.registry.libraries().filter(is_shown) {
                if reply.is_full() {
                    break;
                }
                show(reply, library, has_code);
                shown += 1;
            }
            shown
        });
        Ok(())
    })
}

fn show(reply: &mut Reply, library: &Library, has_code: bool) {
    reply.map(if has_code { 4 } else { 3 });
    reply.bulk(b"library_name");
    reply.bulk(&library.name);
    reply.bulk(b"engine");
    reply.bulk(ENGINE.as_bytes());
    reply.bulk(b"functions");
    reply.array(library.functions.len());
    for function in &library.functions {
        reply.map(3);
        reply.bulk(b"name");
        reply.bulk(&function.name);
        reply.bulk(b"description");
        match &function.description {
            Some(description) => reply.bulk(description),
            None => reply.null(),
        }
        reply.bulk(b"flags");
        reply.set(function.flags.names().count());
        function.flags.names().for_each(|name| reply.status(name));
    }
    if has_code {
        reply.bulk(b"library_code");
        reply.bulk(&library.code);
    }
}

/// FUNCTION LOAD [REPLACE] function-code
fn load(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let last = args.len() - 1;
    if let Some(option) = args.from(2).take(last - 2).find(|word| !is_replace(word)) {
        return Err(error::unknown_option(option));
    }
    Functions::with(ctx, |functions, ctx| {
        let (interpreter, registry) = functions.parts()?;
        let name = registry.load(interpreter, &args[last], last > 2)?;
        have_changed(ctx);
        ctx.reply.bulk(&name);
        Ok(())
    })
}

fn is_replace(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"REPLACE")
}

/// What RESTORE does with the libraries that are there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Policy {
    Flush,
    Append,
    Replace,
}

impl Policy {
    fn read(word: &[u8]) -> Result<Policy, Error> {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        match () {
            () if is("FLUSH") => Ok(Policy::Flush),
            () if is("APPEND") => Ok(Policy::Append),
            () if is_replace(word) => Ok(Policy::Replace),
            () => Err(error::RESTORE_POLICY),
        }
    }
}

/// FUNCTION RESTORE serialized-value [FLUSH|APPEND|REPLACE]
fn restore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let policy = match args.len() {
        3 => Policy::Append,
        4 => Policy::read(&args[3])?,
        _ => return Err(ctx.world.config.persona.subcommand_syntax("function", &args[1])),
    };
    let libraries = dump::read(&args[2])?;
    Functions::with(ctx, |functions, ctx| {
        if policy == Policy::Flush {
            // The libraries that go take their state with them.
            let (interpreter, mut restored) = (functions.fresh()?, Registry::default());
            for code in libraries {
                restored.load(&interpreter, &code?, false)?;
            }
            functions.interpreter = Some(interpreter);
            *functions.registry = restored;
        } else {
            let (interpreter, registry) = functions.parts()?;
            let mut restored = Registry::default();
            for code in libraries {
                let loaded = code.and_then(|code| restored.load(interpreter, &code, false));
                if let Err(error) = loaded {
                    restored.forget(interpreter);
                    return Err(error);
                }
            }
            registry.join(interpreter, restored, policy == Policy::Replace)?;
        }
        have_changed(ctx);
        ctx.reply.ok();
        Ok(())
    })
}

/// FUNCTION STATS
///
/// It may be asked while a function runs. The libraries are not in the world then, their numbers are.
fn stats(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let running = ctx.running_function()?.map(|function| Shown {
        name: function.name.to_vec(),
        command: function.command.to_owned(),
        millis: function.millis,
    });
    let Ctx { world, reply, .. } = ctx;
    reply.map(2);
    reply.bulk(b"running_script");
    match running {
        None => reply.null(),
        Some(Shown { name, command, millis }) => {
            reply.map(3);
            reply.bulk(b"name");
            reply.bulk(&name);
            reply.bulk(b"command");
            reply.array(command.args().len());
            command.args().from(0).for_each(|word| reply.bulk(word));
            reply.bulk(b"duration_ms");
            reply.int(i64::try_from(millis).unwrap_or(i64::MAX));
        }
    }
    reply.bulk(b"engines");
    reply.map(1);
    reply.bulk(ENGINE.as_bytes());
    reply.map(2);
    reply.bulk(b"libraries_count");
    reply.int(world.stats.scripts.libraries as i64);
    reply.bulk(b"functions_count");
    reply.int(world.stats.scripts.functions as i64);
    Ok(())
}

/// What FUNCTION STATS shows of a function that runs.
struct Shown {
    name: Vec<u8>,
    command: OwnedArgs,
    millis: u64,
}

/// Libraries have changed: a log has to have the command.
fn have_changed(ctx: &mut Ctx<'_>) {
    ctx.world.store.shared.changes += 1;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::config::Config;
    use crate::embed::local::{Connection, Local};
    use crate::embed::testing::call;
    use crate::rdb::crc64::crc64;
    use crate::telemetry::stats::ScriptStats;
    use crate::wire::Value;

    fn start() -> (Local, Connection) {
        let mut local = Local::new(Config::default());
        let client = local.connect();
        (local, client)
    }

    /// Loads a library of this name.
    fn load(local: &mut Local, client: Connection, name: &str, body: &str) -> String {
        let code = format!("#!lua name={name}\n{body}");
        call(local, client, &["FUNCTION", "LOAD", "REPLACE", &code])
    }

    fn stats(local: &Local) -> &ScriptStats {
        &local.engine.world.stats.scripts
    }

    #[test]
    fn two_functions_of_a_library_may_not_differ_in_capitals_only() {
        let (mut local, client) = start();
        let body = "server.register_function('f', function() end)
            server.register_function('F', function() end)";
        let refused = "-ERR Function already exists in the library\r\n";
        assert_eq!(load(&mut local, client, "lib", body), refused);
        assert_eq!(stats(&local).libraries, 0);
    }

    #[test]
    fn a_state_goes_with_its_last_library() {
        let (mut local, client) = start();
        let body = "server.register_function('f', function() return 1 end)";
        let before = local.engine.world.memory().scripts;
        for end in [&["FUNCTION", "FLUSH"][..], &["FUNCTION", "DELETE", "lib"]] {
            assert_eq!(load(&mut local, client, "lib", body), "$3\r\nlib\r\n");
            assert!(stats(&local).functions_lua_memory > 10_000);
            assert!(local.engine.world.memory().scripts > before + 10_000);
            assert_eq!(call(&mut local, client, end), "+OK\r\n");
            assert_eq!(local.engine.world.memory().scripts, before);
        }
        // One that was not even loaded leaves nothing either.
        assert!(load(&mut local, client, "lib", "x = 1").starts_with("-ERR"));
        assert_eq!(local.engine.world.memory().scripts, before);
    }

    #[test]
    fn what_was_replaced_is_collected() {
        let (mut local, client) = start();
        load(&mut local, client, "other", "server.register_function('g', function() end)");
        for n in 100..200 {
            // Equal strings would be one.
            let large = format!(
                "local large = ('{n}'):rep(300000)
                server.register_function('f', function() return #large end)"
            );
            assert_eq!(load(&mut local, client, "lib", &large), "$3\r\nlib\r\n");
        }
        assert!(stats(&local).functions_lua_memory < 30_000_000, "{:?}", stats(&local));
        assert_eq!(call(&mut local, client, &["FCALL", "f", "0"]), ":900000\r\n");
    }

    #[test]
    fn more_functions_are_kept_than_lua_has_references() {
        let (mut local, client) = start();
        for n in 0..10 {
            let body = format!(
                "for i = 1, 1000 do server.register_function('f{n}_' .. i, function() return i end) end"
            );
            let name = format!("lib{n}");
            assert_eq!(load(&mut local, client, &name, &body), format!("$4\r\n{name}\r\n"));
        }
        assert_eq!(stats(&local).functions, 10_000);
        assert_eq!(call(&mut local, client, &["FCALL", "f9_1000", "0"]), ":1000\r\n");
    }

    #[test]
    fn names_and_descriptions_are_bounded() {
        let (mut local, client) = start();
        let body = "local text, i = ('x'):rep(1000000), 0
            while true do
              i = i + 1
              server.register_function{
                function_name = 'f' .. i, callback = server.log, description = text
              }
            end";
        let refused = "-ERR Error registering functions: ERR not enough memory\r\n";
        assert_eq!(load(&mut local, client, "lib", body), refused);
        let body =
            "local texts = {} while true do texts[#texts + 1] = ('x'):rep(2000000) .. #texts end";
        assert_eq!(load(&mut local, client, "lib", body), refused);
    }

    /// FUNCTION DUMP
    fn dump(local: &mut Local, client: Connection) -> Vec<u8> {
        match local.call(client, ["FUNCTION", "DUMP"]) {
            Value::Bulk(payload) => payload,
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        /// Whatever stands in a payload: it is restored, or nothing has changed.
        #[test]
        fn a_payload_is_restored_as_a_whole_or_not_at_all(
            at in 0_usize..1000, byte in any::<u8>(), policy in 0_usize..3
        ) {
            let (mut local, client) = start();
            for name in ["one", "two"] {
                let body = format!("server.register_function('in_{name}', function() return '{name}' end)");
                load(&mut local, client, name, &body);
            }
            let before = dump(&mut local, client);
            let mut payload = before[..before.len() - 8].to_vec();
            let at = at % payload.len();
            payload[at] = byte;
            payload.extend(crc64(&payload).to_le_bytes());
            let policy = ["FLUSH", "APPEND", "REPLACE"][policy];
            let words = [&b"FUNCTION"[..], b"RESTORE", &payload, policy.as_bytes()];
            let reply = local.call(client, words);
            if matches!(reply, Value::Error(_)) {
                prop_assert_eq!(dump(&mut local, client), before);
            }
            prop_assert_eq!(call(&mut local, client, &["PING"]), "+PONG\r\n");
        }
    }
}
