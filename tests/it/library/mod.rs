//! The library as a program sees it that embeds the server.

mod calls;
mod connections;
mod deferred;
mod hook;
mod layer;
