//! What can be known of a running process: time on a core, system calls, instructions; and what its clients saw.

use crate::Error;
use hallpass_loadtest::load;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// One run of the load generator against one contestant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) requests: f64,
    pub(crate) seconds: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// On a core, in nanoseconds for a request; `sys_share` of it in the kernel.
    pub(crate) cpu_ns: f64,
    pub(crate) sys_share: f64,
    /// Of the helper beside it, the authorizer.
    pub(crate) helper_ns: f64,
    /// Instructions for a request, user and kernel, where the machine counts them.
    pub(crate) counted: Option<(f64, f64)>,
}

/// Nanoseconds that all threads of a process were on a core (`/proc/PID/task/*/schedstat`, first field).
pub(crate) fn on_core(process: u32) -> Result<f64, Error> {
    let mut sum = 0.0;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread may end while we read.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        sum += text.split_whitespace().next().ok_or("an empty schedstat")?.parse::<f64>()?;
    }
    Ok(sum)
}

/// Ticks in user mode and in the kernel (`proc_pid_stat(5)`, fields 14 and 15).
fn ticks(process: u32) -> Result<(f64, f64), Error> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let after = text.rsplit_once(") ").ok_or("a strange stat")?.1;
    let mut fields = after.split(' ').skip(11);
    let mut next = || fields.next().ok_or("a short stat")?.parse::<f64>().map_err(Error::from);
    Ok((next()?, next()?))
}

/// Whether the machine counts instructions for us.
pub(crate) fn counts_instructions() -> bool {
    let output =
        Command::new("perf").args(["stat", "-x,", "-e", "instructions:u,instructions:k", "true"]).output();
    output.is_ok_and(|output| !String::from_utf8_lossy(&output.stderr).contains("<not"))
}

/// One run of wrk, pinned to `core`.
pub(crate) fn wrk_round(
    wrk: &Wrk<'_>,
    address: SocketAddr,
    process: Option<u32>,
    helper: Option<u32>,
    seconds: u32,
    hardware: bool,
) -> Result<Round, Error> {
    let before = (process.map(on_core).transpose()?, process.map(ticks).transpose()?);
    let helper_before = helper.map(on_core).transpose()?;
    let events = hardware.then_some("instructions:u,instructions:k");
    let (seen, counts) = wrk.run(address, process, seconds, events)?;
    let per_request = |total: f64| total / seen.requests;
    let (mut cpu_ns, mut sys_share, mut helper_ns) = (0.0, 0.0, 0.0);
    if let (Some(process), (Some(nanoseconds), Some((user, sys)))) = (process, before) {
        cpu_ns = per_request(on_core(process)? - nanoseconds);
        let (user, sys) = (ticks(process)?.0 - user, ticks(process)?.1 - sys);
        sys_share = sys / (user + sys).max(1.0);
    }
    if let (Some(helper), Some(before)) = (helper, helper_before) {
        helper_ns = per_request(on_core(helper)? - before);
    }
    let counted = match counts.as_slice() {
        [user, kernel] => Some((per_request(*user), per_request(*kernel))),
        _ => None,
    };
    Ok(Round { cpu_ns, sys_share, helper_ns, counted, ..seen })
}

/// System calls for a request. Counting them slows them down, so it has a run of its own.
pub(crate) fn system_calls(wrk: &Wrk<'_>, address: SocketAddr, process: u32) -> Result<f64, Error> {
    let (seen, counts) = wrk.run(address, Some(process), 1, Some("raw_syscalls:sys_enter"))?;
    let [calls] = counts.as_slice() else { return Err("perf cannot count system calls here".into()) };
    Ok(calls / seen.requests)
}

/// The load generator.
pub(crate) struct Wrk<'a> {
    pub(crate) core: &'a str,
    pub(crate) script: &'a Path,
    pub(crate) connections: usize,
    pub(crate) scratch: &'a Path,
}

