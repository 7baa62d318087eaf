//! What is wrong with a command of an embedder is said when the server is bound.

use std::io;

use respd::internals::dispatch::spec::{Spec, at, flag, key, not_a_command};
use respd::{Builder, Command, Commands, Keys};

fn command(name: &str) -> Command {
    Command::new(name, |ctx, _| {
        ctx.reply().ok();
        Ok(())
    })
}

fn group(commands: impl IntoIterator<Item = Command>) -> Vec<Commands> {
    vec![commands.into_iter().fold(Commands::new("own"), Commands::add)]
}

fn builder(groups: Vec<Commands>) -> Builder {
    groups.into_iter().fold(Builder::connection_layer().any_port(), Builder::commands)
}

/// Both ways to hear of mistakes name these.
fn assert_mistakes(groups: impl Fn() -> Vec<Commands>, expected: &[&str]) {
    assert_eq!(builder(groups()).faults(), expected);
    match builder(groups()).bind() {
        Ok(_) => assert_eq!(expected, [""; 0]),
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            assert_eq!(error.to_string(), expected.join("; "));
        }
    }
}

fn assert_mistake(groups: impl Fn() -> Vec<Commands>, expected: &str) {
    assert_mistakes(groups, &[expected]);
}

fn assert_wrong(make: impl Fn(Command) -> Command, mistake: &str) {
    assert_mistake(|| group([make(command("pay"))]), &format!("command 'pay': {mistake}"));
}

#[test]
fn an_arity_has_numbers_that_requests_can_have() {
    assert_wrong(|pay| pay.arity(0..), "its arity 0.. begins below 1, and its name counts");
    assert_wrong(|pay| pay.arity(0..=3), "its arity 0..=3 begins below 1, and its name counts");
    #[expect(clippy::reversed_empty_ranges, reason = "the mistake that is looked for")]
    assert_wrong(
        |pay| pay.arity(3..=2),
        "its arity 3..=2 is empty: no request has so many arguments",
    );
    assert_wrong(
        |pay| pay.arity(2..2),
        "its arity 2..=1 is empty: no request has so many arguments",
    );
    assert_wrong(|pay| pay.arity(40_000..), "its arity 40000.. begins above 32767");
    assert_mistake(
        || group([Command::container("bank").subcommand(command("pay").arity(1..=3))]),
        "command 'bank|pay': its arity 1..=3 begins below 2, and its name counts",
    );
    assert_mistake(
        || group([command("bank").arity(2..).subcommand(command("pay"))]),
        "command 'bank': a command with subcommands has no arity: it runs when it stands alone",
    );
}

