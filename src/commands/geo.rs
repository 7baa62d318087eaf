//! Places: sorted sets whose scores are geohashes, see `keyspace::types::geo`.
//!
//! GEOADD GEODIST GEOHASH GEOPOS; in `search` what finds places: GEORADIUS and its kin, GEOSEARCH and
//! GEOSEARCHSTORE.

mod search;

use std::iter;

use super::arguments::Presence;
use crate::dispatch::Ctx;
use crate::dispatch::spec::category::GEO;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::key::*;
use crate::dispatch::spec::{Spec, at, keyword};
use crate::error::{self, Error};
use crate::keyspace::changes::class;
use crate::keyspace::types::geo::Point;
use crate::keyspace::{View, Zset};
use crate::text::{double, extended, number};
use crate::wire::{Args, Reply};

use search::*;

pub(crate) const TABLE: &[Spec] = &[
    Spec::new("geoadd", -5, WRITE | DENYOOM, geoadd)
        .acl(GEO)
        .key(RW | UPDATE, at(1))
        .doc(
            "3.2.0",
            "O(log(N)) for each member, N being the size of the set",
            "key [condition: NX | XX]@6.2 [change: CH]@6.2 (longitude latitude member)...",
            "Adds places to a geographic index, or moves them.",
        )
        .history(&[("6.2.0", "Options `CH`, `NX` and `XX`.")]),
    Spec::new("geodist", -4, READ, geodist).acl(GEO).key(RO | ACCESS, at(1)).doc(
        "3.2.0",
        "O(1)",
        "key member1 member2 [unit: M | KM | FT | MI]",
        "Returns the distance between two places.",
    ),
    Spec::new("geohash", -2, READ, geohash).acl(GEO).key(RO | ACCESS, at(1)).doc(
        "3.2.0",
        "O(1) for each member",
        "key [member...]",
        "Returns places as geohash strings.",
    ),
    Spec::new("geopos", -2, READ, geopos).acl(GEO).key(RO | ACCESS, at(1)).doc(
        "3.2.0",
        "O(1) for each member",
        "key [member...]",
        "Returns the longitude and latitude of places.",
    ),
    Spec::new("georadius", -6, WRITE | DENYOOM, georadius)
        .acl(GEO)
        .key(RO | ACCESS, at(1))
        .key(OW | UPDATE | VARIABLE_FLAGS, keyword("STORE", 6, 0, 1, 0))
        .key(OW | UPDATE | VARIABLE_FLAGS, keyword("STOREDIST", 6, 0, 1, 0))
        .more_keys(destination)
        .doc(
            "3.2.0",
            "O(N+log(M)), N being the number of places in the square around the circle and M in \
            the index",
            "key longitude latitude radius (unit: M | KM | FT | MI) [WITHCOORD] [WITHDIST] \
            [WITHHASH] [count-block: (COUNT count) [ANY]@6.2] [order: ASC | DESC] \
            [store: STORE storekey<key> | STOREDIST storedistkey<key>]",
            "Finds the places around a point, and may store them.",
        )
        .history(&[
            ("6.2.0", "Option `ANY` of `COUNT`."),
            ("7.0.0", "Units may be in upper case."),
        ]),
    Spec::new("georadius_ro", -6, READ, georadius_ro)
        .acl(GEO)
        .key(RO | ACCESS, at(1))
        .doc(
            "3.2.10",
            "O(N+log(M)), N being the number of places in the square around the circle and M in \
            the index",
            "key longitude latitude radius (unit: M | KM | FT | MI) [WITHCOORD] [WITHDIST] \
            [WITHHASH] [count-block: (COUNT count) [ANY]@6.2] [order: ASC | DESC]",
            "Finds the places around a point.",
        )
        .history(&[
            ("6.2.0", "Option `ANY` of `COUNT`."),
            ("7.0.0", "Units may be in upper case."),
        ]),
    Spec::new("georadiusbymember", -5, WRITE | DENYOOM, georadiusbymember)
        .acl(GEO)
        .key(RO | ACCESS, at(1))
        .key(OW | UPDATE | VARIABLE_FLAGS, keyword("STORE", 5, 0, 1, 0))
        .key(OW | UPDATE | VARIABLE_FLAGS, keyword("STOREDIST", 5, 0, 1, 0))
        .more_keys(destination)
        .doc(
            "3.2.0",
            "O(N+log(M)), N being the number of places in the square around the circle and M in \
            the index",
            "key member radius (unit: M | KM | FT | MI) [WITHCOORD] [WITHDIST] [WITHHASH] \
            [count-block: (COUNT count) [ANY]] [order: ASC | DESC] \
            [store: STORE storekey<key> | STOREDIST storedistkey<key>]",
            "Finds the places around another, and may store them.",
        )
        .history(&[
            ("6.2.0", "Option `ANY` of `COUNT`."),
            ("7.0.0", "Units may be in upper case."),
        ]),
    Spec::new("georadiusbymember_ro", -5, READ, georadiusbymember_ro)
        .acl(GEO)
        .key(RO | ACCESS, at(1))
        .doc(
            "3.2.10",
            "O(N+log(M)), N being the number of places in the square around the circle and M in \
            the index",
            "key member radius (unit: M | KM | FT | MI) [WITHCOORD] [WITHDIST] [WITHHASH] \
            [count-block: (COUNT count) [ANY]] [order: ASC | DESC]",
            "Finds the places around another.",
        )
        .history(&[
            ("6.2.0", "Option `ANY` of `COUNT`."),
            ("7.0.0", "Units may be in upper case."),
        ]),
    Spec::new("geosearch", -7, READ, geosearch)
        .acl(GEO)
        .key(RO | ACCESS, at(1))
        .doc(
            "6.2.0",
            "O(N+log(M)), N being the number of places in the grid cells that the shape touches \
            and M in the shape",
            "key [from: FROMMEMBER member | FROMLONLAT longitude latitude] \
            (by: (circle: (BYRADIUS radius) (unit: M | KM | FT | MI)) \
            | (box: (BYBOX width) height (unit: M | KM | FT | MI)) \
            | (polygon: (BYPOLYGON num-vertices) (vertices: longitude latitude)...)@9.0) \
            [order: ASC | DESC] [count-block: (COUNT count) [ANY]] [WITHCOORD] [WITHDIST] \
            [WITHHASH]",
            "Finds the places inside a circle, a box or a polygon.",
        )
        .history(&[("7.0.0", "Units may be in upper case."), ("9.0.0", "Option `BYPOLYGON`.")]),
    Spec::new("geosearchstore", -8, WRITE | DENYOOM, geosearchstore)
        .acl(GEO)
        .key(OW | UPDATE, at(1))
        .key(RO | ACCESS, at(2))
        .doc(
            "6.2.0",
            "O(N+log(M)), N being the number of places in the grid cells that the shape touches \
            and M in the shape",
            "destination source [from: FROMMEMBER member | FROMLONLAT longitude latitude] \
            (by: (circle: (BYRADIUS radius) (unit: M | KM | FT | MI)) \
            | (box: (BYBOX width) height (unit: M | KM | FT | MI)) \
            | (polygon: (BYPOLYGON num-vertices) (vertices: longitude latitude)...)@9.0) \
            [order: ASC | DESC] [count-block: (COUNT count) [ANY]] [STOREDIST]",
            "Stores the places inside a circle, a box or a polygon.",
        )
        .history(&[("7.0.0", "Units may be in upper case."), ("9.0.0", "Option `BYPOLYGON`.")]),
];

/// GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]
fn geoadd(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut presence, mut change) = (Presence::default(), false);
    let mut options = args.options(2);
    loop {
        if options.flag("CH") {
            change = true;
        } else if !presence.take(&mut options, ["NX", "XX"])? {
            break;
        }
    }
    let first = options.index();
    let given = args.len() - first;
    if given == 0 || !given.is_multiple_of(3) {
        return Err(error::SYNTAX);
    }

    // One place is the normal case, and needs no memory for its score.
    let score = point(args, first)?.score();
    let more = (first + 3..args.len()).step_by(3);
    let more = more.map(|at| Ok(point(args, at)?.score())).collect::<Result<Vec<f64>, Error>>()?;
    let scores = iter::once(score).chain(more);
    let members = args.from(first + 2).step_by(3);

    let (mut db, reply) = ctx.db_and_reply();
    let places = match presence.wants_present() {
        true => db.edit::<Zset>(&args[1])?,
        false => Some(db.edit_or_new::<Zset>(&args[1])?),
    };
    let (mut added, mut changed) = (0, 0);
    if let Some(mut places) = places {
        if places.is_empty() {
            let longest = members.clone().map(<[u8]>::len).max();
            places.expect(members.len(), longest.unwrap_or(0));
        }
        for (member, score) in members.zip(scores) {
            places.update(member, |old| {
                if !presence.allows(|| old.is_some()) {
                    return None;
                }
                match old {
                    Some(old) => changed += i64::from(old != score),
                    None => added += 1,
                }
                Some(score)
            });
        }
        places.note_changes((added + changed) as usize, class::ZSET, "zadd");
    }
    reply.int(if change { added + changed } else { added });
    Ok(())
}

