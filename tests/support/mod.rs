//! What the tests of the proxy share: a proxy with a small bundle, an upstream that records and does as it is told,
//! and a client that speaks bytes. Nothing waits for a time: everything waits for an event, within [`DEADLINE`].

#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test binary uses a part of it")]

mod bundle;
mod client;
mod recorder;
mod scene;
mod tap;
pub mod tls;
mod upstream;

pub use bundle::{copy_of, directory as bundle_directory, only_ours};
pub use client::{Answer, Client, Ending, connect};
pub use recorder::{Recorder, Tape};
pub use scene::{By, Pass, Said, Scene, TOLD_OF_ARI, ari, get, get_with};
pub use tap::{Flow, Tap};
pub use upstream::{Talk, Upstream};

use hallpass::identity::{Authenticator, Peers, TrustedHeader};
use hallpass::pdp::Pdp;
use hallpass::proxy::{self, Address, Cache, Config, Fact, Forward, Limits, Server, Shutdown, Timeouts};
use hallpass::telemetry::{Clock, DecisionLog, LogSettings, ManualClock, Metrics};
use hallpass::time::Time;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// How long anything may take before a test fails.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Long enough that a limit set to it is never reached in a test.
pub const NEVER: Duration = Duration::from_secs(600);

/// Short enough to be waited for.
pub const SOON: Duration = Duration::from_millis(60);

/// A running proxy.
pub struct Proxy {
    server: Option<Server>,
    pub address: SocketAddr,
    pub counters: Arc<Metrics>,
    pub log: Option<Arc<DecisionLog>>,
}

/// A configuration that a test changes to its liking: one worker, no time limits that could be reached.
pub fn config(upstream: SocketAddr) -> Config {
    let peers = Peers::parse(&["127.0.0.1"]).unwrap();
    let header = TrustedHeader::new("x-remote-user".parse().unwrap(), "gateway", peers).unwrap();
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        tls: None,
        upstream: proxy::Upstream {
            address: Address::Socket(upstream),
            tls: None,
            connections_max: 64,
            idle_max: 16,
            idle: NEVER,
        },
        bundle: bundle::directory().to_owned(),
        rosters: Vec::new(),
        suspended: None,
        reload: hallpass::reload::Settings { poll: NEVER, debounce: NEVER },
        key_files: Vec::new(),
        authenticator: Authenticator::new(Vec::new(), Some(header)).unwrap(),
        forward: Forward {
            headers: vec![
                ("x-school-user".parse().unwrap(), Fact::Id),
                ("x-school-kinds".parse().unwrap(), Fact::Kinds),
                ("x-school-issuer".parse().unwrap(), Fact::Issuer),
            ],
            authorization: false,
        },
        timeouts: Timeouts { head: NEVER, idle: NEVER, connect: NEVER, upstream: NEVER, body: NEVER },
        shutdown: Shutdown { wait: Duration::ZERO, drain: Duration::from_millis(200) },
        limits: Limits::default(),
        cache: Cache::default(),
        show_reason: false,
        log: LogSettings::off(),
        workers: 1,
    }
}

/// The instant at which all tests take place, unless they say otherwise.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at(Time::parse_rfc3339("2026-11-21T10:00:00Z").unwrap()))
}

impl Proxy {
    /// A proxy before `upstream`.
    pub fn before(upstream: &Upstream) -> Proxy {
        Proxy::with(config(upstream.address))
    }

    pub fn with(config: Config) -> Proxy {
        Proxy::with_clock(config, clock())
    }

    pub fn with_clock(config: Config, clock: Arc<dyn Clock>) -> Proxy {
        Proxy::of(Server::start(config, clock).unwrap())
    }

    /// A proxy that has no bundle.
    pub fn without_a_bundle(config: Config) -> Proxy {
        Proxy::of(Server::start_with(config, Arc::new(Pdp::empty()), clock()).unwrap())
    }

    fn of(server: Server) -> Proxy {
        let (counters, log) = (server.metrics(), server.decision_log());
        Proxy { address: server.address(), counters, log, server: Some(server) }
    }

    pub fn client(&self) -> Client {
        Client::to(self.address)
    }

    /// Sends `request` on a connection of its own and returns the answer.
    pub fn ask(&self, request: &str) -> Answer {
        let mut client = self.client();
        client.send(request);
        client.answer()
    }

    /// Waits until the counters say what the test waits for.
    pub fn until(&self, what: &str, said: impl Fn(&Metrics) -> bool) {
        until(what, || said(&self.counters));
    }

    pub fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub fn shutdown(mut self) {
        self.server.take().unwrap().shutdown();
    }

    pub fn stop(&self) {
        self.server.as_ref().unwrap().stopper().stop();
    }
}

/// Asks again and again, yielding in between, until it is so.
pub fn until(what: &str, so: impl Fn() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < DEADLINE, "did not happen in time: {what}");
        std::thread::yield_now();
    }
}

/// Sends one request on `stream`, which ends with it, and gives status, head and body of the answer.
pub fn once(mut stream: impl Read + Write, request: &str) -> (u16, String, String) {
    let (line, rest) = request.split_once("\r\n").unwrap();
    stream.write_all(format!("{line}\r\nConnection: close\r\n{rest}").as_bytes()).unwrap();
    let mut answer = Vec::new();
    // Who is refused before all of it was read may find the connection reset after the answer.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), body.to_owned())
}

/// As [`once`], over a new TCP connection.
pub fn once_at(address: SocketAddr, request: &str) -> (u16, String, String) {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    once(stream, request)
}

/// What an upstream answers when it does not matter.
pub const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A request that is always let through.
pub const GET: &str = "GET /open/a HTTP/1.1\r\nHost: app\r\n\r\n";

/// Bytes of a mebibyte.
pub const MIB: usize = 1024 * 1024;

/// A proxy before `upstream`, with some settings changed.
pub fn proxy_with(upstream: &Upstream, change: impl FnOnce(&mut Config)) -> Proxy {
    let mut config = config(upstream.address);
    change(&mut config);
    Proxy::with(config)
}

/// A gate that the upstream's script waits at until the test opens it.
pub fn gate() -> (mpsc::Sender<()>, impl Fn() + Send + Sync) {
    let (open, wait) = mpsc::channel();
    let wait = Mutex::new(wait);
    (open, move || {
        let _ = wait.lock().unwrap().recv_timeout(DEADLINE);
    })
}

/// Writes until the other side takes no more for a while, or `bytes` are written; says how many were.
pub fn fill(stream: &mut TcpStream, bytes: usize) -> usize {
    stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let piece = vec![b'x'; 64 * 1024];
    let mut written = 0;
    while written < bytes {
        match stream.write(&piece) {
            Ok(more) => written += more,
            Err(_) => break,
        }
    }
    written
}
