//! Knowing that it is right.

use std::collections::HashMap;

/// Numbers by name, some of which go by themselves.
pub trait Store {
    /// Gives a name this number. It goes after so many ms, or stays.
    fn set(&mut self, name: u8, number: u32, lives: Option<u64>);

    /// The number of a name, if it is there.
    fn get(&mut self, name: u8) -> Option<u32>;

    /// Removes a name. Returns whether it was there.
    fn remove(&mut self, name: u8) -> bool;

    /// So many ms pass. What lives for 5 ms is there for four of them, and gone with the fifth.
    fn advance(&mut self, millis: u64);
}

/// Whether a store does what is said over its methods.
pub fn is_right(store: &mut dyn Store) -> bool {
    // The model: number, and when it goes. It is asked for nothing but what is there now.
    let mut model: HashMap<u8, (u32, Option<u64>)> = HashMap::new();
    let (mut now, mut random) = (0, 15_u64);
    let mut below = |most: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) % most
    };
    // Few names and short lives, so that much happens to each.
    (0..20_000).all(|step| {
        let name = below(3) as u8;
        match below(6) {
            0 => {
                let lives = Some(1 + below(6));
                store.set(name, step, lives);
                model.insert(name, (step, lives.map(|lives| now + lives)));
                true
            }
            1 => {
                store.set(name, step, None);
                model.insert(name, (step, None));
                true
            }
            2 => store.remove(name) == model.remove(&name).is_some(),
            3 => {
                let millis = below(4);
                store.advance(millis);
                now += millis;
                model.retain(|_, (_, until)| until.is_none_or(|until| until > now));
                true
            }
            _ => store.get(name) == model.get(&name).map(|&(number, _)| number),
        }
    })
}

/// A part of `steps`, in their order, which still fails, but does not if any single step of it is left out.
pub fn smallest<T: Clone>(steps: &[T], fails: &mut dyn FnMut(&[T]) -> bool) -> Vec<T> {
    let mut left = steps.to_vec();
    let mut size = (left.len() / 2).max(1);
    loop {
        let (mut at, mut has_shrunk) = (0, false);
        while at < left.len() {
            let fewer = [&left[..at], &left[(at + size).min(left.len())..]].concat();
            if fails(&fewer) {
                (left, has_shrunk) = (fewer, true);
            } else {
                at += size;
            }
        }
        match size {
            // One that has gone may make others go that had to stay.
            1 if !has_shrunk => return left,
            _ => size = (size / 2).max(1),
        }
    }
}
