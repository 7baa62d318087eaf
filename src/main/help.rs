//! What `--help` and `--version` print.

use super::command_line::Name;

pub const HELP: &str = "\
Usage: respd [FILE | -] [--NAME VALUE...]... [FLAG...]
       respd play FILE... [HOST:PORT]            play conversations with a server: respd play --help
       respd client-test -- COMMAND {host} {port}   try a client library: respd client-test --help
       respd record --upstream HOST:PORT FILE    write one down, as a proxy: respd record --help

A small server for RESP, the Redis protocol.

  FILE                the configuration, in the syntax of redis.conf
  -                   first or last: read more of it from standard input
  --NAME VALUE...     the directive NAME, as a line of the file has it; --NAME=VALUE is the same
                      --port 7000 --maxmemory 100mb --save '' --appendonly no
  -o NAME=VALUE       the same; 0 as a port is none here, and behind --port it is any that is free

  --check [FILE]      say what is wrong with the configuration, or that it is fine, and leave
  --print-config      print every directive, its default and its meaning, and leave
  --ready             print 'ready pid=... tcp=ADDR:PORT ...' on stdout when clients are served
  --stage             let programs of this machine drive the server as a test double: STAGE;
                      they have an administration port, a free one unless --admin-port says which
  --clock frozen      --stage, and no time passes but as STAGE CLOCK says
  --seed N            --stage, and what is picked at random follows from N, as with STAGE SEED
  --stage-file FILE   --stage, and call STAGE with each line of FILE before clients are served
  --stage-cluster 3x2 --stage, and it is a cluster: three shards of two nodes, from --port on
  --exit-with-stdin   leave when standard input ends, as it does when the starting program does
  -h, --help          print this
  -v, --version       print the version

Often used:
  --port N            port for clients (6379)
  --bind ADDR...      addresses to listen on (127.0.0.1 -::1)
  --requirepass PW    password of the default user; in the file it is better hidden
  --unixsocket PATH   a unix socket, with --unixsocketperm 700
  --dir FOLDER        where data is kept; --save 3600 1 and --appendonly yes say when
  --persona NAME      answer as another server: redis-7.0

SIGTERM and SIGINT end the server, SIGHUP reopens the log file and reads users and TLS files anew.
";

/// What tools read to learn which server this is, in the words of the server that they started.
pub fn version(called: Name) -> String {
    let own = env!("CARGO_PKG_VERSION");
    match called {
        Name::Respd => format!("respd {own}"),
        Name::RedisServer => {
            let level = respd::internals::config::Config::default().persona.version;
            format!(
                "Redis server v={level} sha=00000000:0 malloc=libc bits={} build=respd-{own}",
                usize::BITS
            )
        }
        Name::ValkeyServer => {
            format!(
                "Valkey server v={VALKEY} sha=00000000:0 malloc=libc bits={} build=respd-{own}",
                usize::BITS
            )
        }
    }
}

/// The version of Valkey whose replies respd has.
const VALKEY: &str = "9.1.0";
