//! EVAL EVALSHA EVAL_RO EVALSHA_RO SCRIPT: scripts, by their code or their SHA-1.

use super::cache::{self, Digest};
use super::interpreter::{FIRST_GIVEN, Given, Interpreter, Kept};
use super::shebang;
use super::{AtHand, Scripts, run};
use crate::dispatch::help::help;
use crate::dispatch::spec::category::SCRIPTING;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, numkeys};
use crate::dispatch::{Ctx, Flags};
use crate::error::{self, Error};
use crate::text::number;
use crate::wire::Args;
use crate::world::{ScriptKind, World};

pub(super) const SCRIPT_FLAGS: Flags = NOSCRIPT | STALE | SKIP_MONITOR | NO_MANDATORY_KEYS;

pub(super) const TABLE: &[Spec] = &[
    Spec::new("eval", -3, SCRIPT_FLAGS | MAY_REPLICATE, eval)
        .acl(SCRIPTING)
        .flags_of(flags_by_code)
        .key(RW | ACCESS | UPDATE, numkeys(2))
        .note("We cannot tell how the keys will be used so we assume the worst, RW and UPDATE")
        .doc(
            "2.6.0",
            "Depends on the script that is executed.",
            "script numkeys [key...] [arg...]",
            "Runs a script in Lua.",
        ),
    Spec::new("eval_ro", -3, SCRIPT_FLAGS | READ, eval_ro)
        .acl(SCRIPTING)
        .flags_of(flags_by_code)
        .key(RO | ACCESS, numkeys(2))
        .note("We cannot tell how the keys will be used so we assume the worst, RO and ACCESS")
        .doc(
            "7.0.0",
            "Depends on the script that is executed.",
            "script numkeys [key...] [arg...]",
            "Runs a script in Lua that may not change data.",
        ),
    Spec::new("evalsha", -3, SCRIPT_FLAGS | MAY_REPLICATE, evalsha)
        .acl(SCRIPTING)
        .flags_of(flags_by_digest)
        .key(RW | ACCESS | UPDATE, numkeys(2))
        .doc(
            "2.6.0",
            "Depends on the script that is executed.",
            "sha1 numkeys [key...] [arg...]",
            "Runs the script that has this SHA-1.",
        ),
    Spec::new("evalsha_ro", -3, SCRIPT_FLAGS | READ, evalsha_ro)
        .acl(SCRIPTING)
        .flags_of(flags_by_digest)
        .key(RO | ACCESS, numkeys(2))
        .doc(
            "7.0.0",
            "Depends on the script that is executed.",
            "sha1 numkeys [key...] [arg...]",
            "Runs the script that has this SHA-1 and may not change data.",
        ),
    Spec::container("script", SCRIPT).doc(
        "2.6.0",
        "Depends on the subcommand.",
        "",
        "Commands about scripts that are kept.",
    ),
];

const SCRIPT: &[Spec] = &[
    Spec::new("exists", -3, NOSCRIPT | STALE, exists)
        .acl(SCRIPTING)
        .tips(&["request_policy:all_shards", "response_policy:agg_logical_and"])
        .doc(
            "2.6.0",
            "O(N) with N being the number of scripts to check",
            "sha1...",
            "Tells which scripts are kept.",
        ),
    Spec::new("flush", -2, NOSCRIPT | STALE, flush)
        .acl(SCRIPTING)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .doc(
            "2.6.0",
            "O(N) with N being the number of scripts in cache",
            "[flush-type: ASYNC | SYNC]@6.2",
            "Forgets all scripts.",
        )
        .history(&[("6.2.0", "Modifiers `ASYNC` and `SYNC`.")]),
    Spec::new("help", 2, LOADING | STALE, help).acl(SCRIPTING).doc(
        "5.0.0",
        "O(1)",
        "",
        "Lists the subcommands.",
    ),
    Spec::new("kill", 2, NOSCRIPT | ALLOW_BUSY, kill)
        .acl(SCRIPTING)
        .tips(&["request_policy:all_shards", "response_policy:one_succeeded"])
        .doc("2.6.0", "O(1)", "", "Ends the script that runs, if it has changed nothing."),
    Spec::new("load", 3, NOSCRIPT | STALE, load)
        .acl(SCRIPTING)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .doc(
            "2.6.0",
            "O(N) with N being the length in bytes of the script body.",
            "script",
            "Keeps a script for EVALSHA, and returns its SHA-1.",
        ),
    Spec::new("show", 3, NOSCRIPT | STALE, show).acl(SCRIPTING).doc(
        "8.0.0",
        "O(1).",
        "sha1",
        "Returns the code of a script.",
    ),
];

/// EVAL script numkeys [key...] [arg...]
fn eval(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    by_code(ctx, args, false)
}

/// EVAL_RO script numkeys [key...] [arg...]
fn eval_ro(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    by_code(ctx, args, true)
}

/// EVALSHA sha1 numkeys [key...] [arg...]
fn evalsha(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    by_digest(ctx, args, false)
}

/// EVALSHA_RO sha1 numkeys [key...] [arg...]
fn evalsha_ro(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    by_digest(ctx, args, true)
}

fn by_code(ctx: &mut Ctx<'_>, args: Args<'_>, is_read_only: bool) -> Result<(), Error> {
    run::show(ctx, args);
    let given = given(args, false)?;
    Scripts::with(ctx, |scripts, ctx| {
        let digest = match scripts.cache.with_code(&args[1]) {
            Some(digest) => digest,
            None => compile(scripts, ctx, &args[1], false)?,
        };
        evaluate(scripts, ctx, &digest, given, is_read_only)
    })
}

