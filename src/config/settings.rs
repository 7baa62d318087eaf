//! Everything that can be configured, as plain typed fields, and what it is by default.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use super::networks::Networks;
use super::persona::{PERSONAS, Persona};
use super::place::{LoadError, Reason};
use super::tls::Tls;
use super::value::{
    AppendOnly, Callers, ChannelDefault, ChosenPorts, CommandLogSettings, DisabledCommand,
    KeyspaceEvents, LogFormat, LogLevel, LogTime, OutputBufferLimits, Percentiles, SavePoint,
    Secret, Share, Shutdown, Supervisor, UnknownDirectives, UserLine, WithoutEffect,
};
use crate::keyspace::Limits;
use crate::keyspace::lifetime::evict::Settings as Eviction;

/// Places beyond `maxclients` for clients of the admin port.
pub(crate) const RESERVED_PLACES: usize = 16;

/// Everything that can be configured. A field is named after its directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Whether users may use every channel until a rule says otherwise.
    pub acl_pubsub_default: ChannelDefault,
    /// Where the users are declared. `None`: in [`Config::users`].
    pub aclfile: Option<PathBuf>,
    /// How many entries ACL LOG keeps.
    pub acllog_max_len: usize,
    /// The addresses of the administration port, as [`Config::bind`] has those of the other.
    pub admin_bind: Vec<String>,
    /// Whether commands for operators run nowhere else: those of `@admin` and `@dangerous`.
    pub admin_commands_on_admin_port: bool,
    /// The administration port. 0: there is none.
    pub admin_port: u16,
    /// The log of all changes: eleven directives.
    pub append_only: AppendOnly,
    /// For how many ms the answer to a first failed login is put off; with each further one from the same
    /// address twice as long, up to a second. 0: not at all.
    pub auth_failure_delay: u32,
    /// The seconds that a client has to log in. 0: any time.
    pub auth_timeout: u32,
    /// The addresses to listen on. One that starts with `-` may be missing from the machine, `*` and
    /// `::*` are all addresses of a family, and an empty list means no TCP listener.
    pub bind: Vec<String>,
    /// For how many milliseconds a script runs before other clients are served meanwhile, and told that the server
    /// is busy. 0: for ever.
    pub busy_reply_threshold: u64,
    /// When a client that does not read its replies is cut off.
    pub client_output_buffer_limit: OutputBufferLimits,
    /// The bytes a client may have sent that are not executed yet, a half-read command included.
    pub client_query_buffer_limit: usize,
    /// Which commands get into the logs of slow and large ones: six directives.
    pub commandlog: CommandLogSettings,
    /// Whether the program is asked to go on in the background. It does not: where nothing supervises it, it says what
    /// to do instead and does not start.
    pub daemonize: bool,
    /// How many databases SELECT can choose from.
    pub databases: usize,
    /// The name of the file of a snapshot.
    pub dbfilename: PathBuf,
    /// The folder of the files that are written. `None`: there are none, unless `save` asks for them: these are then in
    /// the working directory.
    pub dir: Option<PathBuf>,
    /// The commands that `rename-command` takes away.
    pub disabled_commands: Vec<DisabledCommand>,
    /// Which clients may call DEBUG.
    pub enable_debug_command: Callers,
    /// Which clients may change with CONFIG SET where files are written.
    pub enable_protected_configs: Callers,
    /// Which clients may call STAGE. While it is none, there is no such command.
    pub enable_stage_command: Callers,
    /// Up to which size collections and HyperLogLogs stay compact: nine directives.
    pub limits: Limits,
    /// What is evicted when memory is short, and how it is found: four directives.
    pub eviction: Eviction,
    /// How often background work (expiry, idle clients) is done, per second: 1 to 500.
    pub hz: u32,
    /// From how many ms on something that takes long is an event. 0: nothing is.
    pub latency_monitor_threshold: u64,
    /// Whether there is a histogram for each command.
    pub latency_tracking: bool,
    /// The percentiles of the histograms that INFO shows.
    pub latency_tracking_info_percentiles: Percentiles,
    /// What a line of the log looks like.
    pub log_format: LogFormat,
    /// How it says when it was written.
    pub log_timestamp_format: LogTime,
    /// Where the log goes. `None`: standard error.
    pub logfile: Option<PathBuf>,
    /// The least severe message that is logged.
    pub loglevel: LogLevel,
    /// How many clients may be connected, those of reserved places not counted.
    pub maxclients: u32,
    /// How many of them may be there without having logged in. 0: a quarter.
    pub maxclients_unauthenticated: u32,
    /// The bytes of memory that may be used before keys are evicted. 0: as much as there is.
    pub maxmemory: usize,
    /// The bytes of memory that clients may make the server hold before the largest are closed.
    pub maxmemory_clients: Share,
    /// Which events of keys are published. They cost nothing while there is no subscriber.
    pub notify_keyspace_events: KeyspaceEvents,
    /// The server to answer as. Reading it brings that server's ports, unless ports are configured.
    pub persona: &'static Persona,
    /// The file in which the program writes its process id. `None`: there is none.
    pub pidfile: Option<PathBuf>,
    /// The port for clients. Whether 0 means none or any free one is for the caller to say.
    pub port: u16,
    /// Which of the ports no persona replaces.
    pub ports_chosen: ChosenPorts,
    /// The longest bulk string of a request, in bytes.
    pub proto_max_bulk_len: usize,
    /// Whether clients from other machines are turned away as long as the default user needs no password.
    pub protected_mode: bool,
    /// Where proxies connect from. Their connections begin with a header that says for whom they connect.
    pub proxy_protocol_from: Networks,
    /// Whether a snapshot is synced every few megabytes while it is written, and not at its end alone.
    pub rdb_save_incremental_fsync: bool,
    /// Whether a snapshot ends with a checksum.
    pub rdbchecksum: bool,
    /// Whether the strings of a snapshot are compressed.
    pub rdbcompression: bool,
    /// The values of directives that respd accepts and does nothing about, where they are not the default: by
    /// name, as CONFIG GET shows them.
    pub remembered: BTreeMap<&'static str, Secret>,
    /// The password of the user `default`. Empty: none is asked for.
    pub requirepass: Secret,
    /// When a snapshot is written without being asked for. Empty: never.
    pub save: Vec<SavePoint>,
    /// What becomes of the data when SIGINT ends the server, and when SIGTERM does.
    pub shutdown_on_sigint: Shutdown,
    pub shutdown_on_sigterm: Shutdown,
    /// Whether the server is ready as soon as it listens, or waits to be told: see
    /// [`World::set_ready`](crate::world::World::set_ready).
    pub start_ready: bool,
    /// Whether clients may not write while snapshots fail, if there are to be any.
    pub stop_writes_on_bgsave_error: bool,
    /// What is told when the server is ready, reads its configuration anew, or ends.
    pub supervised: Supervisor,
    /// How many connections may wait to be accepted by a listener.
    pub tcp_backlog: u32,
    /// The seconds of silence after which the system probes a peer. 0: never.
    pub tcp_keepalive: u32,
    /// TLS for clients: the directives `tls-…` and `admin-tls`.
    pub tls: Tls,
    /// How many keys are remembered for clients that track them. 0: any number.
    pub tracking_table_max_keys: usize,
    /// The seconds after which an idle client is disconnected. 0: never.
    pub timeout: u32,
    /// Where the unix socket is made. `None`: there is none.
    pub unixsocket: Option<PathBuf>,
    /// The mode of the unix socket. `None`: as the process's umask leaves it.
    pub unixsocketperm: Option<u32>,
    /// What becomes of lines of a file whose directive is not known.
    pub unknown_directives: UnknownDirectives,
    /// The `user` lines of the file, in order. Not a directive that CONFIG GET or SET knows; CONFIG
    /// REWRITE first puts the users here that are to be in the file.
    pub users: Vec<UserLine>,
    /// What was read and does nothing.
    pub without_effect: WithoutEffect,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            acl_pubsub_default: ChannelDefault::Reset,
            aclfile: None,
            acllog_max_len: 128,
            admin_bind: vec!["127.0.0.1".into(), "-::1".into()],
            admin_commands_on_admin_port: false,
            admin_port: PERSONAS[0].admin_port,
            append_only: AppendOnly::default(),
            auth_failure_delay: 25,
            auth_timeout: 60,
            bind: vec!["127.0.0.1".into(), "-::1".into()],
            busy_reply_threshold: 5000,
            client_output_buffer_limit: OutputBufferLimits::default(),
            client_query_buffer_limit: 1 << 30,
            commandlog: CommandLogSettings::default(),
            daemonize: false,
            databases: 16,
            dbfilename: "dump.rdb".into(),
            dir: None,
            disabled_commands: Vec::new(),
            enable_debug_command: Callers::No,
            enable_protected_configs: Callers::No,
            enable_stage_command: Callers::No,
            limits: Limits::default(),
            eviction: Eviction::default(),
            hz: 10,
            latency_monitor_threshold: 0,
            latency_tracking: true,
            latency_tracking_info_percentiles: Percentiles::default(),
            log_format: LogFormat::Legacy,
            log_timestamp_format: LogTime::Iso8601,
            logfile: None,
            loglevel: LogLevel::Notice,
            maxclients: 10_000,
            maxclients_unauthenticated: 0,
            maxmemory: 0,
            maxmemory_clients: Share::Bytes(0),
            notify_keyspace_events: KeyspaceEvents::default(),
            persona: &PERSONAS[0],
            pidfile: None,
            port: PERSONAS[0].port,
            ports_chosen: ChosenPorts::default(),
            proto_max_bulk_len: 512 << 20,
            protected_mode: true,
            proxy_protocol_from: Networks::default(),
            rdb_save_incremental_fsync: true,
            rdbchecksum: true,
            rdbcompression: true,
            remembered: BTreeMap::new(),
            requirepass: Secret::default(),
            save: Vec::new(),
            shutdown_on_sigint: Shutdown::default(),
            shutdown_on_sigterm: Shutdown::default(),
            start_ready: true,
            stop_writes_on_bgsave_error: true,
            supervised: Supervisor::No,
            tcp_backlog: 511,
            tcp_keepalive: 300,
            tls: Tls::default(),
            tracking_table_max_keys: 1_000_000,
            timeout: 0,
            unixsocket: None,
            unixsocketperm: None,
            unknown_directives: UnknownDirectives::Refuse,
            users: Vec::new(),
            without_effect: WithoutEffect::default(),
        }
    }
}

