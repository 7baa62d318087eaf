//! What finds places inside a shape: GEORADIUS GEORADIUS_RO GEORADIUSBYMEMBER GEORADIUSBYMEMBER_RO
//! GEOSEARCH GEOSEARCHSTORE. They are one search in several dialects.

use super::{coordinates, distance, place, point, unit};
use crate::commands::arguments;
use crate::dispatch::Ctx;
use crate::dispatch::keys::Key;
use crate::dispatch::spec::key::{OW, UPDATE};
use crate::error::{self, Error};
use crate::keyspace::changes::class;
use crate::keyspace::types::geo::{Area, PlaceFound, Point, Shape};
use crate::keyspace::types::zset::Scores;
use crate::keyspace::{View, Zset};
use crate::wire::{Args, Reply};

/// GEORADIUS key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH]
///     [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]
pub fn georadius(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    search(ctx, args, Dialect { around: Around::Place, stores: Stores::IfTold })
}

/// GEORADIUS_RO key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH]
///     [COUNT count [ANY]] [ASC | DESC]
pub fn georadius_ro(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    search(ctx, args, Dialect { around: Around::Place, stores: Stores::Never })
}

/// GEORADIUSBYMEMBER key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH]
///     [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]
pub fn georadiusbymember(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    search(ctx, args, Dialect { around: Around::Member, stores: Stores::IfTold })
}

/// GEORADIUSBYMEMBER_RO key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH]
///     [COUNT count [ANY]] [ASC | DESC]
pub fn georadiusbymember_ro(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    search(ctx, args, Dialect { around: Around::Member, stores: Stores::Never })
}

/// GEOSEARCH key [FROMMEMBER member | FROMLONLAT longitude latitude]
///     <BYRADIUS radius unit | BYBOX width height unit | BYPOLYGON num-vertices longitude latitude ...>
///     [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]
pub fn geosearch(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    search(ctx, args, Dialect { around: Around::Options, stores: Stores::Never })
}

/// GEOSEARCHSTORE destination source [FROMMEMBER member | FROMLONLAT longitude latitude]
///     <BYRADIUS radius unit | BYBOX width height unit | BYPOLYGON num-vertices longitude latitude ...>
///     [ASC | DESC] [COUNT count [ANY]] [STOREDIST]
pub fn geosearchstore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    search(ctx, args, Dialect { around: Around::Options, stores: Stores::Always })
}

/// How a command says what it looks for.
#[derive(Debug, Clone, Copy)]
struct Dialect {
    around: Around,
    stores: Stores,
}

/// What a command says first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    /// A place and a radius.
    Place,
    /// A member and a radius.
    Member,
    /// Nothing; where to look is told by options.
    Options,
}

/// When a command stores what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stores {
    Never,
    /// With the options STORE and STOREDIST, which name the destination.
    IfTold,
    /// Its first argument is the destination.
    Always,
}

fn search(ctx: &mut Ctx<'_>, args: Args<'_>, dialect: Dialect) -> Result<(), Error> {
    let (mut db, reply) = ctx.db_and_reply();
    let source = if dialect.stores == Stores::Always { 2 } else { 1 };
    let places = db.view::<Zset>(&args[source])?;
    let query = Query::parse(args, source + 1, dialect, places)?;
    let found = places.map_or_else(Vec::new, |places| query.run(places));
    let Some(destination) = query.destination else {
        query.show(reply, &found);
        return Ok(());
    };
    let mut scores = Scores::default();
    for place in found {
        let distance = place.distance / query.unit;
        let score = if query.stores_distance { distance } else { place.score };
        scores.merge(place.member, score, |_, score| score);
    }
    let stored = scores.len();
    db.set_zset(destination, scores);
    let event = match dialect.stores {
        Stores::Always => "geosearchstore",
        _ => "georadiusstore",
    };
    db.note_changes(stored, class::ZSET, event, destination);
    reply.int(stored as i64);
    Ok(())
}

/// The key that GEORADIUS or GEORADIUSBYMEMBER stores at: the one behind the last STORE or STOREDIST. It finds
/// it where the options are wrong, too.
pub fn destination(args: Args<'_>) -> Option<Key> {
    let mut found = None;
    let mut index = 5;
    while index + 1 < args.len() {
        if args.is(index, "STORE") || args.is(index, "STOREDIST") {
            found = Some(Key { index: index + 1, flags: OW | UPDATE });
            index += 1;
        }
        index += 1;
    }
    found
}

/// What is looked for, and what is done with it.
#[derive(Debug)]
struct Query<'a> {
    center: Option<Center>,
    area: Option<Area>,
    /// The metres of the unit in which distances are told.
    unit: f64,
    order: Option<Order>,
    count: Option<usize>,
    /// Whether any places will do, so that the search ends when there are enough.
    any: bool,
    shows_distance: bool,
    shows_hash: bool,
    shows_coordinates: bool,
    destination: Option<&'a [u8]>,
    stores_distance: bool,
}

