//! What would keep a server from listening, as far as that can be seen without doing so.
//!
//! Ports that are taken are no fault here: the server that has them may be the one whose new configuration is looked at.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use nix::unistd::{AccessFlags, eaccess};
use socket2::{Domain, SockAddr, Socket, Type};

use super::binder::{self, Endpoint};
use super::listener::{ListenAddress, Ports};
use super::tls::Acceptor;
use crate::config::Config;

/// Everything that would keep a server with this configuration from listening on these ports, a sentence each.
pub(crate) fn faults(config: &Config, ports: Ports) -> Vec<String> {
    let mut faults = Vec::new();
    let mut found: Vec<(Endpoint<'_>, ListenAddress)> = Vec::new();
    for endpoint in [
        Endpoint::clients(config, ports),
        Endpoint::tls(config, ports),
        Endpoint::admin(config, ports),
    ] {
        let Some(port) = endpoint.port else { continue };
        // Two ports that are the same need not be told of at each address.
        let mut is_told = false;
        for text in endpoint.addresses {
            match address(text, endpoint, port) {
                Ok(None) => {}
                Ok(Some(addr)) => {
                    // Any port is another one at each endpoint.
                    let is_possible = |other: &Endpoint<'_>| {
                        port > 0 || other.port_directive == endpoint.port_directive
                    };
                    let mut others = found.iter().filter(|(other, _)| is_possible(other));
                    let other = others.find(|(_, other)| other.overlaps(addr));
                    if let Some((other, _)) = other.filter(|_| !is_told) {
                        is_told = true;
                        faults.push(same(endpoint, *other, text, addr));
                    }
                    found.push((endpoint, (endpoint.bound)(addr)));
                }
                // `bind` may be looked at for two ports.
                Err(fault) if faults.contains(&fault) => {}
                Err(fault) => faults.push(fault),
            }
        }
    }
    if let Some(path) = &config.unixsocket {
        faults.extend(unix_fault(path, config));
    } else if found.is_empty() && faults.is_empty() {
        faults.push(nowhere(config, ports).to_string());
    }
    faults.extend(Acceptor::read(config).err().map(|error| error.to_string()));
    faults
}

/// Two listeners that are the same.
fn same(endpoint: Endpoint<'_>, other: Endpoint<'_>, text: &str, addr: SocketAddr) -> String {
    let (port, other_port) = (endpoint.port_directive, other.port_directive);
    let number = addr.port();
    match port == other_port {
        true => format!(
            "'{}' names '{text}' twice, or an address that it is part of",
            endpoint.directive
        ),
        false => format!("'{port} {number}' is '{other_port}', too: each needs a port of its own"),
    }
}

/// An address to listen at. `None`: it may be missing, and is.
fn address(text: &str, endpoint: Endpoint<'_>, port: u16) -> Result<Option<SocketAddr>, String> {
    let Endpoint { directive, port_directive, .. } = endpoint;
    let (host, is_optional) = match text.strip_prefix('-') {
        Some(host) => (host, true),
        None => (text, false),
    };
    let ip = binder::find_address(host, directive).map_err(|error| error.to_string())?;
    // On any port: whether the machine has the address.
    let any = SocketAddr::new(ip, 0);
    let bound = Socket::new(Domain::for_address(any), Type::STREAM, None)
        .and_then(|socket| socket.bind(&any.into()));
    match bound {
        Ok(()) => Ok(Some(SocketAddr::new(ip, port))),
        Err(error) if is_optional && binder::is_address_missing(&error) => Ok(None),
        Err(error) if binder::is_family_missing(&error) => Ok(None),
        Err(error) => {
            let addr = SocketAddr::new(ip, port);
            let by = format!("'{directive} {text}' with '{port_directive} {port}'");
            Err(format!("{by}: cannot listen on {addr}: {error}"))
        }
    }
}

/// What would keep a unix socket from being made.
fn unix_fault(path: &Path, config: &Config) -> Option<String> {
    let told = |what: &dyn std::fmt::Display| {
        Some(format!("'unixsocket {}': cannot listen there: {what}", path.display()))
    };
    let located = config.locate(path);
    if let Err(error) = SockAddr::unix(&located) {
        return told(&error);
    }
    if let Ok(found) = fs::symlink_metadata(&located)
        && !found.file_type().is_socket()
    {
        return told(&"there is another file");
    }
    let folder = located.parent().filter(|folder| !folder.as_os_str().is_empty());
    let can = AccessFlags::W_OK | AccessFlags::X_OK;
    match eaccess(folder.unwrap_or(Path::new(".")), can) {
        Ok(()) => None,
        Err(errno) => told(&io::Error::from(errno)),
    }
}

/// Why a server with this configuration would listen nowhere.
pub(crate) fn nowhere(config: &Config, ports: Ports) -> io::Error {
    let reason = |endpoint: Endpoint<'_>| match endpoint {
        Endpoint { port: None, .. } => format!("'{}' is 0", endpoint.port_directive),
        Endpoint { addresses: [], .. } => format!("'{}' is empty", endpoint.directive),
        _ => format!("no address of '{}' is on this machine", endpoint.directive),
    };
    let clients = reason(Endpoint::clients(config, ports));
    let admin = reason(Endpoint::admin(config, ports));
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("configured to listen nowhere: {clients}, {admin}, and there is no 'unixsocket'"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Ports = Ports { clients: Some(0), tls: None, admin: None };

    #[test]
    fn what_turns_every_listener_off_is_named() {
        let off = Ports { clients: None, tls: None, admin: None };
        let told = nowhere(&Config::default(), off).to_string();
        let expected = "configured to listen nowhere: 'port' is 0, 'admin-port' is 0, \
            and there is no 'unixsocket'";
        assert_eq!(told, expected);
        let empty = Config { bind: Vec::new(), ..Config::default() };
        assert!(nowhere(&empty, ANY).to_string().contains("'bind' is empty, "));
        let tls = Ports { clients: None, tls: Some(1), admin: None };
        assert!(nowhere(&empty, tls).to_string().contains("'port' is 0, "));
        let told = nowhere(&Config::default(), ANY).to_string();
        assert!(told.contains("no address of 'bind' is on this machine, "), "{told}");
    }
}
