//! Rewriting: the keyspace of one moment takes the place of all that the log has grown to.
//!
//! At the moment a new increment begins, which the manifest names at once, and the keyspace is recorded
//! ([`ordered::begin`]) while clients are served. When the base is whole, a manifest of the base and the increment
//! takes the place of the one before; what that named is history, and is deleted. A log that has just been turned on has
//! no manifest until then.
//!
//! A rewrite begins when BGREWRITEAOF asks for it, when the log has grown by `auto-aof-rewrite-percentage`, and when a
//! sync has failed.

use super::append::Log;
use super::commands::{self, CommandRecorder};
use super::manifest::{LogFile, Manifest};
use super::progress::Running;
use super::replacement::{Rebase, delete, make_folder};
use super::{Status, manifest_path, read_manifest};
use crate::keyspace::Recorder;
use crate::persistence::files::Format;
use crate::persistence::recording::{self, Purpose};
use crate::persistence::snapshots::{self, ordered};
use crate::rdb::recorder::FileRecorder;
use crate::world::World;

impl Log {
    /// Begins a rewrite if one is due and can begin. To be called when a turn ends, between commands.
    pub(super) fn begin_due_rewrite(&mut self, world: &mut World) {
        if self.rewrite.is_running() || world.store.moment().is_some() || world.running.is_some() {
            return;
        }
        let settings = &world.config.append_only;
        let grown =
            self.size.saturating_sub(self.base_size).saturating_mul(100) / self.base_size.max(1);
        let percentage = u64::from(settings.rewrite_percentage);
        let is_large = self.is_listening()
            && percentage > 0
            && self.size > settings.rewrite_min_size
            && grown >= percentage;
        let now = world.now.mono;
        if self.rewrite.is_scheduled {
            if !self.needs_rewrite() || now >= self.rewrite.retry_at() {
                self.begin_rewrite(world);
            }
        } else if is_large && now >= self.rewrite.earliest() {
            log::info!("the log has grown by {grown} %: it is rewritten");
            self.begin_rewrite(world);
        }
    }

    /// Returns whether the log is not whole without one.
    fn needs_rewrite(&self) -> bool {
        let is_broken = self.failure.as_ref().is_some_and(|failure| failure.is_broken);
        is_broken || self.rewrite.is_first && !self.rewrite.is_only
    }

    /// When one that has failed is tried again, if the log needs it.
    pub(super) fn rewrite_due(&self, world: &World) -> Option<u64> {
        let is_free = world.store.moment().is_none() && world.running.is_none();
        let is_tried_again = is_free && self.rewrite.is_scheduled && self.needs_rewrite();
        is_tried_again.then(|| self.rewrite.retry_at())
    }

    fn begin_rewrite(&mut self, world: &mut World) {
        self.rewrite.is_scheduled = false;
        self.rewrite.count += 1;
        let is_snapshot = world.config.append_only.base_is_snapshot;
        let is_first = self.rewrite.is_first;
        let known = if is_first { self.on_disk(world) } else { self.manifest.clone() };
        let base = known.next_base(&self.name, is_snapshot).unused(&self.folder);
        if is_first {
            let next = known.next_increment(&self.name).unused(&self.folder);
            self.manifest = Manifest { increments: vec![next], ..Manifest::default() };
            self.manifest.base = None;
        } else {
            let next = self.manifest.next_increment(&self.name).unused(&self.folder);
            self.manifest.increments.push(next);
        }
        // It may be gone. Two threads write there: the base must not wait for the other to have made it. What fails here
        // fails again when a file is made, which tells.
        let _ = make_folder(&self.folder);
        if !self.rewrite.is_only {
            if !self.is_listening() {
                self.listen(world);
            }
            self.begin_file(false, !is_first);
        }
        let running =
            Running { base, began: world.now, position: self.position(), written: None, peak: 0 };
        let path = running.base.path(&self.folder);
        self.rewrite.running = Some(running);
        let begun = if is_snapshot {
            let codes = (snapshots::libraries(world).codes)(world);
            let (header, format) =
                (recording::header(world, true, codes), recording::snapshot_format(world));
            let make =
                |output| -> Box<dyn Recorder> { Box::new(FileRecorder::new(header, output)) };
            let what = (Purpose::Base, path, format);
            ordered::begin(world, what, make, recording::finish_snapshot)
        } else {
            let codes = (snapshots::libraries(world).codes)(world);
            let limits = world.config.limits;
            let make = |output| -> Box<dyn Recorder> {
                Box::new(CommandRecorder::new(codes, limits, output))
            };
            ordered::begin(world, (Purpose::Base, path, Format::Plain), make, commands::finish)
        };
        match begun {
            Ok(()) => log::info!("the log is being rewritten in the background"),
            Err(error) => self.rewrite_fails(error.to_string(), world),
        }
    }

    /// Gives up the rewrite that is under way, if its base is not written yet.
    pub(super) fn give_up_rewrite(&mut self, world: &mut World) {
        if let Some(running) = self.rewrite.running.take_if(|running| running.written.is_none()) {
            self.abandon_base(&running, world);
            self.rewrite.last_took = Some((world.now.mono - running.began.mono) / 1_000_000);
            log::info!("the rewrite of the log is given up");
        }
    }

