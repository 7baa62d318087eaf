//! A command is a row.

use respd::internals::dispatch::Table;
use respd::{Command, Commands};

/// `STRREV key`: the string at a key, its bytes reversed; null if there is none. It reads, and says so in its row.
pub fn own() -> Commands {
    let strrev = Command::new("strrev", |ctx, _| {
        ctx.reply().null();
        Ok(())
    });
    Commands::new("own").add(strrev)
}

/// The names of the commands that run before a client has logged in, in their order. Subcommands are not asked for.
pub fn before_login(table: &Table) -> Vec<&str> {
    table.commands().map(|row| row.spec.name).collect()
}
