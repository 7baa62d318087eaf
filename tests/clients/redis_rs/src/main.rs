//! redis-rs over TLS, with rustls: `redis_rs PORT FOLDER`, where the folder has the certificates of the tests.

use std::error::Error;
use std::fs;

use redis::{Client, ClientTlsConfig, Commands, Connection, TlsCertificates};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (port, folder) = (args.next().ok_or("no port")?, args.next().ok_or("no folder")?);
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "a provider")?;
    let file = |name: &str| fs::read(format!("{folder}/{name}"));
    let connect = |own: Option<&str>, query: &str| -> Result<Connection, Box<dyn Error>> {
        let client_tls = match own {
            None => None,
            Some(name) => Some(ClientTlsConfig {
                client_cert: file(&format!("{name}.crt"))?,
                client_key: file(&format!("{name}.key"))?,
            }),
        };
        let certificates = TlsCertificates { client_tls, root_cert: Some(file("ca.crt")?) };
        let url = format!("rediss://localhost:{port}/{query}");
        Ok(Client::build_with_tls(url, certificates)?.get_connection()?)
    };
    for query in ["", "?protocol=resp3"] {
        let mut ann = connect(Some("ann"), query)?;
        let user: String = redis::cmd("ACL").arg("WHOAMI").query(&mut ann)?;
        assert_eq!(user, "ann");
        let large = vec![b'x'; 5 << 20];
        let () = ann.set("large", &large)?;
        let read: Vec<u8> = ann.get("large")?;
        assert!(read == large, "5 MiB, there and back");
        let mut pipe = redis::pipe();
        for _ in 0..10_000 {
            pipe.cmd("INCR").arg("rs");
        }
        let counts: Vec<i64> = pipe.query(&mut ann)?;
        assert!(counts.windows(2).all(|pair| pair[0] + 1 == pair[1]) && counts.len() == 10_000);
        assert!(connect(None, query).is_err(), "a client without a certificate is not let in");
        assert!(connect(Some("stranger"), query).is_err(), "nor is one of another authority");
    }
    println!("redis-rs over TLS: passed");
    Ok(())
}
