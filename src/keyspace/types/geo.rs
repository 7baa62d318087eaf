//! Places on the map. A geographic index is a sorted set whose scores are places: [`hash`] turns one
//! into the other, and [`shape`] finds the members inside a shape.
//!
//! The map is that of web maps: it ends at 85.05112878 degrees north and south. Distances are those on a
//! ball, so they are off by half a percent at most.

pub(crate) mod hash;
pub(crate) mod shape;

pub(crate) use shape::{Area, PlaceFound, Shape};

/// The mean radius of the earth, in metres.
pub(crate) const EARTH_RADIUS: f64 = 6_372_797.560856;

/// Degrees times this are radians. To divide by it is exact where to multiply by its inverse is not.
const RADIANS: f64 = std::f64::consts::PI / 180.0;

/// A part of the map: four bounds in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    pub(crate) west: f64,
    pub(crate) east: f64,
    pub(crate) south: f64,
    pub(crate) north: f64,
}

/// The whole map.
pub(crate) const MAP: Bounds =
    Bounds { west: -180.0, east: 180.0, south: -85.05112878, north: 85.05112878 };

/// A place, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub(crate) longitude: f64,
    pub(crate) latitude: f64,
}

impl Point {
    /// A place, if it is on the map.
    pub(crate) fn on_map(longitude: f64, latitude: f64) -> Option<Point> {
        let is_on_map = (MAP.west..=MAP.east).contains(&longitude)
            && (MAP.south..=MAP.north).contains(&latitude);
        is_on_map.then_some(Point { longitude, latitude })
    }

    /// The distance to another place in metres.
    pub(crate) fn distance(self, other: Point) -> f64 {
        let (longitude, latitude) = (self.longitude * RADIANS, self.latitude * RADIANS);
        let (other_longitude, other_latitude) =
            (other.longitude * RADIANS, other.latitude * RADIANS);
        let across = ((other_longitude - longitude) / 2.0).sin();
        if across == 0.0 {
            return self.distance_along(other.latitude);
        }
        // The haversine formula.
        let along = ((other_latitude - latitude) / 2.0).sin();
        let square = along * along + latitude.cos() * other_latitude.cos() * across * across;
        2.0 * EARTH_RADIUS * square.sqrt().asin()
    }

    /// The distance in metres to the place at another latitude on the same meridian.
    fn distance_along(self, latitude: f64) -> f64 {
        EARTH_RADIUS * (latitude * RADIANS - self.latitude * RADIANS).abs()
    }

    /// The middle of some places, as they lie on the ball.
    pub(crate) fn middle(points: &[Point]) -> Point {
        let (mut x, mut y, mut z) = (0.0, 0.0, 0.0);
        for point in points {
            let (longitude, latitude) = (point.longitude * RADIANS, point.latitude * RADIANS);
            x += latitude.cos() * longitude.cos();
            y += latitude.cos() * longitude.sin();
            z += latitude.sin();
        }
        Point {
            longitude: y.atan2(x) / RADIANS,
            latitude: z.atan2((x * x + y * y).sqrt()) / RADIANS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PALERMO: Point = Point { longitude: 13.361389, latitude: 38.115556 };
    const CATANIA: Point = Point { longitude: 15.087269, latitude: 37.502669 };

    #[test]
    fn distances_are_those_on_a_ball() {
        let rounded = |one: Point, other: Point| one.distance(other).round();
        assert_eq!(rounded(PALERMO, CATANIA), 166_274.0);
        assert_eq!(rounded(CATANIA, PALERMO), 166_274.0);
        assert_eq!(rounded(PALERMO, PALERMO), 0.0);
        let equator = |longitude| Point { longitude, latitude: 0.0 };
        let half_around = std::f64::consts::PI * EARTH_RADIUS;
        assert_eq!(equator(-90.0).distance(equator(90.0)), half_around);
        let pole = Point { longitude: 13.361389, latitude: 90.0 };
        let along = PALERMO.distance(pole);
        assert!((along - (90.0 - PALERMO.latitude) * RADIANS * EARTH_RADIUS).abs() < 1e-6);
    }

    #[test]
    fn the_map_ends_before_the_poles() {
        assert!(Point::on_map(180.0, 85.05112878).is_some());
        assert!(Point::on_map(-180.0, -85.05112878).is_some());
        for (longitude, latitude) in
            [(180.1, 0.0), (-180.1, 0.0), (0.0, 85.0511288), (0.0, -90.0), (f64::INFINITY, 0.0)]
        {
            assert_eq!(Point::on_map(longitude, latitude), None);
        }
    }

    #[test]
    fn the_middle_of_places_is_on_their_side_of_the_ball() {
        let corner = |longitude, latitude| Point { longitude, latitude };
        let middle = Point::middle(&[corner(170.0, 10.0), corner(-170.0, 10.0)]);
        assert!((middle.longitude.abs() - 180.0).abs() < 1e-9);
        assert!(middle.latitude > 10.0 && middle.latitude < 10.2);
    }
}
