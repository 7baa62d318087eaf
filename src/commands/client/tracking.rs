//! CACHING GETREDIR TRACKING TRACKINGINFO: a connection has its cache kept true.

use crate::commands::arguments;
use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::listeners::tracking::tracker::{Mode, Options, Tracker};
use crate::wire::Args;
use crate::world::World;

/// CLIENT CACHING YES | NO
pub(crate) fn client_caching(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let tracker = ctx.client_mut().tracker_mut().ok_or(error::CACHING_WITHOUT_TRACKING)?;
    let (mode, refused) = if args.is(2, "YES") {
        (Mode::OptIn, error::CACHING_YES)
    } else if args.is(2, "NO") {
        (Mode::OptOut, error::CACHING_NO)
    } else {
        return Err(error::SYNTAX);
    };
    if tracker.options.mode != mode {
        return Err(refused);
    }
    tracker.is_exception = true;
    ctx.reply.ok();
    Ok(())
}

/// CLIENT GETREDIR
pub(crate) fn client_getredir(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let redirect = ctx.client().redirect();
    ctx.reply.int(redirect);
    Ok(())
}

/// CLIENT TRACKING ON | OFF [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN]
/// [OPTOUT] [NOLOOP]
///
/// The options have to be right for OFF too, though it heeds none.
pub(crate) fn client_tracking(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let request = TrackingRequest::parse(ctx.world, args)?;
    if args.is(2, "ON") {
        let tracker = ctx.client().tracker();
        let mode = request.mode(tracker)?;
        if let Some(tracker) = tracker.filter(|_| mode == Mode::Broadcast) {
            check_overlap(tracker.prefixes().collect(), &request.prefixes)?;
        } else {
            check_overlap(Vec::new(), &request.prefixes)?;
        }
        let TrackingRequest { redirect, no_loop, .. } = request;
        ctx.world.track(ctx.slot, Options { mode, redirect, no_loop }, &request.prefixes);
    } else if args.is(2, "OFF") {
        ctx.world.untrack(ctx.slot);
    } else {
        return Err(error::SYNTAX);
    }
    ctx.reply.ok();
    Ok(())
}

/// CLIENT TRACKINGINFO
pub(crate) fn client_trackinginfo(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let client = &ctx.world.clients[ctx.slot];
    let (tracker, redirect) = (client.tracker(), client.redirect());
    let flags = tracker.map_or(vec!["off"], flags);
    let reply = &mut ctx.reply;
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.bulk(flag.as_bytes()));
    reply.bulk(b"redirect");
    reply.int(redirect);
    reply.bulk(b"prefixes");
    reply.array(tracker.map_or(0, |tracker| tracker.prefixes().len()));
    tracker.into_iter().flat_map(Tracker::prefixes).for_each(|prefix| reply.bulk(prefix));
    Ok(())
}

fn flags(tracker: &Tracker) -> Vec<&'static str> {
    let Tracker { options, is_exception, is_broken, .. } = *tracker;
    let mode = match options.mode {
        Mode::Read => &[][..],
        Mode::OptIn if is_exception => &["optin", "caching-yes"],
        Mode::OptIn => &["optin"],
        Mode::OptOut if is_exception => &["optout", "caching-no"],
        Mode::OptOut => &["optout"],
        Mode::Broadcast => &["bcast"],
    };
    let no_loop = if options.no_loop { &["noloop"][..] } else { &[] };
    let broken = if is_broken { &["broken_redirect"][..] } else { &[] };
    [&["on"], mode, no_loop, broken].concat()
}

/// The options as they were given.
#[derive(Default)]
struct TrackingRequest<'a> {
    redirect: Option<u64>,
    broadcasts: bool,
    opts_in: bool,
    opts_out: bool,
    no_loop: bool,
    prefixes: Vec<&'a [u8]>,
}

