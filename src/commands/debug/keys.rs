//! The subcommands of DEBUG about keys and values.

use crate::commands::arguments;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::text::number;
use crate::wire::Args;

/// DEBUG DIGEST
pub(crate) fn debug_digest(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let digest = ctx.world.store.digest();
    ctx.reply.status(&digest.to_hex());
    Ok(())
}

/// DEBUG DIGEST-VALUE [key ...]
pub(crate) fn debug_digest_value(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let keys = args.from(2);
    let (mut db, reply) = ctx.db_and_reply();
    reply.array(keys.len());
    keys.for_each(|key| reply.status(&db.digest_of(key).to_hex()));
    Ok(())
}

/// DEBUG OBJECT key [FAST]
pub(crate) fn debug_object(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let settings = ctx.world.store.shared.eviction.settings;
    let list_max_listpack_size = ctx.world.store.shared.limits.list_max_listpack_size;
    let is_fast = args.is(3, "FAST");
    let (mut db, reply) = ctx.db_and_reply();
    let found = db.info_uncounted(&args[2]).ok_or(error::NO_SUCH_KEY)?;
    let mut line =
        format!("Value at:{:#x} refcount:1 encoding:{}", found.address(), found.encoding());
    if !is_fast {
        line += &format!(" serializedlength:{}", found.size());
    }
    line += &match settings.policy.is_lfu() {
        true => format!(
            " lfu_freq:{} lfu_access_time_minutes:{}",
            found.frequency(),
            found.usage() >> 8
        ),
        false => format!(" lru:{} lru_seconds_idle:{}", found.usage(), found.idle()),
    };
    if let Some(nodes) = found.quicklist_nodes() {
        let each = found.elements() as f64 / nodes as f64;
        line += &format!(
            " ql_nodes:{nodes} ql_avg_node:{each:.2} ql_listpack_max:{list_max_listpack_size} \
             ql_compressed:0"
        );
        if !is_fast {
            line += &format!(" ql_uncompressed_size:{}", found.size());
        }
    }
    reply.status(&line);
    Ok(())
}

/// DEBUG POPULATE count [prefix [size]]
pub(crate) fn debug_populate(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let positive = |index: usize| match args.get(index).map(number::parse_i64) {
        None => Ok(0),
        Some(Some(number)) if number >= 0 => Ok(number as usize),
        Some(_) => Err(error::NOT_POSITIVE),
    };
    let (count, size) = (positive(2)?, positive(4)?);
    let prefix = args.get(3).unwrap_or(b"key");
    let mut db = ctx.db();
    for n in 0..count {
        let key = [prefix, format!(":{n}").as_bytes()].concat();
        if db.contains(&key) {
            continue;
        }
        let mut value = format!("value:{n}").into_bytes();
        if size > 0 {
            value.resize(size, 0);
        }
        db.set_string(&key, &value, None);
    }
    ctx.reply.ok();
    Ok(())
}

/// DEBUG SET-ACTIVE-EXPIRE flag
pub(crate) fn debug_set_active_expire(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.world.store.shared.expires_lazily = !arguments::flag(&args[2]);
    ctx.reply.ok();
    Ok(())
}
