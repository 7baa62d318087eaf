//! STAGE ACCEPT, STAGE SEND: what clients meet that have sent nothing.

use super::on_stage;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::peer::Kind;
use crate::session::Slot;
use crate::stage::accept::Newcomers;
use crate::stage::actions;
use crate::stage::matching::Clients;
use crate::wire::Args;
use crate::world::name_at;

/// STAGE ACCEPT ALL | REFUSE | HANG | CLOSE [TIMES n]
pub(super) fn stage_accept(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let stage = on_stage(ctx)?;
    stage.newcomers = Newcomers::read(&mut args.options(2))?;
    ctx.reply.ok();
    Ok(())
}

/// STAGE SEND [ID id] [NAME glob] … bytes
///
/// The reply says to how many clients. What is held back for one of them goes first.
pub(super) fn stage_send(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    on_stage(ctx)?;
    let mut options = args.options_between(2, args.len() - 1);
    let mut meant = Clients::default();
    meant.read_words("SEND", &mut options)?;
    if let Some(word) = options.peek() {
        return Err(error::stage_word(word, "the bytes, as the last word,"));
    }
    let bytes = actions::bytes("SEND", args.get(args.len() - 1))?;
    let world = &mut *ctx.world;
    let is_meant = |&slot: &Slot| {
        let client = &world.clients[slot];
        let node = world
            .stage
            .as_deref()
            .map(|stage| name_at(&stage.nodes, &stage.sentinels, &client.peer));
        client.peer.kind != Kind::Admin
            && !client.hangs()
            && meant.matches(
                client.subject(&world.access.user(client.user).name, node.unwrap_or_default()),
            )
    };
    let slots: Vec<Slot> = world.clients.slots().filter(is_meant).collect();
    for &slot in &slots {
        world.send(slot, &bytes);
    }
    ctx.reply.int(slots.len() as i64);
    Ok(())
}
