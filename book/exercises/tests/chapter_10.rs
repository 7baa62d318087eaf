use std::collections::{BTreeMap, BTreeSet};

use respd_exercises::chapter_10::{Outbox, Tracking};

const SECOND: u64 = 1_000_000;

#[test]
fn at_the_hard_limit_a_client_is_closed_at_once() {
    let mut outbox = Outbox::new(1000, 500, 10 * SECOND);
    outbox.add(499, 3);
    assert_eq!(outbox.due(), None);
    outbox.add(501, 5);
    assert!(outbox.due().is_some_and(|due| due <= 5));
    // It is lost, whatever is sent until it is closed.
    outbox.sent(900, 6);
    assert!(outbox.due().is_some_and(|due| due <= 6));
}

#[test]
fn over_the_soft_limit_it_has_some_time() {
    let mut outbox = Outbox::new(1000, 500, 10 * SECOND);
    outbox.add(500, SECOND);
    assert_eq!(outbox.due(), Some(11 * SECOND));
    // More, or a little less, gives it no other time.
    outbox.add(300, 5 * SECOND);
    outbox.sent(200, 6 * SECOND);
    assert_eq!(outbox.due(), Some(11 * SECOND));
    // Below the limit it is forgiven.
    outbox.sent(101, 7 * SECOND);
    assert_eq!(outbox.due(), None);
    outbox.add(1, 8 * SECOND);
    assert_eq!(outbox.due(), Some(18 * SECOND));
    outbox.add(499, 9 * SECOND);
    assert_eq!(outbox.due(), Some(18 * SECOND));
    outbox.add(1, 10 * SECOND);
    assert_eq!(outbox.due(), Some(10 * SECOND));
}

#[test]
fn a_change_is_told_once_until_the_key_is_read_again() {
    let mut tracking = Tracking::new(100);
    for client in [7, 3, 7] {
        assert_eq!(tracking.read(client, "k"), None);
    }
    assert_eq!(tracking.read(5, "other"), None);
    assert_eq!(tracking.changed("k"), [3, 7]);
    assert_eq!(tracking.changed("k"), [0; 0]);
    assert_eq!(tracking.changed("never"), [0; 0]);
    tracking.read(3, "k");
    assert_eq!((tracking.changed("k"), tracking.changed("other")), (vec![3], vec![5]));
}

/// Clients that cache what they have read, and drop it when they are told to.
#[test]
fn no_cache_is_stale_however_few_keys_are_remembered() {
    let mut tracking = Tracking::new(5);
    let mut caches: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    let mut random = 1_u64;
    for _ in 0..10_000 {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (key, client) = (format!("key:{}", (random >> 33) % 20), (random >> 40) % 4);
        if (random >> 50) % 3 > 0 {
            let forgotten = tracking.read(client, &key);
            caches.entry(client).or_default().insert(key.clone());
            if let Some((forgotten, readers)) = forgotten {
                assert_ne!(forgotten, key, "it has just been read");
                for reader in readers {
                    let had = caches.entry(reader).or_default().remove(&forgotten);
                    assert!(had, "{reader} is told of {forgotten} in vain");
                }
            }
        } else {
            let told = tracking.changed(&key);
            assert!(told.is_sorted());
            for client in told {
                assert!(caches.entry(client).or_default().remove(&key), "told in vain");
            }
            let stale = caches.iter().find(|(_, cache)| cache.contains(&key));
            assert_eq!(stale, None, "{key} has changed");
        }
        let cached: BTreeSet<&String> = caches.values().flatten().collect();
        assert!(cached.len() <= 5, "more keys are remembered than may be");
    }
}
