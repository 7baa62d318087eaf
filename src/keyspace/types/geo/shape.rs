//! Which members of an index are inside a shape.
//!
//! A shape is covered with up to nine cells: the one around its center, and those beside it that the
//! shape reaches. Each cell is a range of scores; of its members those are kept that really are inside.

use super::hash::{Cell, STEPS};
use super::{Bounds, EARTH_RADIUS, Point, RADIANS};
use crate::keyspace::types::zset::Bound;
use crate::keyspace::{View, Zset};

/// Half the way around the equator of the map in metres, as the estimate of cells has it.
const HALF_EQUATOR: f64 = 20_037_726.37;

/// A part of the map to search.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape<'a> {
    /// What distances are measured from.
    pub(crate) center: Point,
    pub(crate) area: &'a Area,
}

/// What a shape covers around its center.
#[derive(Debug, Clone)]
pub(crate) enum Area {
    /// All places at most `radius` metres away.
    Circle { radius: f64 },
    /// All places at most half of `height` metres to the north or south, and half of `width` to the east
    /// or west, which is measured along their own circle of latitude.
    Box { width: f64, height: f64 },
    /// All places between lines from one of at least three vertices to the next, and from the last to the
    /// first. They are straight on the map. The center is the middle of the vertices.
    Polygon { vertices: Vec<Point> },
}

/// A member inside a shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlaceFound<'a> {
    pub(crate) member: &'a [u8],
    pub(crate) score: f64,
    pub(crate) point: Point,
    /// From the center of the shape, in metres.
    pub(crate) distance: f64,
}

impl Shape<'_> {
    /// The distance from the center in metres, if the place is inside.
    fn distance_inside(&self, point: Point) -> Option<f64> {
        match self.area {
            Area::Circle { radius } => {
                Some(self.center.distance(point)).filter(|distance| distance <= radius)
            }
            Area::Box { width, height } => {
                let beside = Point { longitude: self.center.longitude, ..point };
                let is_inside = point.distance_along(self.center.latitude) <= height / 2.0
                    && point.distance(beside) <= width / 2.0;
                is_inside.then(|| self.center.distance(point))
            }
            Area::Polygon { vertices } => {
                is_between(vertices, point).then(|| self.center.distance(point))
            }
        }
    }

    /// Bounds of the map that the shape does not reach beyond. Its top and its bottom are seen from the
    /// side that is nearer to a pole, where metres are the most degrees.
    fn bounds(&self) -> Bounds {
        let (width, height) = match self.area {
            Area::Circle { radius } => (*radius, *radius),
            Area::Box { width, height } => (width / 2.0, height / 2.0),
            Area::Polygon { vertices } => return bounds_of(vertices),
        };
        let Point { longitude, latitude } = self.center;
        let along = height / EARTH_RADIUS / RADIANS;
        let widest = if latitude < 0.0 { latitude - along } else { latitude + along };
        let across = width / EARTH_RADIUS / (widest * RADIANS).cos() / RADIANS;
        Bounds {
            west: longitude - across,
            east: longitude + across,
            south: latitude - along,
            north: latitude + along,
        }
    }

    /// How far the shape reaches from its center, in metres.
    fn reach(&self) -> f64 {
        match self.area {
            Area::Circle { radius } => *radius,
            Area::Box { width, height } => {
                let (width, height) = (width / 2.0, height / 2.0);
                (width * width + height * height).sqrt()
            }
            Area::Polygon { vertices } => {
                let Bounds { west, east, south, north } = bounds_of(vertices);
                let corners = [(west, south), (west, north), (east, south), (east, north)];
                let corners = corners.map(|(longitude, latitude)| Point { longitude, latitude });
                corners.map(|corner| self.center.distance(corner)).into_iter().fold(0.0, f64::max)
            }
        }
    }

    /// The cells that cover the shape, the one around the center first.
    fn cells(&self) -> impl Iterator<Item = Cell> {
        /// Where the cells are: how many to the east and to the north.
        const BESIDE: [(i32, i32); 9] =
            [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];
        let shape = self.bounds();
        let (center, mut steps) = match Point::on_map(self.center.longitude, self.center.latitude) {
            Some(center) => (center, steps_for(self.reach(), center.latitude)),
            // The middle of a polygon can be near a pole. Then every cell is looked at.
            None => (Point { latitude: 0.0, ..self.center }, 1),
        };
        let mut middle = Cell::around(center, steps);
        let edge = |east, north| middle.beside(east, north).bounds();
        let is_too_small = edge(0, 1).north < shape.north
            || edge(0, -1).south > shape.south
            || edge(1, 0).east < shape.east
            || edge(-1, 0).west > shape.west;
        if steps > 1 && is_too_small {
            steps -= 1;
            middle = Cell::around(center, steps);
        }

        // Of a map of four cells all are needed: those to the east are those to the west, too.
        let bounds = middle.bounds();
        let reaches = move |(east, north): (i32, i32)| {
            let is_beyond = (north < 0 && bounds.south < shape.south)
                || (north > 0 && bounds.north > shape.north)
                || (east < 0 && bounds.west < shape.west)
                || (east > 0 && bounds.east > shape.east);
            steps == 1 || !is_beyond
        };
        let cells = BESIDE.into_iter().filter(move |&at| reaches(at));
        let cells = cells.map(move |(east, north)| middle.beside(east, north));
        let mut last = None;
        cells.filter(move |&cell| last.replace(cell) != Some(cell))
    }
}

