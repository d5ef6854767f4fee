//! A school app that checks nothing, and hallpass in front of it.
//!
//! ```text
//! cargo run --release --example school              # starts both, prints tokens and requests to try with curl
//! cargo run --release --example school -- --tour    # sends these requests itself and compares the answers
//! ```
//!
//! | file | what it is |
//! | --- | --- |
//! | `hallpass.yaml` | the configuration of hallpass |
//! | `policies/district` | the policy, which stands with the others: who may do what, and what each request of the app means. Runs as a copy: change the copy and ask again |
//! | `tour.yaml` | the requests, each with the answer that a person expects and why |
//! | `stage.rs` | how hallpass is started from a program |
//! | `app/` | the legacy app |
//! | `tokens.rs`, `client.rs`, `curl.rs`, `table.rs`, `tour.rs` | the log-in service, and what sends and prints requests |
//!
//! The tour ends with status 1 if an answer is a surprise. `tests/school.rs` is the same tour as a test.

#![allow(missing_docs, clippy::indexing_slicing)]

mod app;
mod client;
mod curl;
mod stage;
mod table;
mod tokens;
mod tour;

use stage::Stage;
use std::io::{self, Write};
use std::process::ExitCode;

const USAGE: &str = "usage: cargo run --release --example school [-- --tour]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => wait(&mut io::stdout()).map(|()| 0),
        ["--tour"] => tour(&mut io::stdout()),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Takes the tour and returns how many answers were a surprise.
pub(crate) fn tour(out: &mut dyn Write) -> Result<usize, String> {
    let stage = Stage::set()?;
    tour::walk(&stage, out).map_err(|error| error.to_string())
}

/// Starts everything, says what to try, and stays until Ctrl-C.
fn wait(out: &mut dyn Write) -> Result<(), String> {
    let stage = Stage::set()?;
    guide(&stage, out).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.and_then(|runtime| runtime.block_on(tokio::signal::ctrl_c()));
    ended.map_err(|error| format!("cannot wait for Ctrl-C: {error}"))
}

/// What is running, the tokens, and the table as commands.
fn guide(stage: &Stage, out: &mut dyn Write) -> io::Result<()> {
    let configuration = stage.configuration();
    let configuration = configuration.display();
    let tokens = stage.tokens_file();
    let tokens = tokens.display();

    writeln!(out, "The school app listens on {} and believes everybody.", stage.app.address())?;
    writeln!(out, "hallpass listens on       {} and stands in front of it.\n", stage.address())?;
    writeln!(out, "policy          {}", stage.policy_directory().display())?;
    writeln!(out, "configuration   {configuration}")?;
    writeln!(out, "tokens          {tokens}")?;
    writeln!(out, "decision log    {}\n", stage.decision_log().display())?;
    writeln!(out, "The same by hand, on a port of its own, while this runs:")?;
    writeln!(out, "  cargo run --release -- serve --config {configuration}\n")?;

    writeln!(out, "People. Their tokens are good for twelve hours, or until this ends.\n")?;
    for (who, about) in &stage.table.people {
        writeln!(out, "# {about}\n{}={}\n", curl::variable(who), stage.token(who))?;
    }

    writeln!(out, "Requests to try, each with the answer to expect.")?;
    let mut number = 0;
    for section in &stage.table.sections {
        writeln!(out, "\n== {}", section.title)?;
        for row in &section.rows {
            number += 1;
            writeln!(out, "\n# {number}. {}: {}", row.expected(), row.why)?;
            writeln!(out, "{}", curl::command(row, stage.address()))?;
        }
    }

    writeln!(out, "\nBegin with the tokens, in another shell, then paste any of the commands above:\n")?;
    writeln!(out, "  source {tokens}\n")?;
    writeln!(out, "Ctrl-C ends all of it.")
}
