//! STAGE: drives the server as a test double. `docs/stage.md` is the grammar, a page.
//!
//! There is no such command unless `enable-stage-command` says which clients may call it.

mod clock;
mod fault;
mod journal;
mod newcomers;
mod node;
mod record;
mod reset;
mod seed;
mod sentinel;

use crate::dispatch::Ctx;
use crate::dispatch::help::help;
use crate::dispatch::spec::flag::*;
use crate::dispatch::spec::{Flags, Spec};
use crate::error::{self, Error};
use crate::stage::Stage;

pub(crate) const TABLE: &[Spec] = &[Spec::container("stage", STAGE).flags(SENTINEL).doc(
    "9.1.0",
    "Depends on the subcommand.",
    "",
    "Drives the server as a test double.",
)];

const STAGE: &[Spec] = &[
    Spec::new("accept", -3, DRIVES, newcomers::stage_accept).doc(
        "9.1.0",
        "O(1)",
        "(fate: ALL | REFUSE | HANG | CLOSE) [TIMES times]",
        "Has newcomers refused, closed or never answered.",
    ),
    Spec::new("clock", -3, DRIVES, clock::stage_clock).doc(
        "9.1.0",
        "O(N), N being how often something falls due in the time that passes",
        "(change: FREEZE | RUN | ADVANCE milliseconds:integer | SET unix-time-milliseconds:unix-time)",
        "Stops the server's clock, sets it, or lets time pass, and replies when all that is due has happened.",
    ),
    Spec::new("fault", -3, DRIVES, fault::stage_fault).doc(
        "9.1.0",
        "O(N), N being the number of faults",
        "(operation: (ADD name rule...) | CLEAR | DEL name | LIST)",
        "Has commands meet what goes wrong: lost, late, cut and false replies, closed connections.",
    ),
    Spec::new("help", 2, LOADING | STALE, help).doc("9.1.0", "O(1)", "", "Lists the subcommands."),
    Spec::new("journal", -3, DRIVES, journal::stage_journal).doc(
        "9.1.0",
        "O(N), N being the number of entries",
        "(operation: (on: ON [limit:integer]) | OFF | RESET | (get: GET [CLIENT (matcher: name value)...] [SINCE seq:integer]) \
         | (wait: WAIT command [ARGS (argument: index:integer pattern)...] COUNT count:integer TIMEOUT milliseconds:integer))",
        "Keeps what clients send and are replied, shows it, and waits until it has been sent.",
    ),
    Spec::new("node", -3, DRIVES, node::stage_node).doc(
        "9.1.0",
        "O(N), N being the number of clients, and of slots that change hands",
        "(change: (add: ADD name [PORT port:integer] [SLOTS range:string...] \
        [REPLICA-OF primary:string]) | FAILOVER name | DOWN name | UP name \
        | DEL name | MOVE slot:integer name | MIGRATE slot:integer name \
        | IMPORT slot:integer name | LIST)",
        "Makes ports nodes of a cluster, or a primary and its replicas, and changes them.",
    ),
    Spec::new("record", -3, DRIVES, record::stage_record).doc(
        "9.1.0",
        "O(N), N being the number of clients",
        "(operation: (start: START file [LIMIT bytes:integer]) | STOP)",
        "Writes a conversation of what clients and the server say to a file.",
    ),
    Spec::new("reset", 2, RESETS, reset::stage_reset).doc(
        "9.1.0",
        "O(N), N being all that was staged",
        "",
        "Ends all that was staged, as the end of a test does: the stage is as the server began with it.",
    ),
    Spec::new("seed", 3, DRIVES, seed::stage_seed).doc(
        "9.1.0",
        "O(1)",
        "number:integer",
        "Makes what is picked at random from now on follow from a number.",
    ),
    Spec::new("send", -5, DRIVES, newcomers::stage_send).doc(
        "9.1.0",
        "O(N), N being the number of clients",
        "[ID client-id] [NAME pattern] [LIB pattern] [USER pattern] [DB index] [PROTO protocol:integer] [NODE pattern] bytes",
        "Sends any bytes to clients.",
    ),
    Spec::new("sentinel", -3, DRIVES, sentinel::stage_sentinel).doc(
        "9.1.0",
        "O(N), N being the number of clients",
        "(change: (add: ADD name [PORT port:integer] MASTER group:string [NODE node:string] \
        [QUORUM quorum:integer]) | DOWN name | UP name | DEL name)",
        "Makes ports Sentinels, which watch a primary and its replicas.",
    ),
];

/// The flags of what drives the server.
const DRIVES: Flags = EVER | NO_MULTI;
/// RESET runs whatever state its client is in.
const RESETS: Flags = EVER | UNQUEUED | SUBSCRIBER;
/// Both run whatever state the server is in.
const EVER: Flags = ADMIN | NOSCRIPT | LOADING | STALE | ALLOW_BUSY | SKIP_COMMANDLOG | UNPAUSED;

/// The stage, for a client that may drive the server.
fn on_stage<'c>(ctx: &'c mut Ctx<'_>) -> Result<&'c mut Stage, Error> {
    if !ctx.is_allowed(ctx.world.config.enable_stage_command) {
        return Err(error::STAGE_NOT_ALLOWED);
    }
    ctx.world.stage.as_deref_mut().ok_or(error::STAGE_NOT_ALLOWED)
}
