//! What is said of a configuration that can be read: what in it does nothing, and what keeps the program from starting.

use respd::internals::config::Config;
use respd::internals::config::Supervisor;

/// What was read and does nothing.
pub fn notes(config: &Config) -> Vec<String> {
    let without_effect = config.without_effect();
    let mut notes = Vec::new();
    match without_effect.len() {
        0 => {}
        count => {
            let names: Vec<&str> = without_effect.collect();
            let are = if count == 1 { "directive is" } else { "directives are" };
            notes.push(format!("{count} {are} accepted without effect: {}", names.join(", ")));
        }
    }
    let passed = config.unknown_lines().iter();
    notes.extend(passed.map(|line| format!("let pass by 'unknown-directives warn': {line}")));
    if config.more_unknown_lines() > 0 {
        let more = config.more_unknown_lines();
        notes.push(format!("let pass by 'unknown-directives warn': … and {more} more"));
    }
    notes
}

/// `daemonize yes` where nothing supervises the process. The error says what to do instead.
pub fn check_foreground(config: &Config) -> Result<(), String> {
    match config.daemonize && config.supervised == Supervisor::No {
        true => Err("'daemonize yes': respd stays in the foreground. Let it be started by a supervisor ('supervised \
                     systemd', a container), or by `setsid respd FILE --daemonize no --logfile LOG &`, and write \
                     'daemonize no'"
            .to_owned()),
        false => Ok(()),
    }
}
