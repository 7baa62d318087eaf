//! Publish and subscribe: PSUBSCRIBE PUBLISH PUBSUB PUNSUBSCRIBE SPUBLISH SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE
//! UNSUBSCRIBE.
//!
//! SUBSCRIBE and its kin have no reply. They confirm each of their arguments with a frame that is sent as
//! messages are: CLIENT REPLY does not silence it, and in RESP3 it is a push. Only in EXEC, whose reply
//! has a place for what each command says, confirmations in RESP2 are elements of that.

use crate::dispatch::Ctx;
use crate::dispatch::help::help;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::NOT_KEY;
use crate::dispatch::spec::{Channels, Spec, at, range};
use crate::error::{self, Error};
use crate::listeners::Topic;
use crate::session::ReplyMode;
use crate::text::glob::Glob;
use crate::wire::{Args, Protocol, Reply};

pub(crate) const TABLE: &[Spec] = &[
    Spec::new(
        "psubscribe",
        -2,
        NO_CALL | PUBSUB | NOSCRIPT | LOADING | STALE | MANY_REPLIES | SUBSCRIBER | SENTINEL,
        psubscribe,
    )
    .channels(Channels::Patterns)
    .doc(
        "2.0.0",
        "O(N), N being the number of patterns",
        "pattern...",
        "Begins to listen to every channel that matches a pattern.",
    ),
    Spec::new("publish", 3, PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE | SENTINEL, publish)
        .channels(Channels::First)
        .doc(
            "2.0.0",
            "O(N+M), N being the number of the channel's subscribers and M of all patterns \
        subscribed",
            "channel message",
            "Sends a message to a channel.",
        ),
    Spec::container("pubsub", PUBSUB_SUBCOMMANDS).doc(
        "2.8.0",
        "Depends on the subcommand.",
        "",
        "Commands about channels and who listens.",
    ),
    Spec::new(
        "punsubscribe",
        -1,
        NO_CALL | PUBSUB | NOSCRIPT | LOADING | STALE | MANY_REPLIES | SUBSCRIBER | SENTINEL,
        punsubscribe,
    )
    .doc(
        "2.0.0",
        "O(N), N being the number of patterns",
        "[pattern...]",
        "Drops patterns, all of them without an argument.",
    ),
    Spec::new("spublish", 3, PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE, spublish)
        .key(NOT_KEY, at(1))
        .channels(Channels::First)
        .doc(
            "7.0.0",
            "O(N), N being the number of the channel's subscribers",
            "shardchannel message",
            "Sends a message to a shard channel.",
        ),
    Spec::new(
        "ssubscribe",
        -2,
        NO_CALL | PUBSUB | NOSCRIPT | LOADING | STALE | MANY_REPLIES | SUBSCRIBER,
        ssubscribe,
    )
    .channels(Channels::All)
    .key(NOT_KEY, range(1, -1, 1))
    .doc(
        "7.0.0",
        "O(N), N being the number of shard channels",
        "shardchannel...",
        "Begins to listen to shard channels.",
    ),
    Spec::new(
        "subscribe",
        -2,
        NO_CALL | PUBSUB | NOSCRIPT | LOADING | STALE | MANY_REPLIES | SUBSCRIBER | SENTINEL,
        subscribe,
    )
    .channels(Channels::All)
    .doc(
        "2.0.0",
        "O(N), N being the number of channels",
        "channel...",
        "Begins to listen to channels.",
    ),
    Spec::new(
        "sunsubscribe",
        -1,
        NO_CALL | PUBSUB | NOSCRIPT | LOADING | STALE | MANY_REPLIES | SUBSCRIBER,
        sunsubscribe,
    )
    .key(NOT_KEY, range(1, -1, 1))
    .doc(
        "7.0.0",
        "O(N), N being the number of shard channels",
        "[shardchannel...]",
        "Stops listening to shard channels, to all without an argument.",
    ),
    Spec::new(
        "unsubscribe",
        -1,
        NO_CALL | PUBSUB | NOSCRIPT | LOADING | STALE | MANY_REPLIES | SUBSCRIBER | SENTINEL,
        unsubscribe,
    )
    .doc(
        "2.0.0",
        "O(N), N being the number of channels",
        "[channel...]",
        "Stops listening to channels, to all without an argument.",
    ),
];

