//! Scripts and functions: Lua 5.1 on top of Invoke.
//!
//! A script is one command among others. What it calls are [invocations](crate::dispatch::invoke) in
//! [`Frame::Script`](crate::dispatch::Frame::Script), so that every gate stands in its way that stands in its
//! caller's, and its effects are one transaction.
//!
//! * `raise`: errors that a function of ours raises in the script that has called it;
//! * `libraries`: cjson, cmsgpack, bit and struct.

#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the interpreter that lends them to scripts is not here yet")
)]
mod libraries;
mod raise;