/// How small cells may be so that nine of them are sure to cover what reaches so many metres from a place
/// at this latitude: how often the map is halved to get them.
fn steps_for(mut reach: f64, latitude: f64) -> u32 {
    if reach == 0.0 {
        return STEPS;
    }
    let mut steps = 1_i32;
    while reach < HALF_EQUATOR {
        reach *= 2.0;
        steps += 1;
    }
    // Two cells to be sure, and more towards the poles, where they are narrow.
    steps -= 2;
    if latitude.abs() > 66.0 {
        steps -= 1;
    }
    if latitude.abs() > 80.0 {
        steps -= 1;
    }
    steps.clamp(1, STEPS as i32) as u32
}

fn bounds_of(vertices: &[Point]) -> Bounds {
    let nowhere = Bounds {
        west: f64::INFINITY,
        east: f64::NEG_INFINITY,
        south: f64::INFINITY,
        north: f64::NEG_INFINITY,
    };
    vertices.iter().fold(nowhere, |bounds, vertex| Bounds {
        west: bounds.west.min(vertex.longitude),
        east: bounds.east.max(vertex.longitude),
        south: bounds.south.min(vertex.latitude),
        north: bounds.north.max(vertex.latitude),
    })
}

/// Returns whether a place is inside a polygon: a walk from there to the east crosses an odd number of its
/// sides.
fn is_between(vertices: &[Point], point: Point) -> bool {
    let ends = vertices.iter().cycle().skip(vertices.len() - 1);
    let crossed = ends.zip(vertices).filter(|&(from, to)| {
        (to.latitude > point.latitude) != (from.latitude > point.latitude)
            && point.longitude
                < (from.longitude - to.longitude) * (point.latitude - to.latitude)
                    / (from.latitude - to.latitude)
                    + to.longitude
    });
    crossed.count() % 2 == 1
}