const PUBSUB_SUBCOMMANDS: &[Spec] = &[
    Spec::new("channels", -2, PUBSUB | LOADING | STALE, pubsub_channels).doc(
        "2.8.0",
        "O(N), N being the number of channels with subscribers",
        "[pattern]",
        "Returns the channels that have subscribers.",
    ),
    Spec::new("help", 2, LOADING | STALE, help).doc("6.2.0", "O(1)", "", "Lists the subcommands."),
    Spec::new("numpat", 2, PUBSUB | LOADING | STALE, pubsub_numpat).doc(
        "2.8.0",
        "O(1)",
        "",
        "Counts the patterns subscribed to.",
    ),
    Spec::new("numsub", -2, PUBSUB | LOADING | STALE, pubsub_numsub).doc(
        "2.8.0",
        "O(N), N being the number of channels asked for",
        "[channel...]",
        "Counts the subscribers of each channel.",
    ),
    Spec::new("shardchannels", -2, PUBSUB | LOADING | STALE, pubsub_shardchannels).doc(
        "7.0.0",
        "O(N), N being the number of shard channels with subscribers",
        "[pattern]",
        "Returns the shard channels that have subscribers.",
    ),
    Spec::new("shardnumsub", -2, PUBSUB | LOADING | STALE, pubsub_shardnumsub).doc(
        "7.0.0",
        "O(N), N being the number of shard channels asked for",
        "[shardchannel...]",
        "Counts the subscribers of each shard channel.",
    ),
];

/// PSUBSCRIBE pattern...
fn psubscribe(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    begin(ctx, args, Topic::Pattern, b"psubscribe")
}

/// PUBLISH channel message
fn publish(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let receivers = match ctx.world.sentinel_of(ctx.slot) {
        None => ctx.world.publish(&args[1], &args[2]),
        Some(_) if args[1] == *b"__sentinel__:hello" => 1,
        Some(_) => return Err(error::HELLO_MESSAGES_ONLY),
    };
    ctx.reply.int(receivers as i64);
    Ok(())
}

/// PUNSUBSCRIBE [pattern...]
fn punsubscribe(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    end(ctx, args, Topic::Pattern, b"punsubscribe")
}

/// SPUBLISH shardchannel message
fn spublish(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let receivers = ctx.world.publish_to_shard(&args[1], &args[2]);
    ctx.reply.int(receivers as i64);
    Ok(())
}

/// SSUBSCRIBE shardchannel...
fn ssubscribe(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if !ctx.frame.may_wait() {
        return Err(error::SSUBSCRIBE_IN_MULTI);
    }
    begin(ctx, args, Topic::Shard, b"ssubscribe")
}

/// SUBSCRIBE channel...
fn subscribe(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    begin(ctx, args, Topic::Channel, b"subscribe")
}

/// SUNSUBSCRIBE [shardchannel...]
fn sunsubscribe(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    end(ctx, args, Topic::Shard, b"sunsubscribe")
}

/// UNSUBSCRIBE [channel...]
fn unsubscribe(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    end(ctx, args, Topic::Channel, b"unsubscribe")
}

/// Begins to listen to every argument.
fn begin(ctx: &mut Ctx<'_>, args: Args<'_>, topic: Topic, word: &[u8]) -> Result<(), Error> {
    let mut frames = Confirmations::new(ctx, topic, word);
    for name in args.from(1) {
        ctx.world.subscribe(ctx.slot, topic, name);
        frames.confirm(ctx, Some(name));
    }
    frames.send(ctx);
    Ok(())
}

