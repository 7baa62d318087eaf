use respd_exercises::chapter_14::{Guesses, MOST, Steps, matches};

#[test]
fn answers_of_an_address_follow_one_another() {
    let mut guesses = Guesses::default();
    let delays = [(); 8].map(|()| guesses.failed(7, 0));
    assert_eq!(delays, [25, 75, 175, 375, 775, 1575, 2575, 3575]);
    assert_eq!(guesses.failed(8, 0), 25, "each address has its own");
    assert_eq!(guesses.failed(7, 3_000), 1_575, "behind the one before it");
    assert_eq!(guesses.failed(7, 100_000), 1_000, "that one has been given");
}

#[test]
fn so_many_addresses_are_remembered_and_no_more() {
    let mut guesses = Guesses::default();
    for address in 0..MOST as u32 {
        guesses.failed(address, u64::from(address));
    }
    guesses.failed(0, 500);
    guesses.failed(0, 500);
    for address in 5_000..5_010 {
        guesses.failed(address, 2_000);
        assert_eq!(guesses.known(), MOST);
    }
    assert_eq!(guesses.failed(0, 2_000), 200, "its answer was not the first");
    assert_eq!(guesses.failed(1, 2_000), 25, "it was forgotten");
}

#[test]
fn no_pattern_takes_more_than_its_length_times_that_of_the_text() {
    for (pattern, text, is_match) in [
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("h?llo", "hello", true),
        ("h?llo", "hllo", false),
        ("h*o", "hello, o", true),
        ("*a*b", "aabab", true),
        ("*a*b", "aaba", false),
        ("a*?", "a", false),
        ("**?**", "x", true),
    ] {
        let mut steps = Steps { left: 100 };
        let found = matches(pattern.as_bytes(), text.as_bytes(), &mut steps);
        assert_eq!(found, is_match, "{pattern} and {text}");
    }
    let (pattern, text) = ("a*".repeat(40) + "b", "a".repeat(400));
    let mut steps = Steps { left: pattern.len() * text.len() };
    assert!(!matches(pattern.as_bytes(), text.as_bytes(), &mut steps));
}
