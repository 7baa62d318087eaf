//! The library as a program sees it that embeds the server.

mod calls;
mod commands;
mod connections;
mod deferred;
mod examples;
mod hook;
mod layer;
mod mistakes;
mod replies;
