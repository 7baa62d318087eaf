//! What watches over the real process: systemd's socket, files with its id, signals, and its standard input.

use std::fs;
use std::os::unix::net::UnixDatagram;

use crate::lifetime::logged;
use crate::process::{Folder, Respd, text};
use crate::socket::PATIENCE;

/// A socket that takes what systemd would be told.
struct Systemd(UnixDatagram);

impl Systemd {
    fn told(&self) -> String {
        let mut buffer = [0; 1024];
        let length = self.0.recv(&mut buffer).expect("systemd is told");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }
}

fn listen(socket: UnixDatagram) -> Systemd {
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    Systemd(socket)
}

/// READY comes when the server is ready, and not when it listens.
#[test]
fn systemd_is_told_what_the_server_is_about() {
    let folder = Folder::new();
    let path = folder.file("notify");
    let systemd = listen(UnixDatagram::bind(&path).expect("a socket"));
    let flags = ["--port", "0", "--supervised", "systemd"];
    let unready = ["--start-ready", "no", "--enable-debug-command", "local"];
    let environment = [("NOTIFY_SOCKET", text(&path))];
    let (mut respd, _line) =
        Respd::start_unready_in(&environment, &[&flags[..], &unready].concat());
    assert_eq!(systemd.told(), "STATUS=Starting");
    let mut client = respd.connect();
    assert!(client.call(["GET", "k"]).contains("LOADING"));
    systemd.0.set_nonblocking(true).expect("a mode");
    assert!(systemd.0.recv(&mut [0; 8]).is_err(), "it is not ready");
    systemd.0.set_nonblocking(false).expect("a mode");
    assert_eq!(client.call(["DEBUG", "SET-READY", "1"]), "OK");
    assert_eq!(systemd.told(), "READY=1\nSTATUS=Ready to accept connections");

    respd.signal("HUP");
    let reloading = systemd.told();
    let micros = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect(&reloading);
    let (micros, status) = micros.split_once('\n').expect("two lines");
    assert!(micros.parse::<u64>().expect("a number") > 0);
    assert_eq!(status, "STATUS=Reloading");
    assert_eq!(systemd.told(), "READY=1\nSTATUS=Ready to accept connections");

    respd.signal("TERM");
    assert_eq!(systemd.told(), "STOPPING=1\nSTATUS=Leaving");
    assert!(respd.wait().success());
}

#[cfg(target_os = "linux")]
#[test]
fn systemd_may_listen_on_an_abstract_socket_and_is_found_by_auto() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;
    let name = format!("respd-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let systemd = listen(UnixDatagram::bind_addr(&address).expect("a socket"));
    let at = format!("@{name}");
    let environment = [("NOTIFY_SOCKET", &at[..])];
    let _respd = Respd::start_in(&environment, &["--port", "0", "--supervised", "auto"]);
    assert_eq!(systemd.told(), "STATUS=Starting");
    assert!(systemd.told().starts_with("READY=1\n"));
    // Without being asked the server tells nothing: a child of a unit is not the unit.
    let _silent = Respd::start_in(&environment, &["--port", "0"]);
    systemd.0.set_nonblocking(true).expect("a mode");
    assert!(systemd.0.recv(&mut [0; 8]).is_err());
}

#[test]
fn a_supervisor_that_is_not_there_is_a_warning() {
    let folder = Folder::new();
    for (supervisor, environment, warning) in [
        ("systemd", ("X", "x"), "NOTIFY_SOCKET is not in the environment"),
        ("upstart", ("X", "x"), "UPSTART_JOB is not in the environment"),
        ("systemd", ("NOTIFY_SOCKET", "relative"), "NOTIFY_SOCKET is 'relative': it is neither"),
        ("systemd", ("NOTIFY_SOCKET", "/no/such/socket"), "cannot tell systemd: "),
    ] {
        let log = folder.file("log");
        let flags = ["--port", "0", "--supervised", supervisor, "--logfile", text(&log)];
        let respd = Respd::start_in(&[environment], &flags);
        assert_eq!(respd.connect().call(["PING"]), "PONG");
        logged(&log, warning);
        fs::remove_file(&log).expect("the log");
    }
}

/// Debian's file says `daemonize yes`, and its unit `--supervised systemd --daemonize no`.
#[test]
fn a_file_that_asks_for_the_background_starts_in_the_foreground_where_it_is_supervised() {
    let folder = Folder::new();
    let file = folder.file("redis.conf");
    fs::write(&file, "daemonize yes\nport 1\n").expect("a file");
    for flags in [["--daemonize", "no"], ["--supervised", "systemd"]] {
        let respd = Respd::start(&[&[text(&file), "--port", "0"][..], &flags].concat());
        assert_eq!(respd.connect().call(["PING"]), "PONG");
    }
}

