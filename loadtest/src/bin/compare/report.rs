//! The table and the picture.

use crate::contestants::Contestant;
use crate::measure::Round;
use crate::{CLIENTS, CONNECTIONS, Error, PEOPLE};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What is known of one contestant.
pub(crate) struct Row {
    pub(crate) contestant: Contestant,
    pub(crate) rounds: Vec<Round>,
    pub(crate) calls: Option<f64>,
    /// By callgrind.
    pub(crate) user_instructions: Option<f64>,
}

impl Row {
    pub(crate) fn new(contestant: Contestant) -> Row {
        Row { contestant, rounds: Vec::new(), calls: None, user_instructions: None }
    }

    fn median(&self, value: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(value).collect())
    }

    fn hardware(&self) -> Option<f64> {
        let counted: Option<Vec<f64>> =
            self.rounds.iter().map(|round| round.counted.map(|(user, kernel)| user + kernel)).collect();
        counted.filter(|counted| !counted.is_empty()).map(median)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        _ if values.is_empty() => f64::NAN,
        0 => (values[middle - 1] + values[middle]) / 2.0,
        _ => values[middle],
    }
}

/// The median over the rounds of what one took by what the other took in the same round.
fn ratio(row: &Row, base: &Row, value: impl Fn(&Round) -> f64) -> f64 {
    median(row.rounds.iter().zip(&base.rounds).map(|(row, base)| value(row) / value(base)).collect())
}

const BASES: [Contestant; 4] =
    [Contestant::Bare, Contestant::Nginx, Contestant::NginxAuthRequest, Contestant::EnvoyRbac];

/// What hallpass promises: who, measured against whom, at most.
const GOALS: [(Contestant, Contestant, f64); 4] = [
    (Contestant::HallpassForwarding, Contestant::Bare, 1.05),
    (Contestant::Hallpass, Contestant::Nginx, 1.10),
    (Contestant::Hallpass, Contestant::NginxAuthRequest, 0.65),
    (Contestant::Hallpass, Contestant::EnvoyRbac, 0.24),
];

pub(crate) fn write(
    rows: &[Row],
    left_out: &[(Contestant, String)],
    rounds: u32,
    seconds: u32,
    hardware: bool,
) -> Result<(), Error> {
    let text = format!(
        "{}\n{}\n{}\n{}\n{}",
        heading(rounds, seconds, hardware),
        figures(rows, hardware),
        ratios(rows, hardware),
        goals(rows, hardware),
        left_out.iter().map(|(who, why)| format!("Left out: {}: {why}\n", who.name())).collect::<String>()
    );
    println!("{text}");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::write(here.join("results.md"), text)?;
    fs::write(here.join("results.svg"), picture(rows))?;
    Ok(())
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
    String::from_utf8_lossy(&text)
        .lines()
        .find(|line| !line.is_empty())
        .unwrap_or("unknown")
        .trim()
        .to_owned()
}

fn machine() -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let family = |name: &str| {
        let line =
            processor.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name));
        line.and_then(|line| line.split(": ").nth(1)).unwrap_or("?").to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, Into::into);
    format!(
        "{} (family {} model {}), {cores} cores, Linux {}",
        model.trim_start_matches([' ', '\t', ':']),
        family("cpu family"),
        family("model"),
        first_line("uname", &["-r"])
    )
}

fn heading(rounds: u32, seconds: u32, hardware: bool) -> String {
    let counted = if hardware {
        "Instructions: user and kernel, `perf stat`."
    } else {
        "This machine has no instruction counter: user instructions by callgrind, the kernel by time on a core and by \
         system calls."
    };
    format!(
        "Measured on {} on {}.\n`cargo run --release --bin compare -- --rounds {rounds} --seconds {seconds}`; {}; {}; {}.\n\
         {CONNECTIONS} kept connections, {CLIENTS} people of {PEOPLE}, 1 KiB answers, one worker on one core, app and load \
         generator on another; medians of {rounds} interleaved rounds of {seconds} s. {counted}\n",
        machine(),
        first_line("date", &["-u", "+%Y-%m-%d"]),
        first_line("nginx", &["-v"]),
        first_line("wrk", &["-v"]).split(" Copyright").next().unwrap_or_default(),
        first_line("rustc", &["--version"]),
    )
}

fn cell(value: Option<f64>, decimals: usize) -> String {
    value.filter(|value| value.is_finite()).map_or("-".into(), |value| format!("{value:.decimals$}"))
}

