//! A server in sixty lines.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use respd::{Args, Error, Reply};

pub type Store = HashMap<Vec<u8>, Vec<u8>>;

type Handler = fn(&mut Store, Args<'_>, &mut Reply) -> Result<(), Error>;

/// A row: name, how many arguments with it, and what runs.
const TABLE: &[(&str, RangeInclusive<usize>, Handler)] = &[
    ("del", 2..=usize::MAX, del),
    ("get", 2..=2, get),
    ("incr", 2..=2, incr),
    ("ping", 1..=1, ping),
    ("set", 3..=3, set),
];

/// Runs one request.
pub fn answer(store: &mut Store, args: Args<'_>, reply: &mut Reply) {
    let row = TABLE.iter().find(|(name, ..)| args.is(0, name));
    let outcome = match row {
        None => Err(format!("ERR unknown command '{}'", args[0].escape_ascii()).into()),
        Some((name, arity, _)) if !arity.contains(&args.len()) => {
            Err(format!("ERR wrong number of arguments for '{name}' command").into())
        }
        Some((_, _, handler)) => handler(store, args, reply),
    };
    if let Err(error) = outcome {
        reply.error(&error);
    }
}

fn del(store: &mut Store, args: Args<'_>, reply: &mut Reply) -> Result<(), Error> {
    let removed = args.from(1).filter(|&key| store.remove(key).is_some());
    reply.int(removed.count() as i64);
    Ok(())
}

fn get(store: &mut Store, args: Args<'_>, reply: &mut Reply) -> Result<(), Error> {
    match store.get(&args[1]) {
        Some(value) => reply.bulk(value),
        None => reply.null(),
    }
    Ok(())
}

fn incr(store: &mut Store, args: Args<'_>, reply: &mut Reply) -> Result<(), Error> {
    let not_an_integer = || Error::from("ERR value is not an integer or out of range");
    let value = match store.get(&args[1]) {
        None => 0,
        Some(text) => std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse::<i64>().ok())
            .ok_or_else(not_an_integer)?,
    };
    let sum = value.checked_add(1).ok_or_else(not_an_integer)?;
    store.insert(args[1].to_vec(), sum.to_string().into_bytes());
    reply.int(sum);
    Ok(())
}

fn ping(_: &mut Store, _: Args<'_>, reply: &mut Reply) -> Result<(), Error> {
    reply.status("PONG");
    Ok(())
}

fn set(store: &mut Store, args: Args<'_>, reply: &mut Reply) -> Result<(), Error> {
    store.insert(args[1].to_vec(), args[2].to_vec());
    reply.ok();
    Ok(())
}