#[test]
fn the_file_of_the_process_id_comes_and_goes() {
    let folder = Folder::new();
    let path = folder.file("respd.pid");
    let flags = ["--port", "0", "--pidfile", text(&path)];
    let mut respd = Respd::start(&flags);
    assert_eq!(fs::read_to_string(&path).expect("a file"), format!("{}\n", respd.pid()));
    respd.signal("TERM");
    assert!(respd.wait().success());
    assert!(!path.exists());

    // That of another server stays, and one that finds its port taken does not touch it.
    let mut old = Respd::start(&flags);
    let port = old.addr().port().to_string();
    let second = ["--port", &port, "--pidfile", text(&path)];
    assert!(!crate::process::run(&second).status.success());
    assert_eq!(fs::read_to_string(&path).expect("a file"), format!("{}\n", old.pid()));
    fs::write(&path, "1\n").expect("a file");
    old.signal("TERM");
    assert!(old.wait().success());
    assert_eq!(fs::read_to_string(&path).expect("a file"), "1\n");

    let unwritable = folder.file("no/such/folder");
    let respd = Respd::start(&["--port", "0", "--pidfile", text(&unwritable)]);
    assert_eq!(respd.connect().call(["PING"]), "PONG");
}

#[test]
fn a_signal_saves_what_the_configuration_says() {
    for (signal, flags, is_saved) in [
        ("TERM", &["--save", "3600", "1"][..], true),
        ("TERM", &["--save", "3600", "1", "--shutdown-on-sigterm", "nosave"], false),
        ("INT", &["--save", "3600", "1", "--shutdown-on-sigterm", "nosave"], true),
        ("INT", &["--shutdown-on-sigint", "save", "now"], true),
        ("TERM", &["--shutdown-on-sigint", "save"], false),
    ] {
        let folder = Folder::new();
        let dir = folder.file("");
        let mut respd = Respd::start(&[&["--port", "0", "--dir", text(&dir)], flags].concat());
        assert_eq!(respd.connect().call(["SET", "k", "v"]), "OK");
        respd.signal(signal);
        assert!(respd.wait().success());
        assert_eq!(folder.file("dump.rdb").exists(), is_saved, "{signal} {flags:?}");
    }
}

/// Without `force` the server stays when its data cannot be saved.
#[test]
fn a_signal_with_force_ends_a_server_that_cannot_save() {
    let folder = Folder::new();
    let (dir, log) = (folder.file("data"), folder.file("log"));
    fs::create_dir(&dir).expect("a folder");
    let flags =
        ["--port", "0", "--dir", text(&dir), "--logfile", text(&log), "--save", "3600", "1"];
    let mut respd = Respd::start(&[&flags[..], &["--shutdown-on-sigint", "force"]].concat());
    assert_eq!(respd.connect().call(["SET", "k", "v"]), "OK");
    fs::remove_dir_all(&dir).expect("the folder");
    respd.signal("TERM");
    logged(&log, "the server stays");
    assert_eq!(respd.connect().call(["GET", "k"]), "\"v\"");
    respd.signal("INT");
    assert!(respd.wait().success());
}

#[test]
fn the_end_of_standard_input_ends_the_server_that_was_told_so() {
    let (mut respd, stdin) = Respd::start_with_stdin(&["--port", "0", "--exit-with-stdin"]);
    assert_eq!(respd.connect().call(["PING"]), "PONG");
    drop(stdin);
    assert!(respd.wait().success());
}

#[test]
fn a_hangup_reads_the_users_anew() {
    let folder = Folder::new();
    let (users, log) = (folder.file("users.acl"), folder.file("log"));
    fs::write(&users, "user default on nopass ~* &* +@all\nuser bob on >one +@all\n")
        .expect("users");
    let flags = ["--port", "0", "--aclfile", text(&users), "--logfile", text(&log)];
    let respd = Respd::start(&flags);
    let (mut bob, mut other) = (respd.connect(), respd.connect());
    assert_eq!(bob.call(["AUTH", "bob", "one"]), "OK");

    // A mistake changes nothing.
    fs::write(&users, "user bob on >two +nosuch\n").expect("users");
    respd.signal("HUP");
    logged(&log, "the users stay as they are: ");
    assert_eq!(bob.call(["ACL", "WHOAMI"]), "\"bob\"");

    fs::write(&users, "user eve on >two +@all\n").expect("users");
    respd.signal("HUP");
    logged(&log, "is read anew: 2 users");
    assert_eq!(bob.rest(), b"", "bob is closed");
    assert_eq!(other.call(["AUTH", "eve", "two"]), "OK");
}
