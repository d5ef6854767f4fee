//! The life of the process, seen from outside: the built command, signals, and sockets that are passed to it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;
use support::{Client, DEADLINE, Ending, GET, OK, Upstream, bundle_directory, gate, until};

/// A running `hallpass serve`, killed with the test if it is still there.
struct Process {
    child: Child,
    address: SocketAddr,
    log: Arc<(Mutex<String>, Condvar)>,
    directory: PathBuf,
}

/// Writes a configuration into a directory of its own.
fn configuration(name: &str, upstream: SocketAddr, more: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("hallpass-life-{}-{name}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let text = format!(
        "listen: 127.0.0.1:0\nupstream: {{address: '{upstream}'}}\nbundle: {}\nworkers: 2\n\
         identity: {{trusted_header: {{name: X-Remote-User, issuer: gateway, peers: [127.0.0.1]}}}}\n{more}\n",
        bundle_directory().display()
    );
    let path = directory.join("hallpass.yaml");
    fs::write(&path, text).unwrap();
    path
}

impl Process {
    fn serve(name: &str, upstream: &Upstream, more: &str) -> Process {
        let config = configuration(name, upstream.address, more);
        let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
        command.arg("serve").arg("--config").arg(&config).stdin(Stdio::null());
        Process::start(command, config)
    }