#[test]
fn a_key_spec_points_at_arguments_that_are_there() {
    let behind = |index: usize, arity: &str| {
        format!(
            "a key spec points at argument {index}, and a request may end before it: its arity is {arity}"
        )
    };
    let wrong = |keys: Keys, mistake: &str| assert_wrong(|pay| pay.arity(2..=3).key(keys), mistake);
    wrong(Keys::at(0), "a key spec points at argument 0, which is its name");
    wrong(Keys::at(2), &behind(2, "2..=3"));
    wrong(Keys::at(9), &behind(9, "2..=3"));
    wrong(Keys::range(1, 2, 1), &behind(2, "2..=3"));
    wrong(Keys::range(3, -1, 1), &behind(3, "2..=3"));
    wrong(Keys::range(1, -3, 1), &behind(3, "2..=3"));
    wrong(Keys::range(1, -1, 0), "a key spec in steps of 0 leads nowhere");
    wrong(Keys::counted(2), &behind(3, "2..=3"));
    wrong(Keys::counted(5), &behind(6, "2..=3"));
    wrong(Keys::behind("STORE", 2), &behind(3, "2..=3"));
    for (word, shown) in [("", ""), ("two words", "TWO WORDS"), ("a\r\n", "A\\r\\n")] {
        let mistake = format!("a key spec points behind '{shown}', which is no word");
        wrong(Keys::behind(word, 1), &mistake);
    }
    let too_high =
        |number: usize| format!("a key spec counts to {number}, and there is none above 32767");
    let any_number = |keys: Keys, mistake: &str| {
        assert_wrong(|pay| pay.arity(2..).key(keys), mistake);
    };
    any_number(Keys::range(1, i32::MIN, 1), &too_high(1 << 31));
    any_number(Keys::range(1, -1, usize::MAX), &too_high(usize::MAX));
    any_number(Keys::behind("STORE", usize::MAX), &too_high(usize::MAX));
    assert_mistakes(|| group([command("pay").arity(2..).key(Keys::range(1, -1, 32_767))]), &[]);
    assert_wrong(|pay| pay.key(Keys::at(1)), &behind(1, "1.."));
    assert_wrong(|pay| pay.arity(2..).key(Keys::counted(2)), &behind(2, "2.."));
    assert_wrong(
        |pay| pay.arity(4..).key(Keys::range(3, 2, 1)),
        "keys from argument 3 to 2 are none",
    );
    assert_wrong(
        |pay| pay.synopsis("key [INTO destkey]").key(Keys::at(1)).key(Keys::behind("STORE", 1)),
        "a key spec points behind 'STORE', which its synopsis lacks",
    );
    assert_wrong(
        |pay| (1..5).fold(pay.arity(5..), |pay, index| pay.key(Keys::at(index))),
        "there is room for 3 key specs",
    );
    assert_wrong(
        |pay| pay.reads().arity(2..).key(Keys::at(1).changes()),
        "it changes keys, and does not say that it writes",
    );
    assert_wrong(
        |pay| pay.arity(2..).key(Keys::at(1).removes()),
        "it changes keys, and does not say that it writes",
    );
    assert_mistake(
        || {
            group([
                Command::container("bank").subcommand(command("pay").arity(3..).key(Keys::at(1)))
            ])
        },
        "command 'bank|pay': a key spec points at argument 1, which is a part of its name",
    );
    for right in [
        Keys::at(1),
        Keys::range(1, -1, 1),
        Keys::range(2, -1, 1),
        Keys::counted(1),
        Keys::behind("TO", 1),
    ] {
        assert_mistakes(|| group([command("pay").arity(2..=3).key(right)]), &[]);
    }
}

#[test]
fn a_synopsis_can_be_read_and_agrees() {
    assert_wrong(
        |pay| pay.synopsis("item ["),
        "its synopsis cannot be read: a group is not closed",
    );
    assert_wrong(
        |pay| pay.synopsis("item:text"),
        "its synopsis cannot be read: no type is called 'text'",
    );
    assert_wrong(
        |pay| pay.synopsis("item").arity(3..=3),
        "its arity is 3..=3, and that of its synopsis 2..=2",
    );
    assert_wrong(
        |pay| pay.synopsis("item [NX]").arity(2..=4),
        "its arity is 2..=4, and that of its synopsis 2..=3",
    );
    assert_wrong(
        |pay| pay.synopsis("item...").arity(1..),
        "its arity is 1.., and that of its synopsis 2..",
    );
    assert_wrong(
        |pay| pay.synopsis("key item"),
        "'key' of its synopsis is a key that no key spec finds; if it is none: 'key:string'",
    );
    // A synopsis cannot say how many at most, and an arity need not.
    assert_mistakes(|| group([command("pay").synopsis("item...").arity(2..=9)]), &[]);
    assert_mistakes(|| group([command("pay").synopsis("item [NX]").arity(2..)]), &[]);
    assert_mistakes(|| group([command("pay").synopsis("")]), &[]);
}