/// Where the middle of a shape is.
#[derive(Debug, Clone, Copy)]
enum Center {
    Place(Point),
    /// At a member, whose place nobody knows if there is no such key.
    Member(Option<Point>),
    /// In the middle of a polygon.
    Vertices(Point),
}

#[derive(Debug, Clone, Copy)]
enum Order {
    Nearest,
    Farthest,
}

impl<'a> Query<'a> {
    /// Reads the arguments from `at` on. Members are looked for in `places`.
    fn parse(
        args: Args<'a>,
        mut at: usize,
        dialect: Dialect,
        places: Option<View<'_, Zset>>,
    ) -> Result<Query<'a>, Error> {
        let mut query = Query {
            center: None,
            area: None,
            unit: 1.0,
            order: None,
            count: None,
            any: false,
            shows_distance: false,
            shows_hash: false,
            shows_coordinates: false,
            destination: None,
            stores_distance: false,
        };
        match dialect.around {
            Around::Place => {
                query.center = Some(Center::Place(point(args, at)?));
                at += 2 + query.circle(args, at + 2)?;
            }
            Around::Member => {
                query.center = Some(member(args, at, places)?);
                // Without a key nobody looks at the radius.
                at += 1 + if places.is_some() { query.circle(args, at + 1)? } else { 2 };
            }
            Around::Options => {}
        }
        if dialect.stores == Stores::Always {
            query.destination = args.get(1);
        }
        while at < args.len() {
            at += match query.option(args, at)? {
                0 => query.option_of(dialect, args, at, places)?,
                taken => taken,
            };
        }
        query.check(dialect, &args[0])?;
        Ok(query)
    }

    /// Reads an option that every dialect has. Returns how many arguments it has, and 0 if it is another.
    fn option(&mut self, args: Args<'a>, at: usize) -> Result<usize, Error> {
        let is = |word: &str| args.is(at, word);
        let has = |more: usize| at + more < args.len();
        match () {
            () if is("WITHDIST") => self.shows_distance = true,
            () if is("WITHHASH") => self.shows_hash = true,
            () if is("WITHCOORD") => self.shows_coordinates = true,
            () if is("ANY") => self.any = true,
            () if is("ASC") => self.order = Some(Order::Nearest),
            () if is("DESC") => self.order = Some(Order::Farthest),
            () if is("COUNT") && has(1) => {
                let count = arguments::int(args, at + 1)?;
                if count <= 0 {
                    return Err(error::COUNT_NOT_POSITIVE);
                }
                self.count = Some(usize::try_from(count).unwrap_or(usize::MAX));
                return Ok(2);
            }
            () => return Ok(0),
        }
        Ok(1)
    }

    /// Reads an option that only some dialects have. Returns how many arguments it has. One from where
    /// and one shape may be given, though that one twice; a polygon is both.
    fn option_of(
        &mut self,
        dialect: Dialect,
        args: Args<'a>,
        at: usize,
        places: Option<View<'_, Zset>>,
    ) -> Result<usize, Error> {
        let is = |word: &str| args.is(at, word);
        let has = |more: usize| at + more < args.len();
        match (dialect.around, dialect.stores, &self.center, &self.area) {
            (_, Stores::IfTold, ..) if (is("STORE") || is("STOREDIST")) && has(1) => {
                self.destination = args.get(at + 1);
                self.stores_distance = is("STOREDIST");
                Ok(2)
            }
            (_, Stores::Always, ..) if is("STOREDIST") => {
                self.stores_distance = true;
                Ok(1)
            }
            (Around::Options, _, None | Some(Center::Member(_)), _)
                if is("FROMMEMBER") && has(1) =>
            {
                self.center = Some(member(args, at + 1, places)?);
                Ok(2)
            }
            (Around::Options, _, None | Some(Center::Place(_)), _)
                if is("FROMLONLAT") && has(2) =>
            {
                self.center = Some(Center::Place(point(args, at + 1)?));
                Ok(3)
            }
            (Around::Options, _, _, None | Some(Area::Circle { .. }))
                if is("BYRADIUS") && has(2) =>
            {
                Ok(1 + self.circle(args, at + 1)?)
            }
            (Around::Options, _, _, None | Some(Area::Box { .. })) if is("BYBOX") && has(3) => {
                Ok(1 + self.rectangle(args, at + 1)?)
            }
            (
                Around::Options,
                _,
                None | Some(Center::Vertices(_)),
                None | Some(Area::Polygon { .. }),
            ) if is("BYPOLYGON") && has(2) => Ok(1 + self.polygon(args, at + 1)?),
            _ => Err(error::SYNTAX),
        }
    }

    /// Reads `radius unit`, and returns how many arguments these are.
    fn circle(&mut self, args: Args<'_>, at: usize) -> Result<usize, Error> {
        let radius = arguments::float(args, at).map_err(|_| error::RADIUS_NOT_A_NUMBER)?;
        if radius < 0.0 {
            return Err(error::RADIUS_NEGATIVE);
        }
        self.unit = unit(&args[at + 1])?;
        self.area = Some(Area::Circle { radius: radius * self.unit });
        Ok(2)
    }

    /// Reads `width height unit`, likewise.
    fn rectangle(&mut self, args: Args<'_>, at: usize) -> Result<usize, Error> {
        let width = arguments::float(args, at).map_err(|_| error::WIDTH_NOT_A_NUMBER)?;
        let height = arguments::float(args, at + 1).map_err(|_| error::HEIGHT_NOT_A_NUMBER)?;
        if width < 0.0 || height < 0.0 {
            return Err(error::BOX_NEGATIVE);
        }
        self.unit = unit(&args[at + 2])?;
        self.area = Some(Area::Box { width: width * self.unit, height: height * self.unit });
        Ok(3)
    }

    /// Reads `num-vertices longitude latitude ...`, likewise.
    fn polygon(&mut self, args: Args<'_>, at: usize) -> Result<usize, Error> {
        let number = arguments::int(args, at).ok().and_then(|number| i32::try_from(number).ok());
        let number = number.ok_or(error::VERTICES)?;
        let given = (args.len() - at - 1) / 2;
        let number = usize::try_from(number).unwrap_or(0);
        if number < 3 || number > given {
            return Err(error::VERTICES_TOO_FEW);
        }
        let vertices = (0..number).map(|vertex| point(args, at + 1 + 2 * vertex));
        let vertices = vertices.collect::<Result<Vec<Point>, Error>>()?;
        self.center = Some(Center::Vertices(Point::middle(&vertices)));
        self.area = Some(Area::Polygon { vertices });
        Ok(1 + 2 * number)
    }

    /// Whether the options agree with each other, when all have been read.
    fn check(&self, dialect: Dialect, command: &[u8]) -> Result<(), Error> {
        let shows = self.shows_distance || self.shows_hash || self.shows_coordinates;
        if self.destination.is_some() && shows {
            return Err(error::stores_and_shows(match dialect.stores {
                Stores::Always => "GEOSEARCHSTORE",
                _ => "STORE option in GEORADIUS",
            }));
        }
        // Where there is no key, it is fine that nobody has looked at the radius.
        let needs_options = dialect.around == Around::Options;
        if needs_options && self.center.is_none() {
            return Err(error::not_exactly_one("FROMMEMBER or FROMLONLAT", command));
        }
        if needs_options && self.area.is_none() {
            return Err(error::not_exactly_one("BYRADIUS, BYBOX and BYPOLYGON", command));
        }
        if self.any && self.count.is_none() {
            return Err(error::ANY_WITHOUT_COUNT);
        }
        Ok(())
    }

    /// Finds places, in the order in which they are told.
    fn run<'p>(&self, places: View<'p, Zset>) -> Vec<PlaceFound<'p>> {
        let center = match self.center {
            Some(Center::Place(point) | Center::Vertices(point)) => point,
            Some(Center::Member(Some(point))) => point,
            Some(Center::Member(None)) | None => return Vec::new(),
        };
        let Some(area) = &self.area else { return Vec::new() };
        let count = self.count.unwrap_or(usize::MAX);
        let most = if self.any { count } else { usize::MAX };
        let mut found = places.inside(&Shape { center, area }, most);
        // If only some are wanted they are the nearest, unless any will do.
        let order = match self.order {
            None if self.count.is_some() && !self.any => Some(Order::Nearest),
            order => order,
        };
        match order {
            Some(Order::Nearest) => {
                found.sort_by(|one, other| one.distance.total_cmp(&other.distance));
            }
            Some(Order::Farthest) => {
                found.sort_by(|one, other| other.distance.total_cmp(&one.distance));
            }
            None => {}
        }
        found.truncate(count);
        found
    }

    fn show(&self, reply: &mut Reply, found: &[PlaceFound<'_>]) {
        let shown = [self.shows_distance, self.shows_hash, self.shows_coordinates];
        let more = shown.into_iter().filter(|&shown| shown).count();
        reply.array(found.len());
        for place in found {
            if more > 0 {
                reply.array(1 + more);
            }
            reply.bulk(place.member);
            if self.shows_distance {
                distance(reply, place.distance / self.unit);
            }
            if self.shows_hash {
                reply.int(place.score as i64);
            }
            if self.shows_coordinates {
                coordinates(reply, place.point);
            }
        }
    }
}

/// The place of the member at `index`. If there is a key, it has to have the member.
fn member(args: Args<'_>, index: usize, places: Option<View<'_, Zset>>) -> Result<Center, Error> {
    let found = place(places, &args[index]);
    if places.is_some() && found.is_none() {
        return Err(error::quoting("member ", &args[index], " does not exist"));
    }
    Ok(Center::Member(found))
}
