//! SENTINEL: what a port answers that a test has made a Sentinel: see [`crate::stage::sentinel`].
//!
//! Only clients of such a port find the command, and few others with it: those whose rows say
//! [`SENTINEL`](crate::dispatch::spec::flag::SENTINEL). The replies are those of Valkey 9.1.

use super::arguments::integer;
use crate::dispatch::Ctx;
use crate::dispatch::help::help;
use crate::dispatch::spec::Spec;
use crate::dispatch::spec::flag::*;
use crate::error::{self, Error};
use crate::stage::Stage;
use crate::stage::nodes::Node;
use crate::stage::sentinel::{Group, Sentinel};
use crate::text::glob;
use crate::wire::{Args, Reply};

pub(crate) const TABLE: &[Spec] = &[Spec::container("sentinel", SUBCOMMANDS)
    .flags(ADMIN | SENTINEL)
    .doc("2.8.4", "Depends on the subcommand.", "", "Commands of a Sentinel.")];

const SUBCOMMANDS: &[Spec] = &[
    row("ckquorum", 3, sentinel_ckquorum, "primary-name", "Tells whether enough Sentinels are up."),
    row(
        "config",
        -4,
        sentinel_config,
        "GET parameter:string...",
        "Returns parameters of the Sentinel.",
    ),
    row(
        "failover",
        -3,
        sentinel_failover,
        "primary-name",
        "Has a replica take over, whatever the others say.",
    ),
    row("flushconfig", 2, sentinel_flushconfig, "", "Changes nothing: nothing is on disk."),
    row(
        "get-master-addr-by-name",
        3,
        sentinel_get_primary_addr_by_name,
        "primary-name",
        "Returns where the primary is, under the old name.",
    ),
    row(
        "get-primary-addr-by-name",
        3,
        sentinel_get_primary_addr_by_name,
        "primary-name",
        "Returns where the primary is.",
    ),
    row("help", 2, help, "", "Lists the subcommands."),
    row(
        "is-master-down-by-addr",
        6,
        sentinel_is_primary_down_by_addr,
        "ip port:integer current-epoch:integer runid",
        "Tells whether a primary is down, under the old name.",
    ),
    row(
        "is-primary-down-by-addr",
        6,
        sentinel_is_primary_down_by_addr,
        "ip port:integer current-epoch:integer runid",
        "Tells whether a primary is down.",
    ),
    row(
        "master",
        3,
        sentinel_primary,
        "primary-name",
        "Describes the primary of a group, under the old name.",
    ),
    row("masters", 2, sentinel_primaries, "", "Describes all primaries, under the old name."),
    row("myid", 2, sentinel_myid, "", "Returns the id of the Sentinel."),
    row(
        "pending-scripts",
        2,
        sentinel_pending_scripts,
        "",
        "Returns nothing: there are no scripts.",
    ),
    row("primaries", 2, sentinel_primaries, "", "Describes all primaries."),
    row("primary", 3, sentinel_primary, "primary-name", "Describes the primary of a group."),
    row("replicas", 3, sentinel_replicas, "primary-name", "Describes the replicas of a group."),
    row("reset", 3, sentinel_reset, "pattern", "Counts groups whose name matches."),
    row(
        "sentinels",
        3,
        sentinel_sentinels,
        "primary-name",
        "Describes the other Sentinels of a group.",
    ),
    row(
        "set",
        -5,
        sentinel_set,
        "primary-name (data: option value)...",
        "Sets the quorum of a group. Other options are taken, and change nothing.",
    ),
    row(
        "slaves",
        3,
        sentinel_replicas,
        "primary-name",
        "Describes the replicas of a group, under the old name.",
    ),
];

const fn row(
    name: &'static str,
    arity: i16,
    handler: crate::dispatch::Handler,
    synopsis: &'static str,
    summary: &'static str,
) -> Spec {
    Spec::new(name, arity, ADMIN | SENTINEL, handler).doc("2.8.4", "O(1)", synopsis, summary)
}

/// What a Sentinel tells of the time that a silent server has, and of a failover, in ms: the defaults of the reference.
const DOWN_AFTER: u64 = 30_000;
const FAILOVER_TIMEOUT: u64 = 180_000;

/// The stage, and the client's Sentinel.
fn here<'c>(ctx: &'c Ctx<'_>) -> Result<(&'c Stage, &'c Sentinel), Error> {
    let sentinel = ctx.world.sentinel_of(ctx.slot);
    ctx.world.stage.as_deref().zip(sentinel).ok_or(error::NO_SUCH_GROUP)
}

