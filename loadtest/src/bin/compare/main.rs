//! What a request through hallpass costs, beside what else could stand in front of a school app.
//!
//! `compare [--rounds N] [--seconds N] [--only NAME,NAME] [--no-counting] [--hallpass PROGRAM]`
//!
//! Everything runs on this machine's loopback: the contestants on one core, the app and the load generator on another.
//! The contestants take turns, so that what the machine does to one it does to all; what is compared are ratios within
//! one run. Writes `results.md` and `results.svg` beside the package's README.

mod contestants;
mod measure;
mod report;
mod token;

use contestants::{Contestant, Process, Running, free_address, start};
use hallpass::decision::decide_route;
use hallpass::policy::route::Lookup;
use hallpass::policy::{Source, compile, render};
use hallpass::time::Time;
use hallpass_loadtest::Random;
use hallpass_loadtest::school::{self, ISSUER, MODULES, PERMISSIONS, Size};
use measure::{Round, Wrk};
use report::Row;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};
use token::Signer;

pub(crate) type Error = Box<dyn std::error::Error>;

/// Where the contestants run.
pub(crate) const PROXY_CORE: &str = "0";
/// Where the app, the authorizer and the load generator run.
const OTHER_CORE: &str = "1";
/// Kept connections, one request at a time on each.
const CONNECTIONS: usize = 64;
/// People who ask, each with a token and a path.
const CLIENTS: usize = 64;
/// People in the bundle.
const PEOPLE: usize = 1_000;
const SEED: u64 = 20_260_901;

/// What all contestants share.
pub(crate) struct Stage {
    pub(crate) scratch: PathBuf,
    pub(crate) upstream: SocketAddr,
    pub(crate) authorizer: SocketAddr,
    pub(crate) requests: Vec<Vec<u8>>,
    pub(crate) hallpass: PathBuf,
    pub(crate) hallpass_arguments: Vec<String>,
    pub(crate) envoy: Option<PathBuf>,
}

struct Options {
    rounds: u32,
    seconds: u32,
    only: Option<Vec<String>>,
    counting: bool,
    hallpass: PathBuf,
}

fn options() -> Result<Options, Error> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut options = Options {
        rounds: 7,
        seconds: 2,
        only: None,
        counting: true,
        hallpass: root.join("target/release/hallpass"),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("`{argument}` takes a value"));
        match argument.as_str() {
            "--rounds" => options.rounds = value()?.parse::<u32>()?.clamp(1, 99),
            "--seconds" => options.seconds = value()?.parse::<u32>()?.clamp(1, 30),
            "--only" => options.only = Some(value()?.split(',').map(str::to_owned).collect()),
            "--no-counting" => options.counting = false,
            "--hallpass" => options.hallpass = value()?.into(),
            _ => return Err(format!("`{argument}` is not an option").into()),
        }
    }
    Ok(options)
}