fn figures(rows: &[Row], hardware: bool) -> String {
    let mut text = String::from(
        "| in front of the app | requests/s | p50 ms | p99 ms | us on a core | in the kernel % | system calls | user instructions |",
    );
    text.push_str(if hardware { " all instructions |\n" } else { "\n" });
    text.push_str("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    text.push_str(if hardware { " ---: |\n" } else { "\n" });
    for row in rows {
        let process = row.contestant != Contestant::Nothing;
        let some = |value: f64| process.then_some(value);
        let _ = write!(
            text,
            "| {} | {:.0} | {:.2} | {:.2} | {} | {} | {} | {} |",
            row.contestant.name(),
            row.median(|round| round.requests / round.seconds),
            row.median(|round| round.p50_ms),
            row.median(|round| round.p99_ms),
            cell(some(row.median(|round| round.cpu_ns / 1e3)), 1),
            cell(some(row.median(|round| round.sys_share * 100.0)), 0),
            cell(row.calls, 2),
            cell(row.user_instructions, 0),
        );
        if hardware {
            let _ = write!(text, " {} |", cell(row.hardware(), 0));
        }
        text.push('\n');
    }
    if let Some(row) = rows.iter().find(|row| row.contestant == Contestant::NginxAuthRequest) {
        let helper = row.median(|round| round.helper_ns / 1e3);
        let _ = writeln!(
            text,
            "\nnginx auth_request is nginx alone; its authorizer, which says yes to everything, takes another \
             {helper:.1} us on a core for each request."
        );
    }
    text
}

fn ratios(rows: &[Row], hardware: bool) -> String {
    let what = if hardware {
        "time on a core; user instructions; all instructions"
    } else {
        "time on a core; user instructions"
    };
    let mut text = format!("Ratios ({what}):\n\n| | ");
    let bases: Vec<&Row> =
        BASES.iter().filter_map(|base| rows.iter().find(|row| row.contestant == *base)).collect();
    for base in &bases {
        let _ = write!(text, "to {} | ", base.contestant.name());
    }
    text.push_str("\n| --- |");
    text.push_str(&" ---: |".repeat(bases.len()));
    text.push('\n');
    for row in rows.iter().filter(|row| row.contestant != Contestant::Nothing) {
        let _ = write!(text, "| {} |", row.contestant.name());
        for base in &bases {
            let _ = write!(text, " {} |", compared(row, base, hardware));
        }
        text.push('\n');
    }
    text
}

fn compared(row: &Row, base: &Row, hardware: bool) -> String {
    let of = |one: Option<f64>, other: Option<f64>| Some(one? / other?);
    let mut text = cell(Some(ratio(row, base, |round| round.cpu_ns)), 2);
    let _ = write!(text, "; {}", cell(of(row.user_instructions, base.user_instructions), 2));
    if hardware {
        let _ = write!(text, "; {}", cell(of(row.hardware(), base.hardware()), 2));
    }
    text
}

fn goals(rows: &[Row], hardware: bool) -> String {
    let mut text = String::from("Goals:\n\n| | at most | measured |\n| --- | ---: | ---: |\n");
    for (who, base, at_most) in GOALS {
        let find = |wanted: Contestant| rows.iter().find(|row| row.contestant == wanted);
        if let (Some(row), Some(base)) = (find(who), find(base)) {
            let (who, base_name) = (who.name(), base.contestant.name());
            let _ =
                writeln!(text, "| {who} to {base_name} | {at_most:.2} | {} |", compared(row, base, hardware));
        }
    }
    text
}

/// Bars of the time on a core, the kernel's part darker.
fn picture(rows: &[Row]) -> String {
    const LEFT: f64 = 230.0;
    const WIDTH: f64 = 400.0;
    const LINE: f64 = 26.0;
    let rows: Vec<&Row> = rows
        .iter()
        .filter(|row| !matches!(row.contestant, Contestant::Nothing | Contestant::BareNoTimer))
        .collect();
    let most = rows.iter().map(|row| row.median(|round| round.cpu_ns)).fold(1.0, f64::max);
    let height = 70.0 + LINE * rows.len() as f64;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 {height}\" width=\"720\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\" role=\"img\">\n\
         <title>Time on a core for one request, in microseconds</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"12\" y=\"24\" font-size=\"15\" fill=\"#111111\">Time on a core for one request, microseconds \
         (dark: in the kernel)</text>\n"
    );
    for (number, row) in rows.iter().enumerate() {
        let y = 40.0 + LINE * number as f64;
        let total = row.median(|round| round.cpu_ns);
        let kernel = row.median(|round| round.cpu_ns * round.sys_share);
        let ours = matches!(
            row.contestant,
            Contestant::HallpassForwarding | Contestant::Hallpass | Contestant::HallpassLog
        );
        let (dark, light) = if ours { ("#1b6e53", "#5fc2a0") } else { ("#555d66", "#b4bcc4") };
        let (all, part) = (WIDTH * total / most, WIDTH * kernel / most);
        let _ = writeln!(
            text,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\" fill=\"#111111\">{}</text>\n\
             <rect x=\"{LEFT}\" y=\"{y:.0}\" width=\"{all:.1}\" height=\"18\" fill=\"{light}\"/>\n\
             <rect x=\"{LEFT}\" y=\"{y:.0}\" width=\"{part:.1}\" height=\"18\" fill=\"{dark}\"/>\n\
             <text x=\"{:.1}\" y=\"{:.0}\" fill=\"#111111\">{:.1}</text>",
            LEFT - 8.0,
            y + 14.0,
            row.contestant.name(),
            LEFT + all + 6.0,
            y + 14.0,
            total / 1e3
        );
    }
    let _ = write!(
        text,
        "<text x=\"12\" y=\"{:.0}\" font-size=\"11\" fill=\"#444444\">{}, {}</text>\n</svg>\n",
        height - 12.0,
        machine(),
        first_line("date", &["-u", "+%Y-%m-%d"])
    );
    text
}
