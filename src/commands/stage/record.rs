//! STAGE RECORD: writes a conversation of what clients and the server say.

use super::on_stage;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::files;
use crate::stage::matching::number;
use crate::stage::recording::{Recording, USUAL_LIMIT};
use crate::wire::{Args, Options};

/// STAGE RECORD (START file [LIMIT bytes] | STOP)
pub(super) fn stage_record(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let is_on = on_stage(ctx)?.recording.is_some();
    let mut words = args.options(2);
    let (starts, file) = match words.flag("START") {
        true => (true, words.word()),
        false if words.flag("STOP") => (false, None),
        false => return Err(error::stage_value("RECORD", words.peek(), "START or STOP")),
    };
    let limit = match file.is_some() && words.flag("LIMIT") {
        true => number("LIMIT", words.word(), 1..=u64::MAX)?,
        false => USUAL_LIMIT,
    };
    is_over(&words)?;
    match (starts, is_on) {
        (true, true) => return Err(error::RECORDING_GOES_ON),
        (true, false) => start(ctx, file, limit, args)?,
        (false, true) => stop(ctx)?,
        (false, false) => return Err(error::NOT_RECORDING),
    }
    ctx.reply.ok();
    Ok(())
}

/// Begins with clients as they are now: what they have been replied already is no part of the conversation.
fn start(ctx: &mut Ctx<'_>, file: Option<&[u8]>, limit: u64, args: Args<'_>) -> Result<(), Error> {
    const WANTED: &str = "the name of a file that is not there yet, in 'dir'";
    let wrong = || error::stage_value("START", file, WANTED);
    let name = file.ok_or_else(wrong)?;
    let dir = ctx.world.config.dir.clone().ok_or(error::RECORDING_WITHOUT_DIR)?;
    let file = files::create_in(&dir, name)
        .map_err(|error| error::recording_failed(name, &files::reason(&error)))?;
    let Some(file) = file else { return Err(wrong()) };
    let now = ctx.now().mono;
    let mut recording = Recording::new(Box::new(file), limit, now);
    for client in ctx.world.clients.iter() {
        recording.meet(client.id, client.outbox.unsent_len());
    }
    let caller = ctx.client();
    recording.meet(caller.id, ctx.reply.len().saturating_sub(caller.outbox.sent));
    // Its reply comes, and is not written.
    recording.request(now, caller.id, args);
    on_stage(ctx)?.recording = Some(Box::new(recording));
    Ok(())
}

/// Writes what clients are owed, too: that was said.
fn stop(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (now, own, sent) = (ctx.now().mono, ctx.client().id, ctx.client().outbox.sent);
    let Some(mut recording) = on_stage(ctx)?.recording.take() else {
        return Err(error::NOT_RECORDING);
    };
    for client in ctx.world.clients.iter().filter(|client| client.id != own) {
        client.outbox.sendable_pieces().for_each(|piece| recording.sent(now, client.id, piece));
    }
    recording.sent(now, own, &ctx.reply.behind(sent));
    match recording.end(now) {
        Ok(true) => Ok(()),
        Ok(false) => Err(error::RECORDING_IS_FULL),
        Err(error) => Err(error::recording_failed(b"it", &files::reason(&error))),
    }
}

/// Nothing may follow.
fn is_over(words: &Options<'_>) -> Result<(), Error> {
    words.peek().map_or(Ok(()), |word| Err(error::stage_word(word, "nothing")))
}
