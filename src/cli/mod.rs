//! The verbs of the command line. What was typed is turned once into what is meant; the work is done elsewhere.
//!
//! Exit codes: 0 the answer is yes, 1 the answer is no or the bundle is bad, 2 it could not be answered.

mod check;
mod eval;
mod explain;
mod health;
mod serve;
mod sharing;

use crate::pdp::directory;
use crate::policy::{self, Bundle, Source};
use crate::telemetry::{Clock, SystemClock};
use crate::time::Time;
use clap::{Args, Parser, Subcommand};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// An authorization proxy that stands in front of a school app that cannot be changed.
#[derive(Debug, Parser)]
#[command(name = "hallpass", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const EXIT_CODES: &str =
    "Exit codes: 0 the answer is yes, 1 the answer is no or the bundle is bad, 2 it could not be answered.";

#[derive(Debug, Subcommand)]
enum Verb {
    /// Stand in front of the app and decide every request.
    Serve {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Compile a bundle, or all that a configuration names, and tell every mistake.
    Check {
        /// The directory of the bundle.
        #[arg(value_name = "DIR", required_unless_present = "config", conflicts_with = "config")]
        bundle: Option<PathBuf>,
        /// A roster that does not lie in the directory: a folder or a zip file.
        #[arg(long = "roster", value_name = "NAME=PATH", value_parser = parse_roster, conflicts_with = "config")]
        rosters: Vec<(String, PathBuf)>,
        /// A configuration file, its keys and its bundle: what `serve` would refuse, without opening ports, socket and log.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// The directory of another revision, whose locked roles must be as they are.
        #[arg(long, value_name = "DIR", conflicts_with = "config")]
        against: Option<PathBuf>,
    },
    /// Decide AuthZEN requests: JSON lines in, JSON lines out, in order.
    Eval {
        /// The directory of the bundle.
        #[arg(value_name = "DIR")]
        bundle: PathBuf,
        /// A roster that does not lie in the directory: a folder or a zip file.
        #[arg(long = "roster", value_name = "NAME=PATH", value_parser = parse_roster)]
        rosters: Vec<(String, PathBuf)>,
        /// The time of requests that state none, in RFC 3339; the present if absent.
        #[arg(long, value_name = "TIME", value_parser = parse_time)]
        at: Option<Time>,
    },
    /// Decide one request and tell why in words, with the roles that were looked at and why they lost.
    Explain(Box<ExplainArgs>),
    /// Ask a running proxy how it is: a probe for where there is no shell.
    Health {
        /// Ask whether requests should be sent to it, not only whether it lives.
        #[arg(long)]
        ready: bool,
        /// Its health listener.
        #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8081")]
        address: String,
    },
}

#[derive(Debug, Args)]
struct ExplainArgs {
    /// The directory of the bundle.
    #[arg(value_name = "DIR")]
    bundle: PathBuf,
    /// A roster that does not lie in the directory: a folder or a zip file.
    #[arg(long = "roster", value_name = "NAME=PATH", value_parser = parse_roster)]
    rosters: Vec<(String, PathBuf)>,
    /// The id of the person who asks. Without it, one AuthZEN request is read from standard input.
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// The permission, or what is done with a document (view, edit, create, share, transfer, delete).
    #[arg(long, value_name = "ACTION", requires = "subject", requires = "on")]
    can: Option<String>,
    /// Where: a scope like `class/1A`, or `document/ID`.
    #[arg(long, value_name = "RESOURCE", requires = "can")]
    on: Option<String>,
    /// For documents that the bundle does not list: the form.
    #[arg(long, requires = "can")]
    form: Option<String>,
    /// For documents that the bundle does not list: the id of the student.
    #[arg(long, requires = "can")]
    student: Option<String>,
    /// For sharing, transferring and changes: the id of the other person.
    #[arg(long, requires = "can")]
    target: Option<String>,
    /// For sharing: what would be given (view, edit, owner).
    #[arg(long, requires = "can")]
    giving: Option<String>,
    /// For `change:give` and `change:take`: the role.
    #[arg(long, requires = "can")]
    role: Option<String>,
    /// For `change:permissions`: the permissions that the other person is to have, joined by commas.
    #[arg(long, requires = "can")]
    permissions: Option<String>,
    /// For `change:title`: the category of the title.
    #[arg(long, requires = "can")]
    category: Option<String>,
    /// For `change:title`: the title.
    #[arg(long, requires = "can")]
    title: Option<String>,
    /// A request as the proxy would see it, like `GET /classes/1A/attendance`.
    #[arg(long, value_name = "REQUEST", requires = "subject", conflicts_with = "can")]
    request: Option<String>,
    /// The id of the application that the person comes through.
    #[arg(long, value_name = "ID", requires = "subject")]
    through: Option<String>,
    /// When, in RFC 3339; the present if absent.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<Time>,
}

/// How a verb ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Yes,
    No,
    CouldNotAnswer,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        match outcome {
            Outcome::Yes => ExitCode::SUCCESS,
            Outcome::No => ExitCode::from(1),
            Outcome::CouldNotAnswer => ExitCode::from(2),
        }
    }
}

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let asked_for_help = !error.use_stderr();
            let _ = error.print();
            return if asked_for_help { ExitCode::SUCCESS } else { Outcome::CouldNotAnswer.into() };
        }
    };
    let outcome = match cli.verb {
        Verb::Serve { config } => serve::run(&config),
        Verb::Check { config: Some(config), .. } => check::config(&config),
        // The command line is not read without one of them.
        Verb::Check { bundle, rosters, config: None, against } => {
            check::run(&bundle.unwrap_or_default(), &rosters, against.as_deref())
        }
        Verb::Eval { bundle, rosters, at } => {
            eval::run(&bundle, &rosters, at.unwrap_or_else(|| SystemClock.now()))
        }
        Verb::Health { ready, address } => health::run(&address, ready),
        Verb::Explain(args) => explain::run(&args, args.at.unwrap_or_else(|| SystemClock.now())),
    };
    outcome
        .unwrap_or_else(|error| {
            // A reader that went away, as `head` does, is not worth a message.
            if error.kind() != io::ErrorKind::BrokenPipe {
                let _ = writeln!(io::stderr(), "hallpass: {error}");
            }
            Outcome::CouldNotAnswer
        })
        .into()
}

fn parse_time(text: &str) -> Result<Time, String> {
    Time::parse_rfc3339(text).ok_or_else(|| "write an instant like 2026-09-01T08:00:00Z".to_owned())
}

/// A bundle for a verb that asks it something; its mistakes are told on standard error.
fn load(path: &Path, rosters: &[(String, PathBuf)]) -> Result<Option<Bundle>, io::Error> {
    let (sources, compiled) = directory::compile(directory::read(path, rosters)?);
    match compiled {
        Ok(compiled) => Ok(Some(compiled.bundle)),
        Err(mistakes) => {
            write!(io::stderr(), "{}", mistakes.render(&sources, color(&io::stderr())))?;
            Ok(None)
        }
    }
}

/// `NAME=PATH`.
fn parse_roster(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.to_owned(), path.into())),
        _ => Err("write NAME=PATH, like sis=/srv/sis.zip".to_owned()),
    }
}

fn color(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Diagnostics as text for the stream that they go to.
fn render(diagnostics: &[policy::Diagnostic], sources: &[Source], stream: &impl IsTerminal) -> String {
    policy::render(diagnostics, sources, color(stream))
}
