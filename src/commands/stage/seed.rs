//! STAGE SEED: chance, repeatable.

use super::on_stage;
use crate::dispatch::Ctx;
use crate::error::Error;
use crate::stage::matching::number;
use crate::wire::Args;

/// STAGE SEED number
pub(super) fn stage_seed(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    on_stage(ctx)?;
    let number = number("SEED", args.get(2), 0..=u64::MAX)?;
    ctx.world.seed(number);
    ctx.reply.ok();
    Ok(())
}
