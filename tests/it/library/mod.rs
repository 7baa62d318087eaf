//! The library as a program sees it that embeds the server.

mod deferred;
mod layer;
