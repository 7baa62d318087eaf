//! STAGE SEED: chance, repeatable.

use super::on_stage;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::text::number;
use crate::wire::Args;

/// STAGE SEED number
pub(super) fn stage_seed(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    on_stage(ctx)?;
    let number = number::parse_u64(&args[2]).ok_or_else(|| error::bad_seed(&args[2]))?;
    ctx.world.seed(number);
    ctx.reply.ok();
    Ok(())
}