impl<'a> TrackingRequest<'a> {
    fn parse(world: &World, args: Args<'a>) -> Result<TrackingRequest<'a>, Error> {
        let mut request = TrackingRequest::default();
        let mut options = args.options(3);
        while !options.is_over() {
            if let Some(id) = options.value("REDIRECT") {
                if request.redirect.is_some() {
                    return Err(error::TWO_REDIRECTS);
                }
                let id = u64::try_from(arguments::integer(id)?).ok();
                let id = id.filter(|&id| world.clients.slot_of_staying(id).is_some());
                request.redirect = Some(id.ok_or(error::NO_SUCH_REDIRECT)?);
            } else if options.flag("BCAST") {
                request.broadcasts = true;
            } else if options.flag("OPTIN") {
                request.opts_in = true;
            } else if options.flag("OPTOUT") {
                request.opts_out = true;
            } else if options.flag("NOLOOP") {
                request.no_loop = true;
            } else if let Some(prefix) = options.value("PREFIX") {
                request.prefixes.push(prefix);
            } else {
                return Err(error::SYNTAX);
            }
        }
        Ok(request)
    }

    /// The mode that is asked for, if it goes together with itself and with what there is.
    fn mode(&self, tracker: Option<&Tracker>) -> Result<Mode, Error> {
        let was = |mode| tracker.is_some_and(|tracker| tracker.options.mode == mode);
        if !self.broadcasts && !self.prefixes.is_empty() {
            return Err(error::PREFIX_WITHOUT_BCAST);
        }
        if tracker.is_some() && self.broadcasts != was(Mode::Broadcast) {
            return Err(error::SWITCHED_BCAST);
        }
        match *self {
            TrackingRequest { broadcasts: true, opts_in, opts_out, .. } if opts_in || opts_out => {
                Err(error::BCAST_WITH_OPT)
            }
            TrackingRequest { broadcasts: true, .. } => Ok(Mode::Broadcast),
            TrackingRequest { opts_in: true, opts_out: true, .. } => Err(error::OPTIN_WITH_OPTOUT),
            TrackingRequest { opts_in: true, .. } if was(Mode::OptOut) => Err(error::SWITCHED_OPT),
            TrackingRequest { opts_out: true, .. } if was(Mode::OptIn) => Err(error::SWITCHED_OPT),
            TrackingRequest { opts_in: true, .. } => Ok(Mode::OptIn),
            TrackingRequest { opts_out: true, .. } => Ok(Mode::OptOut),
            _ => Ok(Mode::Read),
        }
    }
}

/// No new prefix may begin with another, old or new.
///
/// In the order of their bytes, what begins with a prefix stands right behind it: so it takes no look
/// at every pair of them to know whether there are some to complain of.
fn check_overlap(old: Vec<&[u8]>, new: &[&[u8]]) -> Result<(), Error> {
    let numbered = new.iter().enumerate().map(|(index, &prefix)| (prefix, Some(index)));
    let mut all: Vec<(&[u8], Option<usize>)> =
        old.iter().map(|&prefix| (prefix, None)).chain(numbered).collect();
    all.sort_unstable();
    let mut first = None::<usize>;
    let mut shortest = None;
    for &(prefix, index) in &all {
        match shortest {
            Some((shorter, other)) if prefix.starts_with(shorter) => {
                first = [first, index, other].into_iter().flatten().min();
            }
            _ => shortest = Some((prefix, index)),
        }
    }
    let Some(first) = first else {
        return Ok(());
    };
    let prefix = new[first];
    let overlaps = |other: &&&[u8]| prefix.starts_with(other) || other.starts_with(prefix);
    match old.iter().find(overlaps) {
        Some(other) => Err(error::prefixes_overlap(prefix, "an existing", other)),
        None => {
            let other = new[first + 1..].iter().find(overlaps).unwrap_or(&prefix);
            Err(error::prefixes_overlap(prefix, "another provided", other))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(old: &[&str], new: &[&str]) -> Option<String> {
        let old = old.iter().map(|prefix| prefix.as_bytes()).collect();
        let new: Vec<&[u8]> = new.iter().map(|prefix| prefix.as_bytes()).collect();
        check_overlap(old, &new).err().map(|error| {
            let text = error.to_string();
            text.split(". ").next().unwrap_or_default().to_owned()
        })
    }

    #[test]
    fn the_first_new_prefix_that_overlaps_is_complained_of() {
        assert_eq!(complaint(&[], &["b", "a", "cd", "ce"]), None);
        assert_eq!(complaint(&["", "a", "b"], &[]), None);
        for (old, new, first, which, other) in [
            (&[][..], &["x", "ab", "y", "a", "y"][..], "ab", "another provided", "a"),
            (&[], &["x", "a", "a"], "a", "another provided", "a"),
            (&["abc", "b"], &["x", "b", "a"], "b", "an existing", "b"),
            (&["abc", "abd"], &["x", "a", "ab"], "a", "an existing", "abc"),
            (&["", "b"], &["bc"], "bc", "an existing", ""),
        ] {
            let said = format!("ERR Prefix '{first}' overlaps with {which} prefix '{other}'");
            assert_eq!(complaint(old, new), Some(said));
        }
    }
}
