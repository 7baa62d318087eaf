//! Groups and consumers come and go: XGROUP.

use crate::commands::arguments::integer;
use crate::commands::stream::id::{end_of_range, id};
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::keyspace::changes::class;
use crate::keyspace::types::stream::Stream;
use crate::keyspace::{Db, Edit};
use crate::wire::{Args, Options};

/// XGROUP CREATE takes no more arguments, and XGROUP SETID one less: it has no MKSTREAM.
const MOST_ARGUMENTS: usize = 8;

/// XGROUP CREATE key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]
pub(crate) fn xgroup_create(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut options, mut may_create, mut read) = (args.options(5), false, None);
    while !options.is_over() {
        if options.flag("MKSTREAM") {
            may_create = true;
        } else {
            read = entries_read(&mut options, args)?;
        }
    }
    let (mut db, reply) = ctx.db_and_reply();
    let stream = db.edit::<Stream>(&args[2])?.map(|stream| stream.view().last_id());
    if stream.is_none() && !may_create {
        return Err(error::GROUP_NEEDS_A_KEY);
    }
    if args.len() > MOST_ARGUMENTS {
        return Err(error::subcommand_syntax("xgroup", &args[1]));
    }
    let id = match &args[4] {
        b"$" => stream.unwrap_or_default(),
        text => id(text, 0)?,
    };
    let is_new = stream.is_none();
    let mut stream = db.edit_or_new::<Stream>(&args[2])?;
    if !stream.create_group(&args[3], id, read) {
        return Err(error::BUSYGROUP);
    }
    match is_new {
        true => stream.note(class::STREAM, "xgroup-create"),
        false => stream.note_apart(class::STREAM, "xgroup-create"),
    }
    reply.ok();
    Ok(())
}

/// XGROUP CREATECONSUMER key group consumer
pub(crate) fn xgroup_createconsumer(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let now = ctx.date();
    let (mut db, reply) = ctx.db_and_reply();
    let mut stream = stream_with_group(&mut db, args)?;
    let created = stream.edit_group(&args[3], |group, _| group.create_consumer(&args[4], now));
    let is_new = created.flatten().is_some();
    if is_new {
        super::announce_consumer(&mut stream);
    }
    reply.int(is_new.into());
    Ok(())
}

/// XGROUP DELCONSUMER key group consumer
pub(crate) fn xgroup_delconsumer(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let mut stream = stream_with_group(&mut db, args)?;
    let deleted = stream.edit_group(&args[3], |group, _| group.delete_consumer(&args[4]));
    let pending = deleted.flatten();
    if pending.is_some() {
        stream.note_apart(class::STREAM, "xgroup-delconsumer");
    }
    reply.int(pending.unwrap_or(0) as i64);
    Ok(())
}

/// XGROUP DESTROY key group
pub(crate) fn xgroup_destroy(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let mut stream = db.edit::<Stream>(&args[2])?.ok_or(error::GROUP_NEEDS_A_KEY)?;
    let was_there = stream.destroy_group(&args[3]);
    if was_there {
        stream.note_apart(class::STREAM, "xgroup-destroy");
        // Those that wait for its entries are told that it is gone.
        stream.wake_waiters();
    }
    reply.int(was_there.into());
    Ok(())
}

/// XGROUP SETID key group <id | $> [ENTRIESREAD entries-read]
pub(crate) fn xgroup_setid(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut options, mut read) = (args.options(5), None);
    while !options.is_over() {
        read = entries_read(&mut options, args)?;
    }
    let (mut db, reply) = ctx.db_and_reply();
    let mut stream = stream_with_group(&mut db, args)?;
    if args.len() >= MOST_ARGUMENTS {
        return Err(error::subcommand_syntax("xgroup", &args[1]));
    }
    let id = match &args[4] {
        b"$" => stream.view().last_id(),
        // Other than in XGROUP CREATE, `-` and `+` are ids.
        text => end_of_range(text, 0)?,
    };
    stream.edit_group(&args[3], |group, _| group.set_id(id, read));
    stream.note_apart(class::STREAM, "xgroup-setid");
    reply.ok();
    Ok(())
}

/// `ENTRIESREAD entries-read`: how many entries the group has read, which is not known if it is -1.
fn entries_read(options: &mut Options<'_>, args: Args<'_>) -> Result<Option<u64>, Error> {
    let Some(read) = options.value("ENTRIESREAD") else {
        return Err(error::subcommand_syntax("xgroup", &args[1]));
    };
    match integer(read)? {
        -1 => Ok(None),
        read => u64::try_from(read).map(Some).map_err(|_| error::ENTRIES_READ_NEGATIVE),
    }
}

/// The stream of the second argument, which has the group of the third one.
fn stream_with_group<'d>(db: &'d mut Db<'_>, args: Args<'_>) -> Result<Edit<'d, Stream>, Error> {
    let stream = db.edit::<Stream>(&args[2])?.ok_or(error::GROUP_NEEDS_A_KEY)?;
    match stream.view().group(&args[3]) {
        Some(_) => Ok(stream),
        None => Err(error::no_group_of(&args[2], &args[3])),
    }
}