/// A group that the client's Sentinel watches, and its primary.
fn watched<'c>(
    stage: &'c Stage,
    sentinel: &Sentinel,
    name: &[u8],
) -> Result<(&'c Group, &'c Node), Error> {
    let group = stage.sentinels.group(name);
    let group = group.filter(|group| sentinel.quorum(&group.name).is_some());
    let group = group.ok_or(error::NO_SUCH_GROUP)?;
    Ok((group, group.primary(&stage.nodes).ok_or(error::NO_SUCH_GROUP)?))
}

/// Returns how many Sentinels of the group are up, and how many there are.
fn usable(stage: &Stage, group: &Group) -> (u32, u32) {
    let all = stage.sentinels.watchers(&group.name);
    let up = all.clone().filter(|sentinel| sentinel.is_up()).count();
    (up as u32, all.count() as u32)
}

/// Returns whether so many Sentinels agree that the primary is down as this one asks for.
fn is_agreed_down(stage: &Stage, sentinel: &Sentinel, group: &Group, primary: &Node) -> bool {
    let quorum = sentinel.quorum(&group.name).unwrap_or(u32::MAX);
    !primary.is_up() && usable(stage, group).0 >= quorum
}

/// SENTINEL CKQUORUM primary-name
fn sentinel_ckquorum(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (stage, sentinel) = here(ctx)?;
    let (group, _) = watched(stage, sentinel, &args[2])?;
    let (up, all) = usable(stage, group);
    let lacks_quorum = up < sentinel.quorum(&group.name).unwrap_or_default();
    let lacks_majority = up < all / 2 + 1;
    if !lacks_quorum && !lacks_majority {
        let told = "Quorum and failover authorization can be reached";
        let told = format!("OK {up} usable Sentinels. {told}");
        ctx.reply.status(&told);
        return Ok(());
    }
    let reasons = [
        (
            lacks_quorum,
            "Not enough available Sentinels to reach the specified quorum for this master",
        ),
        (
            lacks_majority,
            "Not enough available Sentinels to reach the majority and authorize a failover",
        ),
    ];
    let reasons = reasons.iter().filter(|(lacks, _)| *lacks).map(|(_, reason)| *reason);
    let reasons: Vec<&str> = reasons.collect();
    Err(Error::text(format!("NOQUORUM {up} usable Sentinels. {}", reasons.join(". "))))
}

/// SENTINEL CONFIG GET parameter [parameter ...]
fn sentinel_config(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    const PARAMETERS: [(&str, &str); 7] = [
        ("resolve-hostnames", "no"),
        ("announce-hostnames", "no"),
        ("announce-ip", ""),
        ("announce-port", "0"),
        ("sentinel-user", ""),
        ("sentinel-pass", ""),
        ("loglevel", "notice"),
    ];
    if !args.is(2, "GET") {
        return Err(error::STAGE_CHANGES_SENTINELS);
    }
    let is_asked_for =
        |name: &str| args.from(3).any(|pattern| glob::matches(pattern, name.as_bytes()));
    let found = PARAMETERS.iter().filter(|(name, _)| is_asked_for(name));
    ctx.reply.map(found.clone().count());
    found.for_each(|(name, value)| pair(ctx.reply, name, value));
    Ok(())
}

/// SENTINEL FAILOVER primary-name
fn sentinel_failover(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (stage, sentinel) = here(ctx)?;
    let (_, primary) = watched(stage, sentinel, &args[2])?;
    let replica = stage.nodes.replicas_of(primary.key).find(|replica| replica.is_up());
    let (key, name) = (replica.ok_or(error::NO_GOOD_REPLICA)?.key, sentinel.name.clone());
    let caller = ctx.slot;
    ctx.world.fail_over(key, caller, Some(&name));
    ctx.reply.ok();
    Ok(())
}

/// SENTINEL FLUSHCONFIG
fn sentinel_flushconfig(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.reply.ok();
    Ok(())
}

/// SENTINEL GET-PRIMARY-ADDR-BY-NAME primary-name, SENTINEL GET-MASTER-ADDR-BY-NAME primary-name
fn sentinel_get_primary_addr_by_name(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (stage, sentinel) = here(ctx)?;
    let Ok((_, primary)) = watched(stage, sentinel, &args[2]) else {
        ctx.reply.null_array();
        return Ok(());
    };
    let (host, port) = (stage.nodes.host.clone(), primary.port);
    ctx.reply.array(2);
    ctx.reply.bulk(host.as_bytes());
    ctx.reply.bulk_int(port.into());
    Ok(())
}