fn main() -> Result<(), Error> {
    let options = options()?;
    let scratch = std::env::temp_dir().join(format!("hallpass-compare-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    let result = run(&options, &scratch);
    fs::remove_dir_all(&scratch)?;
    result
}

fn run(options: &Options, scratch: &Path) -> Result<(), Error> {
    let requests = prepare(scratch)?;
    let (_upstream, upstream) = helper(&["200", "1024"])?;
    let (authorizer, authorizer_address) = helper(&["204", "0"])?;
    let stage = Stage {
        scratch: scratch.to_owned(),
        upstream,
        authorizer: authorizer_address,
        requests,
        hallpass: options.hallpass.clone(),
        hallpass_arguments: vec!["serve".into(), "--config".into()],
        envoy: envoy(),
    };

    let mut left_out = Vec::new();
    let mut running = Vec::new();
    let wanted = |contestant: Contestant| {
        let only = options.only.as_ref();
        only.is_none_or(|only| only.iter().any(|name| contestant.name().starts_with(name.as_str())))
    };
    for contestant in Contestant::ALL.into_iter().filter(|contestant| wanted(*contestant)) {
        match start(contestant, &stage, false) {
            Ok(started) => running.push(started),
            Err(error) => left_out.push((contestant, error.to_string())),
        }
    }
    let script = scratch.join("wrk.lua");
    let wrk = Wrk { core: OTHER_CORE, script: &script, connections: CONNECTIONS, scratch };
    let hardware = measure::counts_instructions();
    let mut rows = interleaved(options, &running, &wrk, authorizer.id(), hardware)?;
    for (row, running) in rows.iter_mut().zip(&running) {
        if let Some(process) = &running.process {
            match measure::system_calls(&wrk, running.address, process.id()) {
                Ok(calls) => row.calls = Some(calls),
                Err(error) => eprintln!("{}: {error}", running.contestant.name()),
            }
        }
    }
    drop(running);
    if options.counting {
        count(&mut rows, &stage);
    }
    report::write(&rows, &left_out, options.rounds, options.seconds, hardware)
}

/// Rounds in which everybody has a turn.
fn interleaved(
    options: &Options,
    running: &[Running],
    wrk: &Wrk<'_>,
    authorizer: u32,
    hardware: bool,
) -> Result<Vec<Row>, Error> {
    let mut rows: Vec<Row> = running.iter().map(|running| Row::new(running.contestant)).collect();
    // Round 0 warms up and is thrown away.
    for number in 0..=options.rounds {
        for (row, running) in rows.iter_mut().zip(running) {
            let process = running.process.as_ref().map(Process::id);
            let helper = (running.contestant == Contestant::NginxAuthRequest).then_some(authorizer);
            let seconds = if number == 0 { 1 } else { options.seconds };
            let round = measure::wrk_round(wrk, running.address, process, helper, seconds, hardware)?;
            eprintln!(
                "{number} {:32} {:>8.0}/s {:>6.1} us on a core, p50 {:.2} ms, p99 {:.2} ms",
                running.contestant.name(),
                round.requests / round.seconds,
                round.cpu_ns / 1e3,
                round.p50_ms,
                round.p99_ms
            );
            if number > 0 {
                row.rounds.push(Round { ..round });
            }
            // The decision log is written to a file here; what was measured is the writing.
            fs::write(running.directory.join("stdout"), "")?;
        }
    }
    Ok(rows)
}

/// User instructions by callgrind, one contestant after the other: they repeat, whatever else the machine does.
fn count(rows: &mut [Row], stage: &Stage) {
    for row in rows.iter_mut().filter(|row| row.contestant != Contestant::Nothing) {
        let counted = start(row.contestant, stage, true).and_then(|running| {
            let process = running.process.as_ref().map(Process::id).ok_or("no process")?;
            let out = running.directory.join("callgrind.out");
            let counted =
                measure::user_instructions(process, running.address, &stage.requests, CONNECTIONS, &out)?;
            // Kept, for `callgrind_annotate`: where the instructions go.
            let kept = std::env::current_exe()?.with_file_name(format!("callgrind.{:?}", row.contestant));
            fs::copy(running.directory.join("callgrind.out.2"), kept)?;
            Ok(counted)
        });
        match counted {
            Ok(instructions) => {
                eprintln!("{}: {instructions:.0} user instructions", row.contestant.name());
                row.user_instructions = Some(instructions);
            }
            Err(error) => eprintln!("{}: not counted: {error}", row.contestant.name()),
        }
    }
}

/// Writes both bundles, the key set and the script of the load generator; gives back the requests.
fn prepare(scratch: &Path) -> Result<Vec<Vec<u8>>, Error> {
    let size = Size::of(PEOPLE);
    for (name, public) in [("policy", false), ("public", true)] {
        fs::create_dir_all(scratch.join(name))?;
        for Source { name: file, bytes } in school::write(size, SEED, public) {
            fs::write(scratch.join(name).join(file), bytes)?;
        }
    }
    let signer = Signer::new()?;
    fs::write(scratch.join("jwks.json"), signer.key_set())?;

    let mut requests = Vec::new();
    let mut script = String::from("local requests, at = {}, 0\nfunction init(args)\n");
    for (person, path) in allowed(size)? {
        let token = signer.sign(ISSUER, &person)?;
        let headers = [
            ("Host", String::from("app.school.example")),
            ("User-Agent", String::from("Mozilla/5.0 (measured)")),
            ("Accept", String::from("application/json")),
            ("Accept-Language", String::from("en-GB,en;q=0.8,de;q=0.5")),
            ("Cookie", String::from("theme=light; view=week; seen=a4c1f0")),
            ("X-Client-Role", String::from("class_teacher")),
            ("Authorization", format!("Bearer {token}")),
        ];
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!("GET {path} HTTP/1.1\r\n{lines}\r\n");
        // A Lua long string takes the lines as they are, but reads CR LF as LF.
        let quoted = request.replace("\r\n", "\\r\\n").replace('"', "\\\"");
        script.push_str(&format!("  requests[#requests + 1] = \"{quoted}\"\n"));
        requests.push(request.into_bytes());
    }
    script.push_str("end\nfunction request()\n  at = at % #requests + 1\n  return requests[at]\nend\n");
    fs::write(scratch.join("wrk.lua"), script)?;
    Ok(requests)
}

/// People and paths that the policy allows.
fn allowed(size: Size) -> Result<Vec<(String, String)>, Error> {
    let sources = school::write(size, SEED, false);
    let compilation = compile(&sources);
    let Some(bundle) = compilation.bundle else {
        return Err(render(&compilation.diagnostics, &sources, false).into());
    };
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let now = Time::from_unix_seconds(since.as_secs() as i64);
    let mut random = Random::new(SEED);
    let mut found = Vec::new();
    for _ in 0..100_000 {
        let number = random.below(size.people / 5) * 5 + random.below(4);
        let (module, permission) = (random.below(MODULES / 2) * 2, random.below(PERMISSIONS / 2) * 2 + 1);
        let path = school::path(module, permission, school::home_class(size, number));
        let person = format!("u{number}");
        let subject = bundle.people().find(&person).ok_or("a person of the generator is missing")?;
        let Lookup::Found(leaf) = bundle.routes().find("GET", &path) else { return Err("no route".into()) };
        let matched = leaf.select(Vec::new()).ok_or("no route")?;
        if decide_route(&bundle, &matched, subject, None, now).is_allow() {
            found.push((person, path));
            if found.len() == CLIENTS {
                return Ok(found);
            }
        }
    }
    Err("the policy allows hardly anything".into())
}

/// The app or the authorizer, pinned to the other core.
fn helper(arguments: &[&str]) -> Result<(Process, SocketAddr), Error> {
    let address = free_address()?;
    let program = std::env::current_exe()?.with_file_name("upstream");
    let mut process = contestants::helper(
        Command::new("taskset")
            .args(["-c", OTHER_CORE])
            .arg(program)
            .arg(address.to_string())
            .args(arguments)
            .stdout(Stdio::null()),
    )?;
    let request = b"GET / HTTP/1.1\r\nHost: app\r\n\r\n";
    contestants::wait_until_it_answers(&mut process, address, request, std::time::Duration::from_secs(5))?;
    Ok((process, address))
}

/// Envoy where setup.sh puts it, or the one named by `ENVOY`. The package's own program is a script around this one.
fn envoy() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("ENVOY") {
        return Some(path.into());
    }
    let lib = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/lib");
    let python = fs::read_dir(lib).ok()?.find_map(|entry| {
        let path = entry.ok()?.path().join("site-packages/envoy/_bin/envoy");
        path.is_file().then_some(path)
    })?;
    Some(python)
}
