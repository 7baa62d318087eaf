//! The rooms, for the program `respd`, and for tests, benches and fuzz targets. **Unstable**: anything here may change with
//! any version. What an embedder needs stands at the front of the crate.

/// A room, as it is.
macro_rules! rooms {
    ($($room:ident)*) => {
        $(pub mod $room { pub use crate::$room::*; })*
    };
}

rooms! {
    access clock commands config conversation dispatch embed engine error keyspace listeners net peer
    session telemetry text world
}

pub mod wire {
    pub use crate::wire::pipeline::Pipeline;
    pub use crate::wire::request::{Limits, MAX_LINE, Parsed, Parser, ProtocolError};
    pub use crate::wire::*;
    pub use crate::{Args, IntoArgs, OwnedArgs, Protocol, Reply, Value};

    pub mod value {
        pub use crate::wire::value::*;
    }
}

#[cfg(fuzzing)]
pub use crate::rdb::fuzzing;
