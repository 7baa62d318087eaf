//! The library as a program sees it that embeds the server.

mod calls;
mod deferred;
mod layer;
