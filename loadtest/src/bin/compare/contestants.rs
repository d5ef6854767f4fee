//! What stands in front of the app, and how each of them is started.

use crate::token::AUDIENCE;
use crate::{Error, PROXY_CORE, Stage};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// One way to stand in front of the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contestant {
    /// The load generator talks to the app.
    Nothing,
    Nginx,
    NginxAuthRequest,
    EnvoyRbac,
    /// Our yardstick.
    Bare,
    BareNoTimer,
    /// All routes public.
    HallpassForwarding,
    /// A token and a permission, no decision log.
    Hallpass,
    /// And a line of the decision log for each request.
    HallpassLog,
}

impl Contestant {
    pub(crate) const ALL: [Contestant; 9] = [
        Contestant::Nothing,
        Contestant::Nginx,
        Contestant::NginxAuthRequest,
        Contestant::EnvoyRbac,
        Contestant::Bare,
        Contestant::BareNoTimer,
        Contestant::HallpassForwarding,
        Contestant::Hallpass,
        Contestant::HallpassLog,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Contestant::Nothing => "nothing",
            Contestant::Nginx => "nginx plain",
            Contestant::NginxAuthRequest => "nginx auth_request",
            Contestant::EnvoyRbac => "Envoy RBAC",
            Contestant::Bare => "bare hyper",
            Contestant::BareNoTimer => "bare hyper, no head timer",
            Contestant::HallpassForwarding => "hallpass forwarding",
            Contestant::Hallpass => "hallpass JWT + policy, log off",
            Contestant::HallpassLog => "hallpass JWT + policy, log on",
        }
    }
}

/// A process that ends with us.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A contestant that answers.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) contestant: Contestant,
    pub(crate) address: SocketAddr,
    /// None for nothing.
    pub(crate) process: Option<Process>,
    pub(crate) directory: PathBuf,
}

/// A loopback address that is free now.
pub(crate) fn free_address() -> Result<SocketAddr, Error> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Starts a contestant on a free port, pinned to its core; under callgrind when `counted`. An error says why it is left
/// out.
pub(crate) fn start(contestant: Contestant, stage: &Stage, counted: bool) -> Result<Running, Error> {
    let address = free_address()?;
    let directory = stage.scratch.join(format!("{contestant:?}{}", if counted { "-counted" } else { "" }));
    fs::create_dir_all(&directory)?;
    let commands = commands(contestant, stage, address, &directory)?;
    if commands.is_empty() {
        return Ok(Running { contestant, address: stage.upstream, process: None, directory });
    }
    let mut said = String::new();
    // The first configuration that the program takes: keys come and go between versions.
    for command in commands {
        let mut process = spawn(&command, &directory, counted)?;
        let patience = Duration::from_secs(if counted { 90 } else { 20 });
        match wait_until_it_answers(&mut process, address, &stage.requests[0], patience) {
            Ok(()) => return Ok(Running { contestant, address, process: Some(process), directory }),
            Err(error) => {
                let told = fs::read_to_string(directory.join("stderr")).unwrap_or_default();
                let first: String = told.lines().filter(|line| !line.starts_with("==")).take(3).collect();
                said = format!("{error} {first}");
            }
        }
    }
    Err(said.into())
}

