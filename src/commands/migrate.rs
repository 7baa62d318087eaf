//! Keys that move to another server: MIGRATE.
//!
//! The keys are dumped, sent as requests of RESTORE, and deleted here when the other server has acknowledged them. The
//! exchange is another thread's ([`crate::world::Courier`]) and the client waits for it as for an event, while the
//! others are served. A key that has changed meanwhile is sent again; one that changes again and again is sent
//! with the loop standing still, and so is everything where a command may not wait: in a transaction or a script.
//!
//! A client that is gone before the replies have come leaves its keys on both servers.

use std::collections::HashMap;
use std::time::Duration;

use crate::dispatch::Ctx;
use crate::error::{self, Error};
use crate::keyspace::{Db, Millis};
use crate::rdb::footer::seal;
use crate::rdb::write;
use crate::text::number::{self, Spelled};
use crate::wire::{Args, push_request};
use crate::world::{Failure, Parcel, Receipt, World};

/// How long an exchange may take when the client gives it no time.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);

/// How many exchanges are under way at once. Others wait for one of them to end.
const MOST_UNDER_WAY: usize = 16;

/// So often keys that have changed are sent again without the loop standing still.
const MOST_ROUNDS: u32 = 3;

/// The event that one of the exchanges has ended, for those that wait for a place.
const PLACE_IS_FREE: &str = "MIGRATE";

/// What a request asks for.
struct Request<'a> {
    host: &'a [u8],
    port: i64,
    database: i64,
    timeout: Duration,
    copies: bool,
    replaces: bool,
    /// The words behind AUTH, if there are any.
    login: Vec<&'a [u8]>,
    keys: Vec<&'a [u8]>,
}

/// A key as it was sent.
struct Sent {
    key: Box<[u8]>,
    payload: Vec<u8>,
    expiry: Option<Millis>,
}

/// The keys that are sent at once.
struct Round {
    keys: Vec<Sent>,
    /// How many rounds there were before, with keys that have changed meanwhile.
    number: u32,
}

/// The exchanges of all clients: what this feature keeps in the world.
#[derive(Default)]
struct Exchanges {
    /// How many there have been: the number of the last one.
    begun: u64,
    under_way: usize,
    /// By client, what its command waits for.
    awaited: HashMap<u64, Exchange>,
}

struct Exchange {
    number: u64,
    round: Round,
    /// What has come of it, if it is over.
    receipt: Option<Receipt>,
}

impl Exchanges {
    fn event(number: u64) -> String {
        format!("MIGRATE {number}")
    }

    /// An exchange has ended. Its client may be gone, or wait for it no more.
    fn end(world: &mut World, client: u64, number: u64, receipt: Receipt) {
        let mut exchanges = world.lend::<Exchanges>().unwrap_or_default();
        exchanges.under_way = exchanges.under_way.saturating_sub(1);
        exchanges.awaited.retain(|&client, _| world.clients.slot_of(client).is_some());
        if let Some(exchange) = exchanges.awaited.get_mut(&client)
            && exchange.number == number
        {
            exchange.receipt = Some(receipt);
        }
        world.take_back(exchanges);
        world.signal(Exchanges::event(number));
        world.signal(PLACE_IS_FREE);
    }
}

/// MIGRATE host port key|"" destination-db timeout [COPY] [REPLACE] [AUTH password | AUTH2 username password]
/// [KEYS key [key ...]]
pub(super) fn migrate(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if ctx.world.cluster_node_of(ctx.slot).is_some() {
        // Its nodes have one keyspace: a key that went from one to another would be gone.
        return Err(error::STAGE_CHANGES_THE_CLUSTER);
    }
    let request = Request::parsed(args)?;
    let mut exchanges = ctx.world.lend::<Exchanges>().unwrap_or_default();
    let result = go_on(ctx, &mut exchanges, &request);
    ctx.world.take_back(exchanges);
    result
}

