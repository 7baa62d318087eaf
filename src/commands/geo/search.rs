//! What finds places inside a shape: GEORADIUS GEORADIUS_RO GEORADIUSBYMEMBER GEORADIUSBYMEMBER_RO
//! GEOSEARCH GEOSEARCHSTORE. They are one search in several dialects.

use super::{coordinates, distance, place, point, point_at, unit};
use crate::commands::arguments;
use crate::dispatch::Ctx;
use crate::dispatch::keys::Key;
use crate::dispatch::spec::key::{OW, UPDATE};
use crate::error::{self, Error};
use crate::keyspace::changes::class;
use crate::keyspace::types::geo::{Area, PlaceFound, Point, Shape};
use crate::keyspace::types::zset::Scores;
use crate::keyspace::{View, Zset};
use crate::text::{double, number};
use crate::wire::{Args, Options, Reply};

/// GEORADIUS key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH]
///     [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]
pub(crate) fn georadius(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    search(ctx, args, Dialect { around: Around::Place, stores: Stores::IfTold })
}

/// GEORADIUS_RO key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH]
///     [COUNT count [ANY]] [ASC | DESC]
pub(crate) fn georadius_ro(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    search(ctx, args, Dialect { around: Around::Place, stores: Stores::Never })
}

/// GEORADIUSBYMEMBER key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH]
///     [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]
pub(crate) fn georadiusbymember(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    search(ctx, args, Dialect { around: Around::Member, stores: Stores::IfTold })
}

/// GEORADIUSBYMEMBER_RO key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH]
///     [COUNT count [ANY]] [ASC | DESC]
pub(crate) fn georadiusbymember_ro(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    search(ctx, args, Dialect { around: Around::Member, stores: Stores::Never })
}

/// GEOSEARCH key [FROMMEMBER member | FROMLONLAT longitude latitude]
///     <BYRADIUS radius unit | BYBOX width height unit | BYPOLYGON num-vertices longitude latitude ...>
///     [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]
pub(crate) fn geosearch(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    search(ctx, args, Dialect { around: Around::Options, stores: Stores::Never })
}