/// GEODIST key member1 member2 [M | KM | FT | MI]
fn geodist(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let metres = match args.len() {
        4 => 1.0,
        5 => unit(&args[4])?,
        _ => return Err(error::SYNTAX),
    };
    let (mut db, reply) = ctx.db_and_reply();
    let places = db.view::<Zset>(&args[1])?;
    match place(places, &args[2]).zip(place(places, &args[3])) {
        Some((one, other)) => distance(reply, one.distance(other) / metres),
        None => reply.null(),
    }
    Ok(())
}

/// GEOHASH key [member ...]
fn geohash(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let places = db.view::<Zset>(&args[1])?;
    reply.array(args.len() - 2);
    for member in args.from(2) {
        match place(places, member) {
            Some(point) => reply.bulk(&point.geohash()),
            None => reply.null(),
        }
    }
    Ok(())
}

/// GEOPOS key [member ...]
fn geopos(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let in_fewest_digits = ctx.world.config.persona.spells_places_shortest();
    let (mut db, reply) = ctx.db_and_reply();
    let places = db.view::<Zset>(&args[1])?;
    reply.array(args.len() - 2);
    for member in args.from(2) {
        match place(places, member) {
            Some(point) => coordinates(reply, point, in_fewest_digits),
            None => reply.null_array(),
        }
    }
    Ok(())
}

/// The place of a member.
fn place(places: Option<View<'_, Zset>>, member: &[u8]) -> Option<Point> {
    places?.score(member).map(Point::of_score)
}

/// The longitude at `index` and the latitude behind it.
fn point(args: Args<'_>, index: usize) -> Result<Point, Error> {
    let degrees = |index: usize| args.get(index).unwrap_or_default();
    point_at([degrees(index), degrees(index + 1)])
}

/// The point at a longitude and a latitude.
fn point_at(degrees: [&[u8]; 2]) -> Result<Point, Error> {
    let read = |text| double::parse(text).ok_or(error::NOT_A_FLOAT);
    let (longitude, latitude) = (read(degrees[0])?, read(degrees[1])?);
    Point::on_map(longitude, latitude).ok_or_else(|| error::not_on_map(longitude, latitude))
}

/// How many metres a unit has.
fn unit(name: &[u8]) -> Result<f64, Error> {
    const UNITS: [(&[u8], f64); 4] =
        [(b"M", 1.0), (b"KM", 1000.0), (b"FT", 0.3048), (b"MI", 1609.34)];
    let unit = UNITS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
    unit.map(|&(_, metres)| metres).ok_or(error::GEO_UNIT)
}

/// Writes a distance: a bulk string in either protocol, with four decimals, zeros among them.
fn distance(reply: &mut Reply, distance: f64) {
    let decimals = (distance * 1e4).round_ties_even() as u64;
    let mut text = Vec::with_capacity(24);
    number::push_u64(&mut text, decimals / 10_000);
    let mut after_point = [b'0'; 4];
    number::spell(&mut after_point, decimals % 10_000);
    text.push(b'.');
    text.extend_from_slice(&after_point);
    reply.bulk(&text);
}

/// Writes a longitude and a latitude, in up to 17 decimals, or as Redis does since 8.
fn coordinates(reply: &mut Reply, point: Point, in_fewest_digits: bool) {
    reply.array(2);
    if in_fewest_digits {
        reply.double(point.longitude);
        return reply.double(point.latitude);
    }
    let mut text = Vec::with_capacity(24);
    for degrees in [point.longitude, point.latitude] {
        text.clear();
        extended::push_double(&mut text, degrees, extended::DECIMALS);
        reply.spelled_double(&text);
    }
}