/// Begins an exchange, waits for it, or does what comes of it.
fn go_on(ctx: &mut Ctx<'_>, exchanges: &mut Exchanges, request: &Request<'_>) -> Result<(), Error> {
    let client = ctx.client();
    let (id, has_waited) = (client.id, client.is_waiting);
    let awaited = exchanges.awaited.remove(&id).filter(|_| has_waited);
    let round = match awaited {
        None => {
            let round = Round::of(&mut ctx.db(), request.keys.iter().copied(), 0);
            if round.keys.is_empty() {
                ctx.reply.status("NOKEY");
                return Ok(());
            }
            round
        }
        Some(Exchange { round, receipt: Some(receipt), .. }) => {
            let next = round.number + 1;
            let changed = conclude(ctx, request, round, receipt)?;
            let round = Round::of(&mut ctx.db(), changed.iter().map(|key| &**key), next);
            if round.keys.is_empty() {
                ctx.reply.ok();
                return Ok(());
            }
            round
        }
        Some(exchange) => {
            await_receipt(ctx, exchange.number);
            exchanges.awaited.insert(id, exchange);
            return Ok(());
        }
    };
    if !ctx.frame.may_wait() || round.number == MOST_ROUNDS {
        return exchange_now(ctx, request, round);
    }
    if exchanges.under_way >= MOST_UNDER_WAY && round.number == 0 {
        ctx.reply.error(&error::NO_CONNECTION);
        ctx.wait_for(PLACE_IS_FREE, None);
        return Ok(());
    }
    let Some(courier) = &ctx.world.courier else {
        return Err(error::NO_CONNECTION);
    };
    let number = exchanges.begun + 1;
    let parcel = request.parcel(&round, ctx.world.store.shared.now)?;
    let then = move |world: &mut World, receipt| Exchanges::end(world, id, number, receipt);
    courier.send_off(parcel, Box::new(then)).map_err(|_| error::NO_CONNECTION)?;
    exchanges.begun = number;
    exchanges.under_way += 1;
    exchanges.awaited.insert(id, Exchange { number, round, receipt: None });
    await_receipt(ctx, number);
    Ok(())
}

/// Waits for the end of an exchange. CLIENT UNBLOCK ends the wait as if the other server did not reply.
fn await_receipt(ctx: &mut Ctx<'_>, number: u64) {
    ctx.reply.error(&error::READ_FAILED);
    ctx.wait_for(Exchanges::event(number), None);
}

/// Exchanges while the loop stands still, so that no key can change.
fn exchange_now(ctx: &mut Ctx<'_>, request: &Request<'_>, round: Round) -> Result<(), Error> {
    let parcel = request.parcel(&round, ctx.world.store.shared.now)?;
    let courier = ctx.world.courier.as_ref().ok_or(error::NO_CONNECTION)?;
    let receipt = courier.deliver(&parcel);
    conclude(ctx, request, round, receipt)?;
    ctx.reply.ok();
    Ok(())
}

/// Deletes the keys that the other server has, unless they stay here as well. Returns those that have changed since they were
/// sent. The error is the first one of the other server, or says how far the connection came.
fn conclude(
    ctx: &mut Ctx<'_>,
    request: &Request<'_>,
    round: Round,
    receipt: Receipt,
) -> Result<Vec<Box<[u8]>>, Error> {
    let (setup, restored) = receipt.replies.split_at(request.setup().min(receipt.replies.len()));
    let refusal = |reply: &Vec<u8>| reply.strip_prefix(b"-").map(error::target_replied);
    let refused = receipt.replies.iter().find_map(refusal);
    let (mut moved, mut changed) = (Vec::new(), Vec::new());
    if setup.iter().all(|reply| refusal(reply).is_none()) {
        let acknowledged = round.keys.into_iter().zip(restored);
        for (sent, _) in acknowledged.filter(|(_, reply)| refusal(reply).is_none()) {
            match Sent::of(&mut ctx.db(), &sent.key) {
                None => {}
                Some(now) if (&now.payload, now.expiry) != (&sent.payload, sent.expiry) => {
                    changed.push(sent.key);
                }
                Some(_) if request.copies => {}
                Some(_) => {
                    ctx.db().delete(&sent.key);
                    moved.push(sent.key);
                }
            }
        }
    }
    ctx.says_all("DEL", &[], moved.iter().map(|key| &**key));
    let failed = receipt.failure.map(|failure| match failure {
        Failure::Connecting => error::NO_CONNECTION,
        Failure::Writing => error::WRITE_FAILED,
        Failure::Reading => error::READ_FAILED,
    });
    match failed.or(refused) {
        Some(error) => Err(error),
        // What is copied is what it was at one moment between question and answer.
        None if request.copies => Ok(Vec::new()),
        None => Ok(changed),
    }
}

