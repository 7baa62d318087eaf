//! Sessions that clients may go on with when they come again: `tls-session-caching` and its kin.
//!
//! So many, for so long; the oldest goes first. They are in memory and belong to one [`super::Acceptor`]: with other
//! files, no session of before counts: a client that was trusted then is asked for its certificate again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::server::StoresServerSessions;

/// Where the configuration asks for any number of sessions, there are so many.
const MOST: usize = 1 << 17;

/// The sessions. What rustls asks of a store, it asks of one that threads share.
#[derive(Debug)]
pub(super) struct SessionCache {
    most: usize,
    lifetime: Duration,
    sessions: Mutex<Sessions>,
}

#[derive(Debug, Default)]
struct Sessions {
    by_key: HashMap<Vec<u8>, Vec<u8>>,
    /// When each was put, the oldest first. Some may be taken already.
    ages: VecDeque<(Instant, Vec<u8>)>,
}

impl SessionCache {
    /// `most`: 0 for any number. The lifetime is in seconds.
    pub(super) fn new(most: u32, lifetime: u32) -> SessionCache {
        let most = match most as usize {
            0 => MOST,
            most => most.min(MOST),
        };
        let lifetime = Duration::from_secs(lifetime.into());
        SessionCache { most, lifetime, sessions: Mutex::default() }
    }

    fn with<T>(&self, now: Instant, act: impl FnOnce(&mut Sessions) -> T) -> T {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((since, _)) = sessions.ages.front()
            && now.duration_since(*since) >= self.lifetime
        {
            sessions.forget_oldest();
        }
        act(&mut sessions)
    }
}

impl Sessions {
    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.ages.pop_front() {
            self.by_key.remove(&key);
        }
    }
}

impl StoresServerSessions for SessionCache {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        let now = Instant::now();
        self.with(now, |sessions| {
            if sessions.ages.len() >= self.most {
                sessions.forget_oldest();
            }
            sessions.ages.push_back((now, key.clone()));
            sessions.by_key.insert(key, value);
        });
        true
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.with(Instant::now(), |sessions| sessions.by_key.get(key).cloned())
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.with(Instant::now(), |sessions| sessions.by_key.remove(key))
    }

    fn can_cache(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_session_makes_room_and_none_outlives_its_time() {
        let cache = SessionCache::new(2, 300);
        for key in 0..3u8 {
            assert!(cache.put(vec![key], vec![key]));
        }
        assert_eq!(cache.get(&[0]), None);
        assert_eq!(cache.get(&[1]), Some(vec![1]));
        assert_eq!((cache.take(&[2]), cache.take(&[2])), (Some(vec![2]), None));
        let later = Instant::now() + Duration::from_secs(301);
        assert_eq!(cache.with(later, |sessions| sessions.by_key.len() + sessions.ages.len()), 0);
        let none = SessionCache::new(0, 0);
        none.put(vec![1], vec![1]);
        assert_eq!(none.get(&[1]), None);
    }
}