    /// The base is not needed.
    fn abandon_base(&self, running: &Running, world: &mut World) {
        ordered::cancel(world, Purpose::Base);
        if let Some(Ok(_)) = ordered::take(world, Purpose::Base) {
            delete(&[running.base.path(&self.folder)]);
        }
    }

    /// The manifest that the folder has, of a log that was there before this one.
    fn on_disk(&self, world: &World) -> Manifest {
        read_manifest(&self.folder, &world.config).unwrap_or_default()
    }

    /// Sees whether the base is written. To be called when a turn begins.
    pub(super) fn go_on_rewriting(&mut self, world: &mut World) {
        let Some(running) = &mut self.rewrite.running else { return };
        if let Some(moment) = world.store.moment() {
            running.peak = running.peak.max(moment.kept + moment.waiting);
        }
        if running.written.is_some() || self.rewrite.beginning > 0 {
            return;
        }
        match ordered::take(world, Purpose::Base) {
            None => {}
            Some(Err(reason)) => self.rewrite_fails(reason, world),
            Some(Ok(base)) => {
                running.written = Some(base.bytes);
                let base = running.base.clone();
                self.put_base(base, world);
            }
        }
    }

    /// The base is whole: it takes the place of what was before.
    fn put_base(&mut self, base: LogFile, world: &mut World) {
        let mut manifest = self.manifest.clone();
        if self.rewrite.is_first {
            let old = self.on_disk(world);
            manifest.history.extend(old.history);
            manifest.history.extend(old.base);
            manifest.history.extend(old.increments);
        }
        if self.rewrite.is_only {
            manifest.increments.clear();
        }
        let path = base.path(&self.folder);
        manifest.rebase(base);
        let with_history = self.replacement(&manifest);
        let history: Vec<_> =
            manifest.history.drain(..).map(|file| file.path(&self.folder)).collect();
        self.manifest = manifest;
        let without_history = self.manifest.text();
        debug_assert_eq!(with_history.path, manifest_path(&self.folder, &world.config));
        let rebase = Rebase { base: path, manifest: with_history, history, without_history };
        if let Err(error) = self.rebase(rebase) {
            self.rewrite_ended(Err(error.to_string()), world);
        }
    }

    /// A file has been begun, or could not be.
    pub(super) fn rewrite_begun(&mut self, begun: Result<(), String>, world: &mut World) {
        self.rewrite.beginning = self.rewrite.beginning.saturating_sub(1);
        if let Err(reason) = begun {
            if self.rewrite.is_running() {
                // What is said goes to the file before.
                self.manifest.increments.pop();
                self.rewrite_fails(format!("cannot begin a file: {reason}"), world);
            } else {
                self.rewrite.not_begun = Some(reason);
            }
        }
    }

    /// The manifest has been replaced, or could not be.
    pub(super) fn rewrite_ended(&mut self, ended: Result<(), String>, world: &mut World) {
        if let Err(reason) = ended {
            // The thread has left the manifest that was there.
            let on_disk = self.on_disk(world);
            if !self.rewrite.is_first {
                self.manifest = on_disk;
            } else {
                self.manifest.base = None;
            }
            return self.rewrite_fails(reason, world);
        }
        let Some(running) = self.rewrite.running.take() else { return };
        let took = (world.now.mono - running.began.mono) / 1_000_000;
        let base = running.written.unwrap_or(0);
        self.size = base + (self.given - running.position.min(self.given));
        self.base_size = base;
        self.is_whole_from(running.position);
        self.rewrite.is_first = false;
        self.rewrite.has_failed = false;
        self.rewrite.failures = 0;
        self.rewrite.last_took = Some(took);
        self.rewrite.last_peak = running.peak;
        log::info!("the log is rewritten: its base has {base} bytes, {took} seconds");
    }

    fn rewrite_fails(&mut self, reason: String, world: &mut World) {
        log::error!("the log is not rewritten: {reason}");
        if let Some(running) = self.rewrite.running.take() {
            self.abandon_base(&running, world);
            self.rewrite.last_took = Some((world.now.mono - running.began.mono) / 1_000_000);
        }
        self.rewrite.has_failed = true;
        self.rewrite.failures += 1;
        self.rewrite.failed_at = world.now.mono;
        self.rewrite.is_scheduled |= self.needs_rewrite();
    }

    /// How the log stands.
    pub(super) fn status(&self, world: &World) -> Status {
        let rewrite = &self.rewrite;
        let since = rewrite.running.as_ref().map(|running| running.began.mono);
        Status {
            is_on: !rewrite.is_only,
            is_rewriting: rewrite.is_running(),
            is_scheduled: rewrite.is_scheduled,
            last_rewrite_took: rewrite.last_took,
            rewriting_for: since.map(|since| (world.now.mono - since) / 1_000_000),
            has_rewrite_failed: rewrite.has_failed,
            rewrites: rewrite.count,
            failures: rewrite.failures,
            has_write_failed: self.failure.is_some(),
            last_peak: rewrite.last_peak,
            size: self.size,
            base_size: self.base_size,
            buffered: self.buffered(),
            is_syncing: self.is_syncing(),
            delayed: self.delayed,
        }
    }
}