/// Stops listening to every argument, or to everything.
fn end(ctx: &mut Ctx<'_>, args: Args<'_>, topic: Topic, word: &[u8]) -> Result<(), Error> {
    let mut frames = Confirmations::new(ctx, topic, word);
    if args.len() > 1 {
        for name in args.from(1) {
            ctx.world.unsubscribe(ctx.slot, topic, name);
            frames.confirm(ctx, Some(name));
        }
    } else {
        let names = ctx.client().subscriptions().into_iter().flat_map(|all| all.names(topic));
        let names: Vec<Box<[u8]>> = names.map(Box::from).collect();
        for name in &names {
            ctx.world.unsubscribe(ctx.slot, topic, name);
            frames.confirm(ctx, Some(name));
        }
        if names.is_empty() {
            frames.confirm(ctx, None);
        }
    }
    frames.send(ctx);
    Ok(())
}

/// What a client is told about its subscriptions.
struct Confirmations<'a> {
    topic: Topic,
    word: &'a [u8],
    frames: Reply,
    count: usize,
}

impl Confirmations<'_> {
    fn new<'a>(ctx: &Ctx<'_>, topic: Topic, word: &'a [u8]) -> Confirmations<'a> {
        let frames = Reply::new(Vec::new(), ctx.client().protocol);
        Confirmations { topic, word, frames, count: 0 }
    }

    /// The client has begun or ceased to listen to `name`, or would have ceased if it had listened to
    /// anything.
    fn confirm(&mut self, ctx: &Ctx<'_>, name: Option<&[u8]>) {
        let subscriptions = ctx.client().subscriptions();
        let count = subscriptions.map_or(0, |all| all.counted_with(self.topic));
        self.count += 1;
        self.frames.push(3);
        self.frames.bulk(self.word);
        match name {
            Some(name) => self.frames.bulk(name),
            None => self.frames.null(),
        }
        self.frames.int(count as i64);
    }

    fn send(self, ctx: &mut Ctx<'_>) {
        let client = ctx.client();
        let is_reply = client.protocol == Protocol::Resp2 && client.reply_mode == ReplyMode::On;
        let mut frames = self.frames.into_inner();
        if !ctx.frame.may_wait() && is_reply {
            ctx.reply.append(&mut frames);
            ctx.replies = self.count;
        } else {
            ctx.world.send(ctx.slot, &frames);
            ctx.replies = 0;
        }
    }
}

/// PUBSUB CHANNELS [pattern]
fn pubsub_channels(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    names(ctx, args, Topic::Channel)
}

/// PUBSUB NUMPAT
fn pubsub_numpat(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.reply.int(ctx.world.pubsub.listeners(Topic::Pattern).len() as i64);
    Ok(())
}

/// PUBSUB NUMSUB [channel...]
fn pubsub_numsub(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    numbers(ctx, args, Topic::Channel)
}

/// PUBSUB SHARDCHANNELS [pattern]
fn pubsub_shardchannels(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    names(ctx, args, Topic::Shard)
}

/// PUBSUB SHARDNUMSUB [shardchannel...]
fn pubsub_shardnumsub(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    numbers(ctx, args, Topic::Shard)
}

/// The names that have subscribers, all or those that match.
fn names(ctx: &mut Ctx<'_>, args: Args<'_>, topic: Topic) -> Result<(), Error> {
    if args.len() > 3 {
        return Err(error::subcommand_syntax("pubsub", &args[1]));
    }
    let pattern = args.get(2).map(Glob::new);
    let names = ctx.world.pubsub.listeners(topic).keys();
    let wanted = names.filter(|name| pattern.as_ref().is_none_or(|glob| glob.matches(name)));
    ctx.reply.array_of(|reply| wanted.map(|name| reply.bulk(name)).count());
    Ok(())
}

/// How many clients listen to each of the names.
fn numbers(ctx: &mut Ctx<'_>, args: Args<'_>, topic: Topic) -> Result<(), Error> {
    let listeners = ctx.world.pubsub.listeners(topic);
    ctx.reply.array(2 * (args.len() - 2));
    for name in args.from(2) {
        ctx.reply.bulk(name);
        ctx.reply.int(listeners.get(name).map_or(0, Vec::len) as i64);
    }
    Ok(())
}