impl<'a> View<'a, Zset> {
    /// The members inside a shape, cell by cell and in the order of their scores, but no more than `most`.
    pub(crate) fn inside(self, shape: &Shape<'_>, most: usize) -> Vec<PlaceFound<'a>> {
        let members = shape.cells().flat_map(|cell| {
            let (first, end) = cell.scores();
            self.range(self.ranks_of_scores(Bound::Before(first), Bound::Before(end)))
        });
        let found = members.filter_map(|(member, score)| {
            let point = Point::of_score(score);
            let distance = shape.distance_inside(point)?;
            Some(PlaceFound { member, score, point, distance })
        });
        found.take(most).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::keyspace::{Random, Store};

    fn at(longitude: f64, latitude: f64) -> Point {
        Point { longitude, latitude }
    }

    /// A number between two, all of them as likely.
    fn between(random: &mut Random, low: f64, high: f64) -> f64 {
        low + (high - low) * ((random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64)
    }

    /// A place around (13, 38), where every test has its places.
    fn somewhere(random: &mut Random) -> Point {
        at(between(random, 3.0, 23.0), between(random, 28.0, 48.0))
    }

    fn some_area(random: &mut Random) -> Area {
        let mut metres = || 10_f64.powf(between(random, 3.0, 6.2));
        let (width, height) = (metres(), metres());
        match random.below(3) {
            0 => Area::Circle { radius: width },
            1 => Area::Box { width, height },
            _ => {
                let number = 3 + random.below(5);
                Area::Polygon { vertices: (0..number).map(|_| somewhere(random)).collect() }
            }
        }
    }

    /// The names of the members inside a shape, in the order in which they are found.
    fn names(store: &mut Store, shape: &Shape<'_>, most: usize) -> Vec<String> {
        let mut db = store.db(0);
        let Some(places) = db.view::<Zset>(b"places").expect("a sorted set") else {
            return Vec::new();
        };
        let name = |found: &PlaceFound<'_>| String::from_utf8_lossy(found.member).into_owned();
        places.inside(shape, most).iter().map(name).collect()
    }

    #[test]
    fn exactly_the_members_inside_are_found() {
        for (seed, compact) in [(1, 0), (2, 60), (3, 1000)] {
            let random = &mut Random::seeded(seed);
            let mut store = Store::new(1);
            store.shared.limits.zset_max_listpack_entries = compact;
            let mut model = BTreeMap::new();
            for _ in 0..1000 {
                let name = format!("m{}", random.below(120));
                let mut db = store.db(0);
                let mut places = db.edit_or_new::<Zset>(b"places").expect("a sorted set");
                if random.below(5) == 0 {
                    places.remove(name.as_bytes());
                    model.remove(&name);
                } else {
                    let point = somewhere(random);
                    places.insert(name.as_bytes(), point.score());
                    model.insert(name, Point::of_score(point.score()));
                }
                drop(places);

                let area = some_area(random);
                let center = match &area {
                    Area::Polygon { vertices } => Point::middle(vertices),
                    _ => somewhere(random),
                };
                let shape = Shape { center, area: &area };
                let expected = model.iter().filter(|&(_, &point)| match &area {
                    Area::Circle { radius } => center.distance(point) <= *radius,
                    Area::Box { width, height } => {
                        let meridian = at(center.longitude, point.latitude);
                        meridian.distance(point) <= width / 2.0
                            && meridian.distance(center) <= height / 2.0
                    }
                    Area::Polygon { vertices } => winds_around(vertices, point),
                });
                let expected: BTreeSet<String> = expected.map(|(name, _)| name.clone()).collect();
                let found = names(&mut store, &shape, usize::MAX);
                assert_eq!(BTreeSet::from_iter(found.clone()), expected, "{shape:?}");
                assert_eq!(found.len(), expected.len(), "no member is found twice");
                let most = random.below(10);
                assert_eq!(names(&mut store, &shape, most), found[..most.min(found.len())]);
            }
        }
    }

    /// Whether a polygon's sides, as seen from a place, turn around it an odd number of times.
    fn winds_around(vertices: &[Point], point: Point) -> bool {
        let direction = |vertex: &Point| {
            (vertex.latitude - point.latitude).atan2(vertex.longitude - point.longitude)
        };
        let ends = vertices.iter().cycle().skip(1);
        let turns: f64 = vertices
            .iter()
            .zip(ends)
            .map(|(from, to)| {
                let turn = direction(to) - direction(from);
                turn - std::f64::consts::TAU * (turn / std::f64::consts::TAU).round()
            })
            .sum();
        (turns / std::f64::consts::TAU).round() as i64 % 2 != 0
    }

    /// A store with places all over the map, ten degrees from each other.
    fn all_over() -> Store {
        let mut store = Store::new(1);
        let mut db = store.db(0);
        let mut places = db.edit_or_new::<Zset>(b"places").expect("a sorted set");
        for longitude in (-180..180).step_by(10) {
            for latitude in (-80..=80).step_by(10) {
                let point = at(f64::from(longitude), f64::from(latitude));
                places.insert(format!("{longitude},{latitude}").as_bytes(), point.score());
            }
        }
        drop(places);
        store
    }

    #[test]
    fn a_shape_goes_on_behind_the_edge_of_the_map() {
        let mut store = all_over();
        let area = Area::Circle { radius: 1_300_000.0 };
        let mut found = names(&mut store, &Shape { center: at(175.0, 0.0), area: &area }, 99);
        found.sort();
        let expected = ["-180,-10", "-180,0", "-180,10", "170,-10", "170,0", "170,10"];
        assert_eq!(found, expected.map(str::to_owned));
    }

    #[test]
    fn a_shape_as_large_as_the_world_holds_every_member() {
        let mut store = all_over();
        let vertices = vec![at(-180.0, -85.0), at(180.0, -85.0), at(180.0, 85.0), at(-180.0, 85.0)];
        for area in [
            Area::Circle { radius: 3e7 },
            Area::Circle { radius: f64::INFINITY },
            Area::Box { width: 1e300, height: 1e300 },
            Area::Polygon { vertices },
        ] {
            let shape = Shape { center: at(13.0, 38.0), area: &area };
            assert_eq!(names(&mut store, &shape, usize::MAX).len(), 36 * 17, "{area:?}");
        }
    }

    #[test]
    fn a_polygon_whose_middle_is_off_the_map_is_searched() {
        let mut store = all_over();
        let vertices = vec![at(-135.0, 65.0), at(-45.0, 75.0), at(45.0, 65.0), at(135.0, 75.0)];
        let vertices = [vertices, vec![at(135.0, 85.0), at(-135.0, 85.0)]].concat();
        let center = Point::middle(&vertices);
        assert_eq!(Point::on_map(center.longitude, center.latitude), None);
        let area = Area::Polygon { vertices };
        let found = names(&mut store, &Shape { center, area: &area }, usize::MAX);
        assert!(found.contains(&"0,80".to_owned()));
        assert!(!found.contains(&"0,60".to_owned()));
    }

    #[test]
    fn cells_are_as_small_as_a_shape_allows() {
        let area = Area::Circle { radius: 0.0 };
        let palermo = Shape { center: at(13.361389, 38.115556), area: &area };
        assert_eq!(palermo.cells().count(), 1);
        assert_eq!(steps_for(0.0, 38.0), STEPS);
        assert_eq!(steps_for(1.0, 38.0), 24);
        assert_eq!(steps_for(1.0, 70.0), 23);
        assert_eq!(steps_for(1.0, -81.0), 22);
        assert_eq!(steps_for(1e9, 0.0), 1);
    }
}
