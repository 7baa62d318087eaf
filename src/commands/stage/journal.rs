//! STAGE JOURNAL: what clients have sent, and what they were replied.

use super::on_stage;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::listeners::Wake;
use crate::stage::journal::{Entry, HIGHEST_LIMIT, USUAL_LIMIT};
use crate::stage::matching::{Clients, Commands, number};
use crate::wire::{Args, Options, Reply};

/// The longest TIMEOUT, in ms: a day.
const LONGEST: u64 = 86_400_000;

/// STAGE JOURNAL (ON [limit] | OFF | RESET | GET [CLIENT ...] [SINCE seq] | WAIT command [ARGS ...] COUNT n TIMEOUT ms)
pub(super) fn stage_journal(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let journal = &mut on_stage(ctx)?.journal;
    let mut words = args.options(2);
    if words.flag("ON") {
        let limit = match words.is_over() {
            true => USUAL_LIMIT,
            false => number("ON", words.word(), 1..=HIGHEST_LIMIT)?,
        };
        is_over(&words)?;
        journal.turn_on(limit as usize);
    } else if words.flag("OFF") {
        is_over(&words)?;
        journal.turn_off();
        ctx.world.end_watches();
    } else if words.flag("RESET") {
        is_over(&words)?;
        journal.forget();
    } else if words.flag("GET") {
        return get(ctx, words);
    } else if words.flag("WAIT") {
        return wait(ctx, words);
    } else {
        let wanted = "ON, OFF, RESET, GET or WAIT";
        return Err(error::stage_value("JOURNAL", words.peek(), wanted));
    }
    ctx.reply.ok();
    Ok(())
}

/// STAGE JOURNAL GET [CLIENT ...] [SINCE seq]
fn get(ctx: &mut Ctx<'_>, mut words: Options<'_>) -> Result<(), Error> {
    let (mut clients, mut since) = (Clients::default(), 0);
    while !words.is_over() {
        if words.flag("SINCE") {
            since = number("SINCE", words.word(), 0..=u64::MAX)?;
        } else if !clients.read(&mut words)? {
            let word = words.peek().unwrap_or_default();
            return Err(error::stage_word(word, "CLIENT or SINCE"));
        }
    }
    on_stage(ctx)?;
    let Ctx { world, reply, .. } = ctx;
    let Some(stage) = &world.stage else {
        return Err(error::STAGE_NOT_ALLOWED);
    };
    reply.array_of(|reply| {
        stage.journal.entries(since, &clients).map(|entry| write(reply, entry)).count()
    });
    Ok(())
}

/// Writes an entry as a map.
fn write(reply: &mut Reply, entry: &Entry) {
    reply.map(6);
    reply.bulk(b"seq");
    reply.int(entry.number as i64);
    reply.bulk(b"time");
    reply.int(entry.micros as i64);
    reply.bulk(b"client");
    reply.int(entry.client.id as i64);
    reply.bulk(b"name");
    reply.bulk(&entry.client.name);
    reply.bulk(b"argv");
    let words = entry.args.args();
    reply.array(words.len());
    words.from(0).for_each(|word| reply.bulk(word));
    reply.bulk(b"reply");
    match &entry.reply {
        Some(bytes) => reply.bulk(bytes),
        None => reply.null(),
    }
}

/// STAGE JOURNAL WAIT command [ARGS index glob [index glob ...]] COUNT n TIMEOUT ms
fn wait(ctx: &mut Ctx<'_>, mut words: Options<'_>) -> Result<(), Error> {
    let mut commands = Commands::named("WAIT", words.word())?;
    let (mut count, mut timeout) = (None, None);
    while !words.is_over() {
        if words.flag("COUNT") {
            count = Some(number("COUNT", words.word(), 1..=HIGHEST_LIMIT)?);
        } else if words.flag("TIMEOUT") {
            timeout = Some(number("TIMEOUT", words.word(), 0..=LONGEST)?);
        } else if !commands.read_arguments(&mut words)? {
            let word = words.peek().unwrap_or_default();
            return Err(error::stage_word(word, "ARGS, COUNT or TIMEOUT"));
        }
    }
    let (Some(count), Some(timeout)) = (count, timeout) else {
        return Err(error::stage_value("WAIT", None, "COUNT and TIMEOUT behind the command"));
    };
    let found = ctx.world.watch_journal(ctx.slot, commands, count, timeout * 1000);
    let found = found.ok_or(error::JOURNAL_OFF)?;
    ctx.reply.int(found as i64);
    if found < count {
        ctx.wait(0, Wake::Time, 0..0);
    }
    Ok(())
}

/// Nothing may follow.
fn is_over(words: &Options<'_>) -> Result<(), Error> {
    words.peek().map_or(Ok(()), |word| Err(error::stage_word(word, "nothing")))
}