/// GEOSEARCHSTORE destination source [FROMMEMBER member | FROMLONLAT longitude latitude]
///     <BYRADIUS radius unit | BYBOX width height unit | BYPOLYGON num-vertices longitude latitude ...>
///     [ASC | DESC] [COUNT count [ANY]] [STOREDIST]
pub(crate) fn geosearchstore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
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
    let in_fewest_digits = ctx.world.config.persona.spells_places_shortest();
    let row = ctx.row;
    let (mut db, reply) = ctx.db_and_reply();
    let source = if dialect.stores == Stores::Always { 2 } else { 1 };
    let places = db.view::<Zset>(&args[source])?;
    let query = Query::parse(args, source + 1, dialect, places)?;
    if matches!(query.area, Some(Area::Polygon { .. })) && row.is_unknown_option(b"BYPOLYGON") {
        return Err(error::SYNTAX);
    }
    let found = places.map_or_else(Vec::new, |places| query.run(places));
    let Some(destination) = query.destination else {
        query.show(reply, &found, in_fewest_digits);
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
pub(crate) fn destination(args: Args<'_>) -> Option<Key> {
    let mut found = None;
    let mut options = args.options(5);
    while !options.is_over() {
        if options.value("STORE").or_else(|| options.value("STOREDIST")).is_some() {
            found = Some(Key { index: options.index() - 1, flags: OW | UPDATE });
        } else {
            options.skip(1);
        }
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
    /// At a member, which has no place if there is no such key.
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
        let word = |at: usize| args.get(at).unwrap_or_default();
        match dialect.around {
            Around::Place => {
                query.center = Some(Center::Place(point(args, at)?));
                query.circle([word(at + 2), word(at + 3)])?;
                at += 4;
            }
            Around::Member => {
                query.center = Some(member(word(at), places)?);
                // Without a key the radius is not read.
                if places.is_some() {
                    query.circle([word(at + 1), word(at + 2)])?;
                }
                at += 3;
            }
            Around::Options => {}
        }
        if dialect.stores == Stores::Always {
            query.destination = args.get(1);
        }
        let mut options = args.options(at);
        while !options.is_over() {
            let is_known = query.take(&mut options)?
                || query.take_store(&mut options, dialect.stores)
                || dialect.around == Around::Options && query.take_shape(&mut options, places)?;
            if !is_known {
                return Err(error::SYNTAX);
            }
        }
        query.check(dialect, &args[0])?;
        Ok(query)
    }

    /// Steps over the next option if every dialect has it. Returns whether it was one.
    fn take(&mut self, options: &mut Options<'a>) -> Result<bool, Error> {
        match () {
            () if options.flag("WITHDIST") => self.shows_distance = true,
            () if options.flag("WITHHASH") => self.shows_hash = true,
            () if options.flag("WITHCOORD") => self.shows_coordinates = true,
            () if options.flag("ANY") => self.any = true,
            () if options.flag("ASC") => self.order = Some(Order::Nearest),
            () if options.flag("DESC") => self.order = Some(Order::Farthest),
            () => {
                let Some(count) = options.value("COUNT") else { return Ok(false) };
                let count = arguments::integer(count)?;
                if count <= 0 {
                    return Err(error::COUNT_NOT_POSITIVE);
                }
                self.count = Some(usize::try_from(count).unwrap_or(usize::MAX));
            }
        }
        Ok(true)
    }

    /// Steps over the next option if it says what is stored. Returns whether it was one.
    fn take_store(&mut self, options: &mut Options<'a>, stores: Stores) -> bool {
        match stores {
            Stores::Never => false,
            Stores::Always => {
                let found = options.flag("STOREDIST");
                self.stores_distance |= found;
                found
            }
            Stores::IfTold => {
                let (key, distance) = match options.value("STORE") {
                    None => (options.value("STOREDIST"), true),
                    key => (key, false),
                };
                if key.is_some() {
                    self.destination = key;
                    self.stores_distance = distance;
                }
                key.is_some()
            }
        }
    }

    /// Steps over the next option if it says where to look. Returns whether it was one. One from where and
    /// one shape may be given, though that one twice; a polygon is both.
    fn take_shape(
        &mut self,
        options: &mut Options<'a>,
        places: Option<View<'_, Zset>>,
    ) -> Result<bool, Error> {
        if matches!(self.center, None | Some(Center::Member(_)))
            && let Some(name) = options.value("FROMMEMBER")
        {
            self.center = Some(member(name, places)?);
        } else if matches!(self.center, None | Some(Center::Place(_)))
            && let Some(degrees) = options.values("FROMLONLAT")
        {
            self.center = Some(Center::Place(point_at(degrees)?));
        } else if matches!(self.area, None | Some(Area::Circle { .. }))
            && let Some(words) = options.values("BYRADIUS")
        {
            self.circle(words)?;
        } else if matches!(self.area, None | Some(Area::Box { .. }))
            && let Some(words) = options.values("BYBOX")
        {
            self.rectangle(words)?;
        } else if matches!(self.center, None | Some(Center::Vertices(_)))
            && matches!(self.area, None | Some(Area::Polygon { .. }))
            && options.left() > 2
            && let Some(number) = options.value("BYPOLYGON")
        {
            self.polygon(number, options)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Reads `radius unit`.
    fn circle(&mut self, [radius, units]: [&[u8]; 2]) -> Result<(), Error> {
        let radius = double::parse(radius).ok_or(error::RADIUS_NOT_A_NUMBER)?;
        if radius < 0.0 {
            return Err(error::RADIUS_NEGATIVE);
        }
        self.unit = unit(units)?;
        self.area = Some(Area::Circle { radius: radius * self.unit });
        Ok(())
    }

    /// Reads `width height unit`.
    fn rectangle(&mut self, [width, height, units]: [&[u8]; 3]) -> Result<(), Error> {
        let width = double::parse(width).ok_or(error::WIDTH_NOT_A_NUMBER)?;
        let height = double::parse(height).ok_or(error::HEIGHT_NOT_A_NUMBER)?;
        if width < 0.0 || height < 0.0 {
            return Err(error::BOX_NEGATIVE);
        }
        self.unit = unit(units)?;
        self.area = Some(Area::Box { width: width * self.unit, height: height * self.unit });
        Ok(())
    }

    /// Reads as many pairs `longitude latitude` as `number` says.
    fn polygon(&mut self, number: &[u8], options: &mut Options<'_>) -> Result<(), Error> {
        let number = number::parse_i64(number).and_then(|number| i32::try_from(number).ok());
        let number = usize::try_from(number.ok_or(error::VERTICES)?).unwrap_or(0);
        if number < 3 || number > options.left() / 2 {
            return Err(error::VERTICES_TOO_FEW);
        }
        let mut vertices = Vec::with_capacity(number);
        while vertices.len() < number {
            let degrees = [(); 2].map(|()| options.word().unwrap_or_default());
            vertices.push(point_at(degrees)?);
        }
        self.center = Some(Center::Vertices(Point::middle(&vertices)));
        self.area = Some(Area::Polygon { vertices });
        Ok(())
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
        // Where there is no key, the radius has not been read.
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

    fn show(&self, reply: &mut Reply, found: &[PlaceFound<'_>], in_fewest_digits: bool) {
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
                coordinates(reply, place.point, in_fewest_digits);
            }
        }
    }
}

/// The place of a member. If there is a key, it has to have the member.
fn member(name: &[u8], places: Option<View<'_, Zset>>) -> Result<Center, Error> {
    let found = place(places, name);
    if places.is_some() && found.is_none() {
        return Err(error::quoting("member ", name, " does not exist"));
    }
    Ok(Center::Member(found))
}