    fn start(mut command: Command, config: PathBuf) -> Process {
        let mut child = command
            .env("RUST_LOG", "info")
            .env("NO_COLOR", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new((Mutex::new(String::new()), Condvar::new()));
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let written = log.clone();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let (text, more) = &*written;
                *text.lock().unwrap() += &format!("{line}\n");
                more.notify_all();
            }
        });
        let directory = config.parent().unwrap().to_owned();
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut process = Process { child, address: nowhere, log, directory };
        process.address = process
            .until_logged("address=")
            .split(' ')
            .find_map(|word| word.strip_prefix("address="))
            .unwrap()
            .parse()
            .unwrap();
        process
    }

    /// Waits for a line of the log that has `text`.
    fn until_logged(&self, text: &str) -> String {
        let (written, more) = &*self.log;
        let began = Instant::now();
        let mut written = written.lock().unwrap();
        loop {
            if let Some(line) = written.lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            assert!(began.elapsed() < DEADLINE, "`{text}` was not logged: {written}");
            written = more.wait_timeout(written, DEADLINE).unwrap().0;
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.unwrap().success());
    }

    fn until_ended(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < DEADLINE, "the process did not end: {}", self.log.0.lock().unwrap());
            thread::yield_now();
        }
    }

    fn client(&self) -> Client {
        Client::to(self.address)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

#[test]
fn a_request_in_flight_is_answered_and_the_process_ends_in_order() {
    let (open, wait) = gate();
    let upstream = Upstream::start(move |talk| {
        talk.try_head();
        wait();
        talk.reply(OK);
        talk.ends();
    });
    let mut process = Process::serve("drain", &upstream, "shutdown: {wait: 0s, drain: 1h}");
    let mut idle = process.client();
    idle.send("GET /nowhere HTTP/1.1\r\nHost: app\r\n\r\n");
    assert_eq!(idle.answer().header("connection"), None);
    let mut busy = process.client();
    busy.send(GET);
    upstream.until_connections(1);
    process.signal("TERM");

    assert_eq!(idle.ends(), Ending::Orderly);
    until("connections are refused", || TcpStream::connect(process.address).is_err());
    open.send(()).unwrap();
    let answer = busy.answer();
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert_eq!(busy.ends(), Ending::Orderly);
    assert_eq!(process.until_ended().code(), Some(0));
}

#[test]
fn it_goes_on_serving_until_the_wait_is_over() {
    let upstream = Upstream::replying(OK);
    let mut process = Process::serve("wait", &upstream, "shutdown: {wait: 24h}");
    let mut kept = process.client();
    kept.send(GET);
    assert_eq!(kept.answer().status, 200);
    process.signal("TERM");
    process.until_logged("not ready any more");
    kept.send(GET);
    assert_eq!(kept.answer().status, 200);
    let mut new = process.client();
    new.send(GET);
    assert_eq!(new.answer().status, 200);
    process.signal("TERM");
    assert_eq!(process.until_ended().code(), Some(1));
}

#[test]
fn the_wait_comes_to_its_end() {
    let upstream = Upstream::silent();
    let mut process = Process::serve("short", &upstream, "shutdown: {wait: 20ms}");
    process.signal("INT");
    process.until_logged("taking no further connections");
    assert_eq!(process.until_ended().code(), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let upstream = Upstream::start(|talk| {
        talk.try_head();
        talk.ends();
    });
    let more = "shutdown: {wait: 0s, drain: 24h}\nlog: {to: {file: decisions.log}}";
    let mut process = Process::serve("twice", &upstream, more);
    let mut client = process.client();
    client.send(GET);
    upstream.until_connections(1);
    process.signal("TERM");
    process.until_logged("taking no further connections");
    assert_eq!(process.child.try_wait().unwrap(), None);
    process.signal("TERM");
    assert_eq!(process.until_ended().code(), Some(1));
    upstream.until_ended(1);
    // The app has seen the request, so it has a line: exactly one for each request.
    let log = fs::read_to_string(process.directory.join("decisions.log")).unwrap();
    assert!(log.lines().count() == 1 && log.contains(r#""aborted":"client""#), "{log}");
}

#[test]
fn sighup_ends_nothing() {
    let upstream = Upstream::replying(OK);
    let process = Process::serve("hangup", &upstream, "");
    process.signal("HUP");
    process.until_logged("SIGHUP does nothing");
    let mut client = process.client();
    client.send(GET);
    assert_eq!(client.answer().status, 200);
}

#[test]
fn what_is_in_flight_is_cut_off_when_the_drain_is_over() {
    let upstream = Upstream::start(|talk| {
        talk.try_head();
        talk.ends();
    });
    let mut process = Process::serve("cut", &upstream, "shutdown: {wait: 0s, drain: 20ms}");
    let mut client = process.client();
    client.send(GET);
    upstream.until_connections(1);
    process.signal("TERM");
    process.until_logged("cut off");
    client.ends();
    assert_eq!(process.until_ended().code(), Some(0));
}

/// The shell makes file descriptor 3 of its standard input, and says so as a service manager does (sd_listen_fds(3)).
fn activated(name: &str, upstream: &Upstream, listener: TcpListener, says: &str) -> Process {
    let config = configuration(name, upstream.address, "shutdown: {wait: 0s}");
    Process::start(activated_by(&config, listener, says), config)
}

fn activated_by(config: &Path, listener: TcpListener, says: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("exec 3<&0 0</dev/null; {says} exec \"$0\" \"$@\""))
        .arg(env!("CARGO_BIN_EXE_hallpass"))
        .args(["serve", "--config"])
        .arg(config)
        .stdin(Stdio::from(OwnedFd::from(listener)));
    command
}

#[test]
fn a_socket_that_was_passed_is_used_and_outlives_the_process() {
    let upstream = Upstream::replying(OK);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (ours, address) = (listener.try_clone().unwrap(), listener.local_addr().unwrap());
    let mut process =
        activated("passed", &upstream, listener, "LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=data");
    assert_eq!(process.address, address);
    let mut client = process.client();
    client.send(GET);
    assert_eq!(client.answer().status, 200);
    process.signal("TERM");
    assert_eq!(process.until_ended().code(), Some(0));
    // The queue is that of the service manager: who comes now waits for the next process.
    let late = TcpStream::connect(address).unwrap();
    ours.set_nonblocking(false).unwrap();
    assert_eq!(ours.accept().unwrap().1, late.local_addr().unwrap());
}

#[test]
fn of_several_sockets_one_is_used_and_the_others_are_told() {
    let upstream = Upstream::replying(OK);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let says = "exec 4<&3; LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=data:data";
    let process = activated("several", &upstream, listener, says);
    process.until_logged("several sockets were passed and one is used");
    assert_eq!(process.address, address);
}

/// A collector that hangs, or a terminal with Ctrl-S: nobody waits for it, neither a client nor the end of the process.
#[test]
fn a_standard_error_that_nobody_reads_holds_nothing_up() {
    let upstream = Upstream::replying(OK);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = configuration("stalled", upstream.address, "shutdown: {wait: 0s}");
    let (full, _unread) = UnixStream::pair().unwrap();
    full.set_nonblocking(true).unwrap();
    while (&full).write(&[b'x'; 4096]).is_ok() {}
    full.set_nonblocking(false).unwrap();
    let mut command = activated_by(&config, listener, "LISTEN_PID=$$ LISTEN_FDS=1");
    let child =
        command.env("RUST_LOG", "info").stdout(Stdio::null()).stderr(OwnedFd::from(full)).spawn().unwrap();
    let directory = config.parent().unwrap().to_owned();
    let mut process = Process { child, address, log: Arc::default(), directory };
    let mut client = process.client();
    client.send(GET);
    assert_eq!(client.answer().status, 200);
    process.signal("TERM");
    assert_eq!(process.until_ended().code(), Some(0));
}

#[test]
fn a_socket_that_was_passed_to_somebody_else_is_not_touched() {
    let upstream = Upstream::replying(OK);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let process = activated("else", &upstream, listener, "LISTEN_PID=1 LISTEN_FDS=1");
    assert_ne!(process.address, address);
}

fn check(config: &Path) -> (Option<i32>, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_hallpass"))
        .args(["check", "--config"])
        .arg(config)
        .output()
        .unwrap();
    let text = String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap();
    (done.status.code(), text)
}

#[test]
fn check_tells_of_a_configuration_what_serve_would_refuse() {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
    let good = configuration("good", nowhere, "");
    let (code, text) = check(&good);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("unsafe setting identity.trusted_header") && text.contains("is good: revision"),
        "{text}"
    );
    let jwt = "identity: {jwt: [{issuer: i, audience: a, algorithms: [ES256], keys: none.json}]}";
    for (name, from, to, says) in [
        ("key", "workers: 2", "worker: 2", "unknown_key"),
        ("value", "workers: 2", "workers: many", "wrong_type"),
        ("suspended", "workers: 2", "suspended: none.yaml", "none.yaml"),
        ("keys", "identity: {trusted", &format!("{jwt}\nforward: {{trusted"), "cannot read"),
    ] {
        let bad = configuration(name, nowhere, "");
        let text = fs::read_to_string(&bad).unwrap().replace(from, to);
        fs::write(&bad, text).unwrap();
        let (code, text) = check(&bad);
        assert!(code == Some(1) && text.contains(says), "{name}: {text}");
        fs::remove_dir_all(bad.parent().unwrap()).unwrap();
    }
    // Files that others may write, and a name in them that nobody has: it keeps nothing from starting.
    let directory = good.parent().unwrap();
    let suspended = directory.join("suspended.yaml");
    let beside = fs::read_to_string(&good).unwrap() + "suspended: suspended.yaml\n";
    fs::write(directory.join("beside.yaml"), beside).unwrap();
    for (mode, file, code, says) in [
        (0o644, "suspended: {subjects: [ari]}\n", 0, "is good: revision"),
        (0o666, "suspended: {subjects: [ari]}\n", 1, "has mode 666"),
        (0o644, "suspended: {subjects: [ira]}\n", 1, "there is no person `ira`"),
    ] {
        fs::write(&suspended, file).unwrap();
        fs::set_permissions(&suspended, fs::Permissions::from_mode(mode)).unwrap();
        let (found, text) = check(&directory.join("beside.yaml"));
        assert!(found == Some(code) && text.contains(says), "{text}");
    }
    fs::set_permissions(&good, fs::Permissions::from_mode(0o664)).unwrap();
    let (code, text) = check(&good);
    assert!(code == Some(0) && text.contains("unsafe setting (configuration file)"), "{text}");
    // A bundle with a mistake.
    fs::create_dir(directory.join("policy")).unwrap();
    fs::write(directory.join("policy/bundle.yaml"), "bundle: {name: x}\n").unwrap();
    let text = fs::read_to_string(&good).unwrap();
    let text: String = text
        .lines()
        .map(|line| if line.starts_with("bundle:") { "bundle: policy\n".into() } else { format!("{line}\n") })
        .collect();
    fs::write(&good, text).unwrap();
    let (code, text) = check(&good);
    assert!(code == Some(1) && text.contains("missing_key"), "{text}");
    fs::remove_dir_all(directory).unwrap();
}

/// The worker that a request panicked in goes on with the others that it has.
#[test]
fn a_panic_touches_no_request_in_flight_on_the_same_worker() {
    use hallpass::telemetry::Clock;
    use hallpass::time::Time;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[derive(Default)]
    struct Bomb(AtomicBool);
    impl Clock for Bomb {
        fn now(&self) -> Time {
            assert!(!self.0.swap(false, Ordering::SeqCst), "the clock of this test goes off");
            support::clock().now()
        }
    }

    let (open, wait) = gate();
    let upstream = Upstream::start(move |talk| {
        while talk.try_head().is_some() {
            if talk.number == 0 {
                wait();
            }
            talk.reply(OK);
        }
    });
    let bomb = Arc::new(Bomb::default());
    let proxy = support::Proxy::with_clock(support::config(upstream.address), bomb.clone());
    let mut before = proxy.client();
    before.send(GET);
    upstream.until_connections(1);
    bomb.0.store(true, Ordering::SeqCst);
    let answer = proxy.ask(GET);
    assert_eq!(answer.status, 500);
    assert!(answer.header("x-decision-id").is_some());
    assert_eq!(proxy.ask(GET).status, 200);
    open.send(()).unwrap();
    assert_eq!(before.answer().status, 200);
}
