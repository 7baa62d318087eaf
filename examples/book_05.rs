//! Chapter 5 of the book: a command is a row, and what follows from it.

use respd::{Command, Commands, Keys, Server};

fn main() -> std::io::Result<()> {
    // DOUBLE key: the number at a key, twice.
    let double = Command::new("double", |ctx, args| {
        let number = ctx.call(["GET".as_bytes(), &args[1]]).into_result()?;
        ctx.reply().int(2 * number.as_i64().unwrap_or(0));
        Ok(())
    })
    .reads()
    .key(Keys::at(1).reads())
    .synopsis("key")
    .summary("Replies twice the number at a key.");

    let server =
        Server::builder().any_port().commands(Commands::new("sums").add(double)).bind()?.spawn();
    let handle = server.handle();
    for line in [
        "SET n 21",
        "DOUBLE n",
        "DOUBLE",
        "DOUBLE n m",
        "COMMAND GETKEYS DOUBLE n",
        "ACL SETUSER ann on nopass +@read ~n",
        "ACL DRYRUN ann DOUBLE n",
        "ACL DRYRUN ann DOUBLE other",
    ] {
        println!("> {line}\n{}", handle.call(line.split(' ').collect::<Vec<_>>()));
    }
    Ok(())
}
