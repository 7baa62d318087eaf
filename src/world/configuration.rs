//! CONFIG SET: a change of the configuration, and the effects that its directives have.

use super::World;
use crate::config::{Effect, Reason, SetError};
use crate::telemetry::process;

impl World {
    /// Gives every directive of `pairs` its value and takes the effects of that, or changes nothing.
    /// Protected ones need permission.
    pub(crate) fn configure(
        &mut self,
        pairs: &[(&[u8], &[u8])],
        may_change_protected: bool,
    ) -> Result<(), SetError> {
        let before = self.config.clone();
        for (effect, directive) in self.config.set(pairs, may_change_protected)? {
            if let Err(reason) = self.take_effect(effect) {
                self.config = before;
                return Err(SetError::refused(directive.as_bytes(), reason));
            }
        }
        Ok(())
    }

    /// Makes true what `config` says already. Listening a second time where the server listens already
    /// changes nothing.
    fn take_effect(&mut self, effect: Effect) -> Result<(), Reason> {
        match effect {
            Effect::FileDescriptors => return self.open_enough_files(),
            Effect::AppendOnly => return (self.turn_log)(self),
            Effect::Folder => {
                self.config.dir = Some((self.find_folder)(self.config.folder())?);
            }
            Effect::AdministrationPort => return self.config.keeps_a_way_in(),
            Effect::TlsFiles => return self.read_tls_files("CONFIG SET"),
            Effect::Tls => return self.adopt_tls(),
            Effect::ListenAddresses => {
                return self.listen("Failed to bind to specified addresses.");
            }
            Effect::ListenPorts => {
                return self.listen("Unable to listen on this port. Check server logs.");
            }
            Effect::TcpKeepalive => return self.listen("Unable to listen. Check server logs."),
            Effect::LogLevel => log::set_max_level(self.config.loglevel.filter()),
            Effect::DefaultPassword => self.access.set_default_password(&self.config.requirepass),
            Effect::Store => self.configure_store(),
            Effect::SnapshotErrors => self.review_restraints(),
            Effect::KeyspaceEvents => self.follow_events(),
            Effect::OutputLimits => self.limit_all_output(),
            Effect::Thresholds => self.configure_watchers(),
            Effect::Memory => {
                self.limit_unfreed();
                if self.config.maxmemory > 0 && !self.make_room() {
                    log::warn!("CONFIG SET: more memory is used than `maxmemory` allows");
                }
            }
        }
        Ok(())
    }

    /// Listens where and as the configuration says, if there is anything that listens.
    fn listen(&mut self, refusal: &'static str) -> Result<(), Reason> {
        let Some(rebind) = &mut self.rebind else {
            return Ok(());
        };
        self.process.listeners = rebind(&self.config).map_err(|error| {
            log::warn!("CONFIG SET: {error}");
            refusal
        })?;
        Ok(())
    }

    /// Every client needs a file descriptor.
    fn open_enough_files(&mut self) -> Result<(), Reason> {
        let wanted = self.config.maxclients;
        let room = process::make_room_for_clients(wanted);
        if room < wanted {
            return Err(format!(
                "The operating system is not able to handle the specified number of clients, try with {room}"
            )
            .into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::access::UserId;
    use crate::config::Config;
    use crate::embed::local::{Local, request};
    use crate::telemetry::process::Listener;

    /// One of these is another value of any directive that has one.
    const VALUES: &[&str] =
        &["7", "2mb", "yes", "no", "warning", "normal 0 1 60", "mn$KE", "noeviction", "::1"];

    /// What the reactor does for CONFIG SET: it listens wherever it is told to.
    fn rebind(config: &Config) -> Vec<Listener> {
        let Config { bind, port, admin_bind, admin_port, tcp_keepalive, .. } = config;
        let shown = format!("{bind:?} {port} {admin_bind:?} {admin_port} {tcp_keepalive}");
        vec![Listener { name: "tcp", bind: shown, port: Some(*port) }]
    }

    /// A server with a key, a subscriber and a client that leaves its replies unread. No other test
    /// changes the filter of the log, which all threads have in common.
    struct Sample(Local);

    impl Sample {
        fn start(config: Config) -> Sample {
            log::set_max_level(config.loglevel.filter());
            let mut local = Local::new(config);
            local.engine.world.process.listeners = rebind(&local.engine.world.config);
            local.engine.world.rebind = Some(Box::new(|config| Ok(rebind(config))));
            let [client, slow] = [(); 2].map(|()| local.connect());
            for client in [client, slow] {
                let password = local.engine.world.config.requirepass.to_vec();
                local.send(client, &request([b"AUTH", &password[..]]));
                local.received(client);
            }
            for words in [&["SET", "key", "value"][..], &["SUBSCRIBE", "news"]] {
                local.send(client, &request(words));
                local.received(client);
            }
            for _ in 0..8 {
                local.send(slow, &request(["ECHO", &"x".repeat(16 << 10)]));
            }
            Sample(local)
        }

        /// Everything that was made of the configuration and is kept elsewhere.
        fn derived(&mut self) -> Vec<String> {
            let world = &mut self.0.engine.world;
            let keys = world.store.db(0).len();
            let slow_until = world.clients.slots().map(|slot| world.clients[slot].slow_until);
            let slow_until: Vec<_> = slow_until.collect();
            let shared = &world.store.shared;
            vec![
                format!("{:?} {:?}", shared.limits, shared.eviction.settings),
                format!("{} unfreed, {} announced", shared.most_unfreed, shared.journal.announces),
                format!("{:?} {}", world.thresholds, world.stats.tracks_latency),
                format!("{keys} keys, slow until {slow_until:?}"),
                format!("{:?}", world.process.listeners),
                format!("{:?}", log::max_level()),
                String::from_utf8_lossy(&world.access.user(UserId::DEFAULT).describe())
                    .into_owned(),
                format!("a way in: {:?}", world.config.keeps_a_way_in()),
            ]
        }
    }

    /// One by which a key goes when `maxmemory` is set.
    fn base() -> Config {
        let mut config = Config::default();
        config.apply_option("maxmemory-policy", "allkeys-lru").unwrap();
        config
    }

    /// A directive whose value is kept anywhere else but in the configuration needs an effect.
    #[test]
    fn a_change_leads_where_a_start_with_it_leads() {
        let mut changed = Vec::new();
        for (name, before) in base().get(&[b"*"]) {
            let name = String::from_utf8(name).unwrap();
            for value in VALUES.iter().filter(|value| value.as_bytes() != before) {
                if (&name[..], *value) == ("maxmemory-clients", "7") {
                    // A client that is closed at once sets no key.
                    continue;
                }
                if name == "appendonly" {
                    // A server that starts with a log loads it first, and leaves files.
                    continue;
                }
                let mut config = base();
                if config.apply_option(&name, value).is_err() {
                    continue;
                }
                let mut sample = Sample::start(base());
                let pair = (name.as_bytes(), value.as_bytes());
                if sample.0.engine.world.configure(&[pair], true).is_err() {
                    continue;
                }
                assert_eq!(sample.derived(), Sample::start(config).derived(), "{name} {value}");
                changed.push(name.clone());
            }
        }
        log::set_max_level(log::LevelFilter::Off);
        changed.dedup();
        assert!(changed.len() > 40, "{changed:?}");
    }
}
