//! The text of INFO while it is written: sections of fields, those that the persona has.

use std::fmt::{Display, Write};

use crate::config::Persona;

/// The text of a reply, as it grows.
pub(super) struct Report {
    pub(super) text: String,
    pub(super) persona: &'static Persona,
}

/// What Valkey alone reports, and what Redis calls it, if it has the same.
const OF_VALKEY: &[(&str, Option<&str>)] = &[
    ("clients_hz", None),
    ("availability_zone", None),
    ("paused_reason", None),
    ("paused_actions", None),
    ("paused_timeout_milliseconds", None),
    ("mem_replicas_repl_buffer", Some("mem_replica_full_sync_buffer")),
    ("mem_cluster_slot_import", None),
    ("mem_cluster_slot_export", None),
    ("slot_migration_fork_in_progress", None),
    ("total_net_cluster_slot_import_bytes", None),
    ("total_net_cluster_slot_export_bytes", None),
    ("expired_fields", Some("expired_subkeys")),
    ("expired_keys_with_volatile_items_stale_perc", None),
    ("io_threaded_freed_objects", None),
    ("io_threaded_accept_processed", None),
    ("io_threaded_poll_processed", None),
    ("acl_access_denied_tls_cert", None),
    ("acl_access_denied_db", None),
    ("replicas_waiting_psync", None),
];

impl Report {
    /// An empty line parts a section from the one before it.
    pub(super) fn title(&mut self, title: &str) {
        let gap = if self.text.is_empty() { "" } else { "\r\n" };
        self.line(format_args!("{gap}# {title}"));
    }

    /// A field, if the persona has it.
    pub(super) fn field(&mut self, name: &str, value: impl Display) {
        if let Some(name) = self.name_of(name) {
            self.text.push_str(name);
            self.line(format_args!(":{value}"));
        }
    }

    /// Fields of things that there are none of.
    pub(super) fn zeros(&mut self, names: &[&str]) {
        for name in names {
            if let Some(name) = self.name_of(name) {
                self.text.push_str(name);
                self.text.push_str(":0\r\n");
            }
        }
    }

    /// What the persona calls a field, if it has that.
    fn name_of<'n>(&self, name: &'n str) -> Option<&'n str> {
        if !self.persona.is_redis() {
            return Some(name);
        }
        match OF_VALKEY.iter().find(|(known, _)| *known == name) {
            None => Some(name),
            Some((_, of_redis)) => {
                of_redis.filter(|_| self.persona.version_of_part("info", name, "9.0.0").is_some())
            }
        }
    }

    /// A number of seconds, -1 if there is none.
    pub(super) fn seconds(&mut self, name: &str, seconds: Option<u64>) {
        match seconds {
            Some(seconds) => self.field(name, seconds),
            None => self.field(name, -1),
        }
    }

    /// A number of bytes, and beside it one for people.
    pub(super) fn bytes(&mut self, name: &str, bytes: u64) {
        self.field(name, bytes);
        self.field(&format!("{name}_human"), human(bytes));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{line}\r\n");
    }
}

/// A number of bytes in the largest unit of which there is one: `994.68K`.
pub(super) fn human(bytes: u64) -> String {
    const UNITS: &[u8] = b"KMGTPE";
    match bytes.checked_ilog2().map_or(0, |log| log / 10) {
        0 => format!("{bytes}B"),
        power => {
            let amount = bytes as f64 / (1u64 << (10 * power)) as f64;
            format!("{amount:.2}{}", char::from(UNITS[power as usize - 1]))
        }
    }
}