/// SENTINEL IS-PRIMARY-DOWN-BY-ADDR ip port current-epoch runid, and with MASTER
fn sentinel_is_primary_down_by_addr(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (port, _) = (integer(&args[3])?, integer(&args[4])?);
    let (stage, sentinel) = here(ctx)?;
    let mut primaries = sentinel.watches.iter().filter_map(|watch| {
        watched(stage, sentinel, watch.group.as_bytes()).ok().map(|(_, primary)| primary)
    });
    let is_down = primaries.any(|primary| i64::from(primary.port) == port && !primary.is_up());
    ctx.reply.array(3);
    ctx.reply.int(is_down.into());
    ctx.reply.bulk(b"*");
    ctx.reply.int(0);
    Ok(())
}

/// SENTINEL PRIMARY primary-name, SENTINEL MASTER primary-name
fn sentinel_primary(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let now = ctx.now().wall / 1000;
    let (stage, sentinel) = here(ctx)?;
    let (group, primary) = watched(stage, sentinel, &args[2])?;
    let about = about_primary(stage, sentinel, group, primary, now);
    about.show(ctx.reply);
    Ok(())
}

/// SENTINEL PRIMARIES, SENTINEL MASTERS
fn sentinel_primaries(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let now = ctx.now().wall / 1000;
    let (stage, sentinel) = here(ctx)?;
    let watches = sentinel.watches.iter().filter_map(|watch| {
        let (group, primary) = watched(stage, sentinel, watch.group.as_bytes()).ok()?;
        Some(about_primary(stage, sentinel, group, primary, now))
    });
    let about: Vec<About> = watches.collect();
    show_all(ctx.reply, &about);
    Ok(())
}

/// SENTINEL MYID
fn sentinel_myid(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let id = here(ctx)?.1.id.clone();
    ctx.reply.bulk(id.as_bytes());
    Ok(())
}

/// SENTINEL PENDING-SCRIPTS
fn sentinel_pending_scripts(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.reply.array(0);
    Ok(())
}

/// SENTINEL REPLICAS primary-name, SENTINEL SLAVES primary-name
fn sentinel_replicas(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let now = ctx.now().wall / 1000;
    let (stage, sentinel) = here(ctx)?;
    let (group, primary) = watched(stage, sentinel, &args[2])?;
    let replicas = stage.nodes.replicas_of(primary.key);
    let about: Vec<About> =
        replicas.map(|replica| about_replica(stage, group, primary, replica, now)).collect();
    show_all(ctx.reply, &about);
    Ok(())
}

/// SENTINEL RESET pattern
///
/// Counts the groups that a Sentinel would look at anew: this one has seen everything.
fn sentinel_reset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (_, sentinel) = here(ctx)?;
    let is_meant = |group: &str| glob::matches(&args[2], group.as_bytes());
    let found = sentinel.watches.iter().filter(|watch| is_meant(&watch.group)).count();
    ctx.reply.int(found as i64);
    Ok(())
}

/// SENTINEL SENTINELS primary-name
fn sentinel_sentinels(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let now = ctx.now().wall / 1000;
    let (stage, sentinel) = here(ctx)?;
    let (group, _) = watched(stage, sentinel, &args[2])?;
    let others = stage.sentinels.watchers(&group.name).filter(|one| one.port != sentinel.port);
    let about: Vec<About> = others.map(|other| about_sentinel(stage, other, now)).collect();
    show_all(ctx.reply, &about);
    Ok(())
}

/// SENTINEL SET primary-name option value [option value ...]
fn sentinel_set(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (stage, sentinel) = here(ctx)?;
    let (group, _) = watched(stage, sentinel, &args[2])?;
    let (group, name) = (group.name.clone(), sentinel.name.clone());
    let mut quorum = None;
    let mut options = args.options(3);
    while let Some(word) = options.peek() {
        if let Some(given) = options.value("quorum") {
            let given = integer(given).ok().and_then(|given| u32::try_from(given).ok());
            quorum = Some(given.filter(|&given| given > 0).ok_or(error::SENTINEL_QUORUM)?);
        } else if options.left() > 1 {
            options.skip(2);
        } else {
            return Err(error::unknown_sentinel_option(word));
        }
    }
    if let (Some(quorum), Some(stage)) = (quorum, ctx.world.stage.as_deref_mut()) {
        stage.sentinels.set_quorum(&name, &group, quorum);
    }
    ctx.reply.ok();
    Ok(())
}