impl Config {
    /// The names of the directives that were read and accepted though respd does nothing about them, sorted.
    pub fn without_effect(&self) -> impl ExactSizeIterator<Item = &'static str> {
        self.without_effect.accepted.iter().copied()
    }

    /// The lines of unknown directives that `unknown-directives warn` let pass, each an error that stops nothing.
    pub fn unknown_lines(&self) -> &[LoadError] {
        &self.without_effect.unknown
    }

    /// How many such lines there were beside these: a file that is no configuration has many.
    pub fn more_unknown_lines(&self) -> usize {
        self.without_effect.more_unknown
    }

    /// Returns whether the server is to keep its data beyond its end, or to begin with what was kept: it then loads what is
    /// in its folder when it starts. A test double that is told nothing of files reads none.
    pub(crate) fn keeps_data(&self) -> bool {
        self.dir.is_some() || !self.save.is_empty()
    }

    /// Returns whether the memory of all clients is limited, or all memory, of which theirs is a part.
    pub(crate) fn limits_memory(&self) -> bool {
        self.maxmemory > 0 || self.maxmemory_clients.of(self.maxmemory).is_some()
    }

    /// The folder of the files that are written.
    pub(crate) fn folder(&self) -> &Path {
        self.dir.as_deref().unwrap_or(Path::new("."))
    }

    /// The port for clients, and whether TLS is spoken there: `tls-port` where `port` is 0.
    pub(crate) fn client_port(&self) -> (u16, bool) {
        match self.port {
            0 => (self.tls.port, self.tls.port != 0),
            port => (port, false),
        }
    }

    /// Where the file is that a directive names: a relative path begins in the folder, as it is now. Nothing changes the
    /// working directory for that: it is the whole process's.
    pub fn locate(&self, path: &Path) -> PathBuf {
        match &self.dir {
            Some(folder) if path.is_relative() && !is_working_directory(folder) => {
                folder.join(path)
            }
            _ => path.to_owned(),
        }
    }

    /// Checks that commands which run on the administration port alone have such a port.
    pub(crate) fn keeps_a_way_in(&self) -> Result<(), Reason> {
        match self.admin_commands_on_admin_port && self.admin_port == 0 {
            true => {
                Err("with 'admin-commands-on-admin-port yes' there must be an 'admin-port'".into())
            }
            false => Ok(()),
        }
    }
}

/// A path that begins there stays as short as it was given: the path of a unix socket may not be long.
fn is_working_directory(folder: &Path) -> bool {
    env::current_dir().is_ok_and(|here| here == folder)
}