fn commands(
    contestant: Contestant,
    stage: &Stage,
    address: SocketAddr,
    directory: &Path,
) -> Result<Vec<Vec<String>>, Error> {
    let text = |path: &Path| path.display().to_string();
    let beside =
        |name: &str| -> Result<String, Error> { Ok(text(&std::env::current_exe()?.with_file_name(name))) };
    let upstream = stage.upstream.to_string();
    Ok(match contestant {
        Contestant::Nothing => vec![],
        Contestant::Bare => vec![vec![beside("bare")?, address.to_string(), upstream]],
        Contestant::BareNoTimer => {
            vec![vec![beside("bare")?, address.to_string(), upstream, "--no-head-timer".into()]]
        }
        Contestant::Nginx | Contestant::NginxAuthRequest => {
            let asks = contestant == Contestant::NginxAuthRequest;
            let file = directory.join("nginx.conf");
            fs::write(&file, nginx(directory, address, stage, asks))?;
            vec![vec![
                "nginx".into(),
                "-p".into(),
                text(directory),
                "-e".into(),
                "stderr".into(),
                "-c".into(),
                text(&file),
            ]]
        }
        Contestant::EnvoyRbac => {
            let Some(envoy) = &stage.envoy else {
                return Err("no Envoy here; setup.sh gets it from PyPI".into());
            };
            let file = directory.join("envoy.yaml");
            fs::write(&file, envoy_rbac(address, stage.upstream))?;
            let flags = ["--concurrency", "1", "--disable-hot-restart", "-l", "error", "-c"];
            let mut command = vec![text(envoy)];
            command.extend(flags.map(String::from));
            command.push(text(&file));
            vec![command]
        }
        Contestant::HallpassForwarding | Contestant::Hallpass | Contestant::HallpassLog => {
            if !stage.hallpass.is_file() {
                return Err(format!("no {}; build it first", stage.hallpass.display()).into());
            }
            // A build that has no decision log does not know the key; its events at `info` have the decisions in them.
            let logs: &[(&str, &str)] = match contestant {
                Contestant::HallpassLog => &[("log: {to: stdout}\n", "warn"), ("", "info")],
                _ => &[("log: {to: off}\n", "warn"), ("", "warn")],
            };
            let public = contestant == Contestant::HallpassForwarding;
            let mut commands = Vec::new();
            for (number, (log, events)) in logs.iter().enumerate() {
                let file = directory.join(format!("hallpass-{number}.yaml"));
                fs::write(&file, hallpass(address, stage, public, log))?;
                let mut command = vec![format!("RUST_LOG={events}"), text(&stage.hallpass)];
                command.extend(stage.hallpass_arguments.iter().cloned());
                command.push(text(&file));
                commands.push(command);
            }
            commands
        }
    })
}

fn spawn(command: &[String], directory: &Path, counted: bool) -> Result<Process, Error> {
    let mut taskset = Command::new("taskset");
    taskset.args(["-c", PROXY_CORE]);
    // As in a shell: what has a `=` before the program is for its environment.
    let (settings, command) = command.split_at(command.iter().take_while(|word| word.contains('=')).count());
    taskset.envs(settings.iter().filter_map(|setting| setting.split_once('=')));
    if counted {
        taskset.args(["valgrind", "--tool=callgrind"]);
        taskset.arg(format!("--callgrind-out-file={}", directory.join("callgrind.out").display()));
    }
    taskset.args(command).current_dir(directory).stdin(Stdio::null());
    taskset.stdout(File::create(directory.join("stdout"))?);
    taskset.stderr(File::create(directory.join("stderr"))?);
    Ok(Process(taskset.spawn()?))
}

/// Waits for a 2xx to a real request.
pub(crate) fn wait_until_it_answers(
    process: &mut Process,
    address: SocketAddr,
    request: &[u8],
    patience: Duration,
) -> Result<(), Error> {
    let deadline = Instant::now() + patience;
    let mut last = String::from("nothing");
    while Instant::now() < deadline {
        if let Some(status) = process.0.try_wait()? {
            return Err(format!("it ended at once ({status})").into());
        }
        match ask(address, request) {
            Ok(line) if line.starts_with("HTTP/1.1 2") => return Ok(()),
            Ok(line) => last = line,
            Err(error) => last = error.to_string(),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(format!("it did not answer with 2xx, but with: {last}").into())
}

fn ask(address: SocketAddr, request: &[u8]) -> Result<String, Error> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(request)?;
    let mut answer = [0_u8; 512];
    let read = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..read]).lines().next().unwrap_or_default().to_owned())
}

