//! A command is a row.

use respd::internals::dispatch::Table;
use respd::internals::dispatch::spec::flag;
use respd::{Command, Commands, Keys};

/// `STRREV key`: the string at a key, its bytes reversed; null if there is none. It reads, and says so in its row.
pub fn own() -> Commands {
    let strrev = Command::new("strrev", |ctx, args| {
        let value = ctx.call(["GET".as_bytes(), &args[1]]).into_result()?;
        match value.as_bytes() {
            None => ctx.reply().null(),
            Some(bytes) => {
                let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
                ctx.reply().bulk(&reversed);
            }
        }
        Ok(())
    });
    let strrev = strrev.reads().key(Keys::at(1).reads()).synopsis("key");
    Commands::new("own").add(strrev.summary("Replies the string at a key, reversed."))
}

/// The names of the commands that run before a client has logged in, in their order. Subcommands are not asked for.
pub fn before_login(table: &Table) -> Vec<&str> {
    table.commands().filter(|row| row.has(flag::NO_AUTH)).map(|row| row.spec.name).collect()
}