impl Round {
    /// The keys of these that are there.
    fn of<'k>(db: &mut Db<'_>, keys: impl Iterator<Item = &'k [u8]>, number: u32) -> Round {
        Round { keys: keys.filter_map(|key| Sent::of(db, key)).collect(), number }
    }
}

impl Sent {
    fn of(db: &mut Db<'_>, key: &[u8]) -> Option<Sent> {
        let limits = db.limits();
        let found = db.info_uncounted(key)?;
        let (expiry, mut payload) = (found.expiry(), Vec::new());
        write::value(&mut payload, found, limits);
        seal(&mut payload);
        Some(Sent { key: key.into(), payload, expiry })
    }
}

impl<'a> Request<'a> {
    fn parsed(args: Args<'a>) -> Result<Request<'a>, Error> {
        let integer = |index: usize| number::parse_i64(&args[index]).ok_or(error::NOT_AN_INTEGER);
        let (mut copies, mut replaces, mut login) = (false, false, Vec::new());
        let word = |index: usize| args.get(index).unwrap_or_default();
        let mut keys = vec![word(3)];
        let mut options = args.options(6);
        while !options.is_over() {
            if options.flag("COPY") {
                copies = true;
            } else if options.flag("REPLACE") {
                replaces = true;
            } else if let Some(words) = options.values::<1>("AUTH") {
                login = words.to_vec();
            } else if let Some(words) = options.values::<2>("AUTH2") {
                login = words.to_vec();
            } else if options.flag("KEYS") {
                if !word(3).is_empty() {
                    return Err(error::KEY_AND_KEYS);
                }
                keys = args.from(options.index()).collect();
                break;
            } else {
                return Err(error::SYNTAX);
            }
        }
        let timeout = u64::try_from(integer(5)?).ok().filter(|&millis| millis > 0);
        Ok(Request {
            host: word(1),
            // As for the reference, what is no number is port 0, to which nothing connects.
            port: number::parse_i64(word(2)).unwrap_or(0),
            database: integer(4)?,
            timeout: timeout.map_or(DEFAULT_TIMEOUT, Duration::from_millis),
            copies,
            replaces,
            login,
            keys,
        })
    }

    /// How many requests stand before those about keys.
    fn setup(&self) -> usize {
        usize::from(!self.login.is_empty()) + 1
    }

    /// The requests of a round. `now`: what a time to live begins with.
    fn parcel(&self, round: &Round, now: Millis) -> Result<Parcel, Error> {
        let host = std::str::from_utf8(self.host).map_err(|_| error::NO_CONNECTION)?;
        if self.port < 0 {
            return Err(error::NO_CONNECTION);
        }
        let mut requests = Vec::new();
        if !self.login.is_empty() {
            let words: Vec<&[u8]> =
                [&b"AUTH"[..]].into_iter().chain(self.login.iter().copied()).collect();
            push_request(&mut requests, words.into_iter());
        }
        push_request(&mut requests, [&b"SELECT"[..], &Spelled::new(self.database)].into_iter());
        for sent in &round.keys {
            let ttl = sent.expiry.map_or(0, |when| when.saturating_sub(now).max(1));
            let ttl = Spelled::new(ttl);
            let words: &[&[u8]] = &[b"RESTORE", &sent.key, &ttl, &sent.payload, b"REPLACE"];
            let replaces = self.replaces || round.number > 0;
            let count = words.len() - usize::from(!replaces);
            push_request(&mut requests, words[..count].iter().copied());
        }
        Ok(Parcel {
            host: host.to_owned(),
            port: u16::try_from(self.port).unwrap_or(0),
            timeout: self.timeout,
            requests,
            count: self.setup() + round.keys.len(),
        })
    }
}