impl Wrk<'_> {
    /// Runs for some seconds; `perf` counts `events` of `process` meanwhile.
    fn run(
        &self,
        address: SocketAddr,
        process: Option<u32>,
        seconds: u32,
        events: Option<&str>,
    ) -> Result<(Round, Vec<f64>), Error> {
        let counts = self.scratch.join("perf.csv");
        let _ = fs::remove_file(&counts);
        let mut command = match (process, events) {
            (Some(process), Some(events)) => {
                let mut perf = Command::new("perf");
                perf.args(["stat", "-x,", "-e", events, "-p", &process.to_string(), "-o"]).arg(&counts);
                perf.args(["--", "taskset", "-c", self.core]);
                perf
            }
            _ => {
                let mut taskset = Command::new("taskset");
                taskset.args(["-c", self.core]);
                taskset
            }
        };
        command.args(["wrk", "-t1", "--latency", "--timeout", "5s"]);
        command.arg(format!("-c{}", self.connections)).arg(format!("-d{seconds}s"));
        command.arg("-s").arg(self.script).arg(format!("http://{address}/"));
        let output = command.output().map_err(|error| format!("wrk: {error}; see setup.sh"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let read = fs::read_to_string(&counts).unwrap_or_default();
        let counts = read.lines().filter_map(|line| line.split(',').next()?.parse().ok()).collect();
        Ok((read_wrk(&text).ok_or_else(|| format!("wrk said: {text}"))?, counts))
    }
}

fn read_wrk(text: &str) -> Option<Round> {
    // An answer that is not 2xx is not what was to be measured.
    if text.contains("Non-2xx") {
        return None;
    }
    let after = |mark: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(mark))?;
        line.split_whitespace().nth(1)
    };
    let total = text.lines().find(|line| line.contains("requests in"))?;
    let mut words = total.split_whitespace();
    let requests = words.next()?.parse().ok()?;
    let seconds = milliseconds(words.nth(2)?.trim_end_matches(','))? / 1e3;
    Some(Round {
        requests,
        seconds,
        p50_ms: milliseconds(after("50%")?)?,
        p99_ms: milliseconds(after("99%")?)?,
        cpu_ns: 0.0,
        sys_share: 0.0,
        helper_ns: 0.0,
        counted: None,
    })
}

/// `1.23ms`, `456.00us`, `2.00s`.
fn milliseconds(text: &str) -> Option<f64> {
    let (number, factor) = if let Some(number) = text.strip_suffix("us") {
        (number, 1e-3)
    } else if let Some(number) = text.strip_suffix("ms") {
        (number, 1.0)
    } else if let Some(number) = text.strip_suffix('m') {
        (number, 60_000.0)
    } else {
        (text.strip_suffix('s')?, 1e3)
    };
    Some(number.parse::<f64>().ok()? * factor)
}

/// User instructions for a request, by callgrind: an exact number of requests between two dumps.
pub(crate) fn user_instructions(
    process: u32,
    address: SocketAddr,
    requests: &[Vec<u8>],
    connections: usize,
    out: &Path,
) -> Result<f64, Error> {
    const WARM_UP: u64 = 1_280;
    const COUNTED: u64 = 3_840;
    let limit = Duration::from_secs(120);
    load::run(address, requests, connections, WARM_UP, limit)?;
    let first = dump(process, out, 1)?;
    debug_assert!(first > 0.0);
    let outcome = load::run(address, requests, connections, COUNTED, limit)?;
    if outcome.bad > 0 {
        return Err(format!("{} answers were not 2xx", outcome.bad).into());
    }
    Ok(dump(process, out, 2)? / COUNTED as f64)
}

/// Has callgrind write down what it counted since the last time, and reads the sum over all threads.
fn dump(process: u32, out: &Path, number: u32) -> Result<f64, Error> {
    let output = Command::new("callgrind_control").arg("--dump").arg(process.to_string()).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let path = format!("{}.{number}", out.display());
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Ok(text) = fs::read_to_string(&path)
            && let Some(totals) = text.lines().rev().find_map(|line| line.strip_prefix("totals: "))
        {
            return Ok(totals.trim().parse()?);
        }
        if Instant::now() > deadline {
            return Err(format!("callgrind wrote no {path}").into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