/// What a Sentinel tells of a server: names and values, all of them texts.
struct About(Vec<(&'static str, String)>);

impl About {
    /// What it tells of each. `flags`: what the server is, and how it is.
    fn server(name: String, host: &str, port: u16, id: &str, flags: String) -> About {
        let mut about = About(Vec::new());
        about.add("name", name);
        about.add("ip", host);
        about.add("port", port);
        about.add("runid", id);
        about.add("flags", flags);
        about.add("link-pending-commands", 0);
        about.add("link-refcount", 1);
        about
    }

    fn add(&mut self, name: &'static str, value: impl ToString) {
        self.0.push((name, value.to_string()));
    }

    /// When it was heard of last, and since when it is down. Both Sentinels and the server itself say so at once.
    fn add_pings(&mut self, down_since: Option<u64>, is_agreed: bool, now: u64) {
        let silent = down_since.map_or(0, |since| now.saturating_sub(since));
        for name in ["last-ping-sent", "last-ok-ping-reply", "last-ping-reply"] {
            self.add(name, silent);
        }
        if down_since.is_some() {
            self.add("s-down-time", silent);
        }
        if is_agreed {
            self.add("o-down-time", silent);
        }
        self.add("down-after-milliseconds", DOWN_AFTER);
    }

    fn show(&self, reply: &mut Reply) {
        reply.map(self.0.len());
        self.0.iter().for_each(|(name, value)| pair(reply, name, value));
    }
}

fn pair(reply: &mut Reply, name: &str, value: &str) {
    reply.bulk(name.as_bytes());
    reply.bulk(value.as_bytes());
}

fn show_all(reply: &mut Reply, all: &[About]) {
    reply.array(all.len());
    all.iter().for_each(|about| about.show(reply));
}

/// `s_down,slave,disconnected`, or `slave` alone.
fn flags(what: &str, is_up: bool, is_agreed: bool) -> String {
    match (is_up, is_agreed) {
        (true, _) => what.to_owned(),
        (false, true) => format!("s_down,o_down,{what},disconnected"),
        (false, false) => format!("s_down,{what},disconnected"),
    }
}

fn about_primary(
    stage: &Stage,
    sentinel: &Sentinel,
    group: &Group,
    primary: &Node,
    now: u64,
) -> About {
    let is_agreed = is_agreed_down(stage, sentinel, group, primary);
    let flags = flags("master", primary.is_up(), is_agreed);
    let name = group.name.clone();
    let mut about = About::server(name, &stage.nodes.host, primary.port, &primary.id, flags);
    about.add_pings(primary.down_since, is_agreed, now);
    about.add("info-refresh", 0);
    about.add("role-reported", "master");
    about.add("role-reported-time", now.saturating_sub(group.since));
    about.add("config-epoch", group.epoch);
    about.add("num-slaves", stage.nodes.replicas_of(primary.key).count());
    about.add("num-other-sentinels", usable(stage, group).1.saturating_sub(1));
    about.add("quorum", sentinel.quorum(&group.name).unwrap_or_default());
    about.add("failover-timeout", FAILOVER_TIMEOUT);
    about.add("parallel-syncs", 1);
    about
}

fn about_replica(stage: &Stage, group: &Group, primary: &Node, replica: &Node, now: u64) -> About {
    let (host, port) = (&stage.nodes.host, replica.port);
    let flags = flags("slave", replica.is_up(), false);
    let mut about = About::server(format!("{host}:{port}"), host, port, &replica.id, flags);
    about.add_pings(replica.down_since, false, now);
    about.add("info-refresh", 0);
    about.add("role-reported", "slave");
    about.add("role-reported-time", now.saturating_sub(group.since));
    about.add("master-link-down-time", 0);
    about.add("master-link-status", if primary.is_up() { "ok" } else { "err" });
    about.add("master-host", host);
    about.add("master-port", primary.port);
    about.add("slave-priority", 100);
    about.add("slave-repl-offset", 0);
    about.add("replica-announced", 1);
    about
}

fn about_sentinel(stage: &Stage, other: &Sentinel, now: u64) -> About {
    let flags = flags("sentinel", other.is_up(), false);
    let mut about =
        About::server(other.id.clone(), &stage.nodes.host, other.port, &other.id, flags);
    about.add_pings(other.down_since, false, now);
    about.add("last-hello-message", other.down_since.map_or(0, |since| now.saturating_sub(since)));
    about.add("voted-leader", "?");
    about.add("voted-leader-epoch", 0);
    about
}

/// A group as INFO has it: how its primary is, where that is, and how many replicas and Sentinels there are.
pub(super) fn described(stage: &Stage, sentinel: &Sentinel) -> Vec<String> {
    let watches = sentinel.watches.iter().filter_map(|watch| {
        let (group, primary) = watched(stage, sentinel, watch.group.as_bytes()).ok()?;
        let status = match primary.is_up() {
            true => "ok",
            false if is_agreed_down(stage, sentinel, group, primary) => "odown",
            false => "sdown",
        };
        Some(format!(
            "name={},status={status},address={}:{},slaves={},sentinels={}",
            group.name,
            stage.nodes.host,
            primary.port,
            stage.nodes.replicas_of(primary.key).count(),
            usable(stage, group).1,
        ))
    });
    watches.collect()
}
