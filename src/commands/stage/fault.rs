//! STAGE FAULT: what commands meet, and what comes of it.

use super::on_stage;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::peer::Kind;
use crate::stage::fault::Fault;
use crate::text::quote;
use crate::wire::{Args, Reply};

/// STAGE FAULT ADD name ... | CLEAR | DEL name | LIST
pub(super) fn stage_fault(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    const WANTED: &str = "ADD, CLEAR, DEL or LIST";
    on_stage(ctx)?;
    let has = |words: usize| match args.get(words) {
        None => Ok(()),
        Some(word) => Err(error::stage_word(word, "nothing more")),
    };
    match args.get(2) {
        Some(_) if args.is(2, "ADD") => add(ctx, args)?,
        Some(_) if args.is(2, "CLEAR") => {
            has(3)?;
            on_stage(ctx)?.faults.clear();
            ctx.world.release_replies(None);
        }
        Some(_) if args.is(2, "DEL") => {
            has(4)?;
            let name = args.get(3).ok_or_else(|| error::stage_value("DEL", None, "a name"))?;
            let removed = on_stage(ctx)?.faults.remove(name);
            let number = removed.ok_or_else(|| error::stage_no_fault(name))?;
            ctx.world.release_replies(Some(number));
        }
        Some(_) if args.is(2, "LIST") => {
            has(3)?;
            list(ctx);
            return Ok(());
        }
        Some(word) => return Err(error::stage_word(word, WANTED)),
        None => return Err(error::stage_value("FAULT", None, WANTED)),
    }
    ctx.reply.ok();
    Ok(())
}

fn add(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let own = ctx.client().id;
    let clients = &ctx.world.clients;
    let is_admin =
        |id| clients.slot_of(id).is_some_and(|slot| clients[slot].peer.kind == Kind::Admin);
    let Some(stage) = &mut ctx.world.stage else {
        return Err(error::STAGE_NOT_ALLOWED);
    };
    stage.faults.add(args, args.options(3), |id| id == own || is_admin(id))
}

/// An array of the faults in their order: of each its name, how many commands it was meant for and how many it has hit,
/// and its words.
fn list(ctx: &mut Ctx<'_>) {
    let (reply, Some(stage)) = (&mut *ctx.reply, &ctx.world.stage) else {
        return ctx.reply.array(0);
    };
    reply.array(stage.faults.iter().len());
    for fault in stage.faults.iter() {
        if reply.is_full() {
            return;
        }
        show(reply, fault);
    }
}

fn show(reply: &mut Reply, fault: &Fault) {
    let counters = fault.counters();
    let mut words = Vec::new();
    for word in fault.words() {
        if !words.is_empty() {
            words.push(b' ');
        }
        match word.iter().all(|byte| byte.is_ascii_graphic() && !b"\"'\\".contains(byte)) {
            true if !word.is_empty() => words.extend_from_slice(word),
            _ => quote::push_quoted(&mut words, word),
        }
    }
    reply.map(4);
    reply.bulk(b"name");
    reply.bulk(fault.name());
    reply.bulk(b"seen");
    reply.int(i64::try_from(counters.seen).unwrap_or(i64::MAX));
    reply.bulk(b"hits");
    reply.int(i64::try_from(counters.hits).unwrap_or(i64::MAX));
    reply.bulk(b"rule");
    reply.bulk(&words);
}