#[test]
fn a_name_is_one_word_and_one_commands() {
    for name in ["a b", "a\tb", "a|b", "a\u{1}"] {
        let mistake =
            format!("command '{name}': a name has no blanks, no control characters and no '|'");
        assert_mistake(|| group([command(name)]), &mistake);
    }
    assert_mistake(|| group([command("")]), "command '': a command needs a name");
    assert_mistake(
        || group([command("@read")]),
        "command '@read': a name does not begin as those of categories do, with '@'",
    );
    assert_mistake(
        || group([command("pay")]).into_iter().chain(group([command("PAY")])).collect(),
        "command 'pay': there are two of this name",
    );
    assert_mistake(
        || {
            group([Command::container("bank")
                .subcommand(command("pay"))
                .subcommand(command("Pay"))])
        },
        "command 'bank|pay': there are two of this name",
    );
    // One of respd's may be replaced, and a container's subcommand is a name of its own.
    assert_mistakes(
        || {
            group([
                command("ping"),
                command("Pay"),
                Command::container("bank").subcommand(command("pay")),
            ])
        },
        &[],
    );
    assert_mistake(
        || vec![Commands::new("").add(command("pay")).add(command("owe"))],
        "the group of the commands 'pay owe' has no name",
    );
}

#[test]
fn subcommands_are_one_deep_and_containers_have_some() {
    assert_mistake(
        || {
            let deep = command("deep").subcommand(command("deeper"));
            group([Command::container("bank").subcommand(deep)])
        },
        "command 'bank|deep': a subcommand has no subcommands",
    );
    assert_mistake(
        || group([Command::container("bank")]),
        "command 'bank': it has neither a closure nor subcommands",
    );
}

#[test]
fn categories_have_names_that_rules_can_name() {
    for name in ["", "all", "bil ling", "@billing", "a|b", "é"] {
        assert_wrong(
            |pay| pay.category(name),
            &format!("'{name}' cannot be the name of a category"),
        );
    }
    let many =
        |count: usize| {
            move || {
                group((0..count).map(|n| {
                    command(&format!("c{n}")).category(&format!("own{n}")).category("own0")
                }))
            }
        };
    assert_mistakes(many(11), &[]);
    assert_mistake(
        many(12),
        "command 'c11': the category 'own11' is one too many: there is room for 11 beside respd's own",
    );
}

#[test]
fn a_summary_is_one_line() {
    assert_wrong(|pay| pay.summary("Pays.\r\n+OK"), "its summary is more than a line of text");
}

#[test]
fn flags_are_those_of_command_info_that_an_embedder_may_choose() {
    assert_wrong(|pay| pay.flags("fast quick"), "no flag is called 'quick'");
    assert_wrong(|pay| pay.flags("movablekeys"), "no flag is called 'movablekeys'");
    assert_mistakes(|| group([command("pay").flags(" fast  noscript").flags("")]), &[]);
}

#[test]
fn channels_and_secrets_are_arguments_that_are_there() {
    assert_wrong(
        Command::channel,
        "its first argument is a channel, and a request may come without",
    );
    for index in [0, 3, 64] {
        assert_wrong(
            |pay| pay.arity(1..=3).secret(index),
            &format!("argument {index} cannot be a secret"),
        );
    }
    assert_wrong(|pay| pay.secret(64), "argument 64 cannot be a secret");
}

#[test]
fn constant_rows_are_looked_at_too() {
    const ROWS: &[Spec] = &[
        Spec::new("deep", 2, flag::NONE, not_a_command).key(key::RO, at(2)),
        Spec::new("Loud", 1, flag::NONE, not_a_command),
        Spec::new("odd", 3, flag::NONE, not_a_command).doc("1.0.0", "O(1)", "item", "Is odd."),
        Spec::new("fine", -2, flag::NONE, not_a_command).doc(
            "1.0.0",
            "O(1)",
            "item [NX]",
            "Is fine.",
        ),
    ];
    assert_mistakes(
        || vec![Commands::of_table("own", ROWS)],
        &[
            "command 'deep': a key spec points at argument 2, and a request may end before it: its arity is 2..=2",
            "command 'Loud': the name of a constant row is in small letters",
            "command 'odd': its arity is 3..=3, and that of its synopsis 2..=2",
        ],
    );
}

/// All mistakes are found at once, and so are those of the configuration about these commands.
#[test]
fn every_mistake_is_told() {
    let builder = builder(group([command("pay").arity(0..), command("a b").category("x y")]));
    let faults = builder.option("requirepass", "sesame").unwrap().faults();
    assert_eq!(faults.len(), 3, "{faults:?}");
}