fn nginx(directory: &Path, address: SocketAddr, stage: &Stage, asks: bool) -> String {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("  {name}_temp_path {}/{name};\n", directory.display()))
        .collect();
    let (upstream, authorizer) = (stage.upstream, stage.authorizer);
    let (question, location) = if asks {
        (
            "      auth_request /_allowed;\n",
            "    location = /_allowed {\n      internal;\n      proxy_pass http://authorizer;\n      \
             proxy_http_version 1.1;\n      proxy_set_header Connection \"\";\n      \
             proxy_pass_request_body off;\n      proxy_set_header Content-Length \"\";\n      \
             proxy_set_header X-Original-Method $request_method;\n      \
             proxy_set_header X-Original-URI $request_uri;\n    }\n",
        )
    } else {
        ("", "")
    };
    format!(
        "daemon off;\nmaster_process off;\nworker_processes 1;\nuser root;\npid {}/pid;\nerror_log stderr error;\n\
         events {{ worker_connections 1024; }}\nhttp {{\n  access_log off;\n{temporary}  tcp_nodelay on;\n  \
         keepalive_requests 1000000000;\n  \
         upstream app {{ server {upstream}; keepalive 128; keepalive_requests 1000000000; }}\n  \
         upstream authorizer {{ server {authorizer}; keepalive 128; keepalive_requests 1000000000; }}\n  \
         server {{\n    listen {address};\n    location / {{\n{question}      proxy_pass http://app;\n      \
         proxy_http_version 1.1;\n      proxy_set_header Connection \"\";\n      proxy_set_header Host $host;\n      \
         proxy_set_header X-Forwarded-For $remote_addr;\n    }}\n{location}  }}\n}}\n",
        directory.display()
    )
}

/// Five rules of a path prefix, a method and a header that names the role, of which the last one matches.
fn envoy_rbac(address: SocketAddr, upstream: SocketAddr) -> String {
    let rule = |number: usize, prefix: &str| {
        format!(
            "
                  rule{number}:
                    permissions:
                    - and_rules:
                        rules:
                        - url_path: {{path: {{prefix: {prefix}}}}}
                        - header: {{name: \":method\", string_match: {{exact: GET}}}}
                    principals:
                    - header: {{name: x-client-role, string_match: {{exact: class_teacher}}}}"
        )
    };
    let prefixes = ["/grades/", "/finance/", "/admin/", "/reports/", "/api/"];
    let rules: String = prefixes.iter().enumerate().map(|(number, prefix)| rule(number, prefix)).collect();
    format!(
        "static_resources:
  listeners:
  - address: {{socket_address: {{address: {}, port_value: {}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: measured
          generate_request_id: false
          route_config:
            virtual_hosts:
            - name: app
              domains: [\"*\"]
              routes: [{{match: {{prefix: /}}, route: {{cluster: app}}}}]
          http_filters:
          - name: envoy.filters.http.rbac
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
              rules:
                action: ALLOW
                policies:{rules}
          - name: envoy.filters.http.router
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: app
    type: STATIC
    connect_timeout: 2s
    load_assignment:
      cluster_name: app
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: {}, port_value: {}}}}}}}
",
        address.ip(),
        address.port(),
        upstream.ip(),
        upstream.port()
    )
}

fn hallpass(address: SocketAddr, stage: &Stage, public: bool, log: &str) -> String {
    let bundle = if public { "public" } else { "policy" };
    format!(
        "listen: {address}\nupstream: {{address: \"{}\", connections_max: 256, idle_max: 128}}\n\
         bundle: {scratch}/{bundle}\nidentity:\n  jwt:\n    - {{issuer: \"{}\", audience: {AUDIENCE}, \
         algorithms: [ES256], keys: {scratch}/jwks.json}}\n\
         forward: {{headers: {{X-School-User: id, X-School-Kinds: kinds}}}}\nworkers: 1\n{log}",
        stage.upstream,
        hallpass_loadtest::school::ISSUER,
        scratch = stage.scratch.display(),
    )
}

/// A process that is no contestant.
pub(crate) fn helper(command: &mut Command) -> Result<Process, Error> {
    Ok(Process(command.spawn()?))
}