fn by_digest(ctx: &mut Ctx<'_>, args: Args<'_>, is_read_only: bool) -> Result<(), Error> {
    run::show(ctx, args);
    let persona = ctx.world.config.persona;
    let digest = cache::parse(&args[1]).ok_or_else(|| persona.no_script())?;
    Scripts::with(ctx, |scripts, ctx| {
        scripts.cache.get(&digest).ok_or_else(|| persona.no_script())?;
        evaluate(scripts, ctx, &digest, given(args, false)?, is_read_only)
    })
}

/// See [`Spec::flags_of`].
fn flags_by_code(_: &World, args: Args<'_>, flags: Flags) -> Flags {
    // A line that cannot be read is refused when the script runs.
    let said = args.get(1).map(shebang::of_script).and_then(Result::ok).flatten();
    run::gated(said, flags)
}

/// See [`Spec::flags_of`].
fn flags_by_digest(world: &World, args: Args<'_>, flags: Flags) -> Flags {
    let digest = args.get(1).and_then(cache::parse);
    let scripts = world.feature::<Scripts>();
    let script = scripts.zip(digest).and_then(|(scripts, digest)| scripts.cache.get(&digest));
    run::gated(script.and_then(|script| script.flags), flags)
}

/// Which arguments of EVAL, FCALL and their kin the script is given.
pub(super) fn given(args: Args<'_>, is_function: bool) -> Result<Given<'_>, Error> {
    let no_number = if is_function { error::BAD_NUMKEYS } else { error::NOT_AN_INTEGER };
    let numkeys = number::parse_i64(&args[2]).ok_or(no_number)?;
    let numkeys = usize::try_from(numkeys).map_err(|_| error::NEGATIVE_NUMKEYS)?;
    if numkeys > args.len() - FIRST_GIVEN {
        return Err(error::TOO_MANY_NUMKEYS);
    }
    Ok(Given { args, numkeys, is_function })
}

/// Compiles a script and keeps it.
fn compile(
    scripts: &mut AtHand<'_>,
    ctx: &mut Ctx<'_>,
    code: &[u8],
    stays: bool,
) -> Result<Digest, Error> {
    let flags = shebang::of_script(code)?;
    let compiled = chunk(scripts.lua()?, code);
    let function = compiled.map_err(|reason| error::does_not_compile(&reason))?;
    let digest = cache::digest(code);
    if let Some(evicted) = scripts.cache.insert(digest, code, function, flags, stays) {
        scripts.lua()?.forget(evicted);
        ctx.world.stats.scripts.evicted += 1;
    }
    Ok(digest)
}

/// Compiles the code of a script. An error is the compiler's reason.
pub(super) fn chunk(interpreter: &Interpreter, code: &[u8]) -> Result<Kept, String> {
    interpreter.compile("user_script", shebang::code(code))
}

/// Runs a script that is kept.
fn evaluate(
    scripts: &mut AtHand<'_>,
    ctx: &mut Ctx<'_>,
    digest: &Digest,
    given: Given<'_>,
    is_read_only: bool,
) -> Result<(), Error> {
    scripts.cache.used(digest);
    let script = scripts.cache.get(digest).ok_or(error::NOSCRIPT)?;
    let flags = run::held_to(script.flags, ctx, is_read_only)?;
    let (function, interpreter) = (script.function, scripts.lua()?);
    run::run(interpreter, ctx, function, given, flags, run::Which::Script(digest))
}

/// SCRIPT EXISTS sha1...
fn exists(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    Scripts::with(ctx, |scripts, ctx| {
        ctx.reply.array(args.len() - 2);
        for digits in args.from(2) {
            let digest = cache::parse(digits);
            let is_kept = digest.is_some_and(|digest| scripts.cache.get(&digest).is_some());
            ctx.reply.int(is_kept.into());
        }
        Ok(())
    })
}

/// SCRIPT FLUSH [ASYNC|SYNC]
fn flush(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let is_option = args.is(2, "ASYNC") || args.is(2, "SYNC");
    if args.len() > 3 || args.len() == 3 && !is_option {
        return Err(error::SCRIPT_FLUSH_OPTION);
    }
    Scripts::with(ctx, |scripts, ctx| {
        scripts.clear();
        ctx.reply.ok();
        Ok(())
    })
}

/// SCRIPT KILL
fn kill(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.world.kill_script(ScriptKind::Eval)?;
    ctx.reply.ok();
    Ok(())
}

/// SCRIPT LOAD script
fn load(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    Scripts::with(ctx, |scripts, ctx| {
        let digest = match scripts.cache.with_code(&args[2]) {
            Some(digest) => {
                scripts.cache.keep(&digest);
                digest
            }
            None => compile(scripts, ctx, &args[2], true)?,
        };
        ctx.reply.bulk(cache::spelled(&digest).as_bytes());
        Ok(())
    })
}

/// SCRIPT SHOW sha1
fn show(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    Scripts::with(ctx, |scripts, ctx| {
        let digest = cache::parse(&args[2]).ok_or(error::NOSCRIPT)?;
        let script = scripts.cache.get(&digest).ok_or(error::NOSCRIPT)?;
        ctx.reply.bulk(&script.code);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::embed::local::Local;
    use crate::embed::testing::call;

    #[test]
    fn more_scripts_are_kept_than_lua_has_references() {
        let mut local = Local::new(Config::default());
        let client = local.connect();
        for n in 0..8_500 {
            let loaded = call(&mut local, client, &["SCRIPT", "LOAD", &format!("return {n}")]);
            assert!(loaded.starts_with("$40"), "{n}: {loaded}");
        }
        assert_eq!(call(&mut local, client, &["EVAL", "return 5", "0"]), ":5\r\n");
    }
}
