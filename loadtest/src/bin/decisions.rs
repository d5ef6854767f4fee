//! What a decision costs: time, instructions and allocations, for schools of 10 to 100,000 people.
//!
//! `decisions [PEOPLE...]` prints the table and writes `decisions.md`. Instructions are counted by callgrind, which needs
//! no counter of the machine's; where valgrind is missing the column says so. Ends with 1 when a decision allocated.

use hallpass::decision::{AccessRequest, Ask, Decision, DocumentAsk, Facts, decide, decide_route};
use hallpass::policy::route::Lookup;
use hallpass::policy::table::{DomainId, PermissionId, PersonId};
use hallpass::policy::{Bundle, DocumentAction, Source, compile, render};
use hallpass::time::Time;
use hallpass_loadtest::Random;
use hallpass_loadtest::school::{self, MODULES, PERMISSIONS, Size};
use std::fmt::Write;
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// Counts what is allocated. The only unsafe code of the project, and it stands outside of what is shipped.
#[allow(unsafe_code)]
mod counting {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

    pub(crate) static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
    pub(crate) static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);
    pub(crate) static PEAK_BYTES: AtomicUsize = AtomicUsize::new(0);

    pub(crate) struct Counting;

    // SAFETY: every call is handed to the system's allocator as it came.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            ALLOCATIONS.fetch_add(1, Relaxed);
            let live = LIVE_BYTES.fetch_add(layout.size(), Relaxed) + layout.size();
            PEAK_BYTES.fetch_max(live, Relaxed);
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
            LIVE_BYTES.fetch_sub(layout.size(), Relaxed);
            unsafe { System.dealloc(pointer, layout) }
        }
    }

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;
}

use counting::{ALLOCATIONS, LIVE_BYTES, PEAK_BYTES};
use std::sync::atomic::Ordering::Relaxed;

const SEED: u64 = 20_260_901;
/// Questions that differ, for the cold figure.
const COLD: usize = 400_000;
/// Questions that come again and again, for the hot one.
const HOT: usize = 64;
/// Timed runs, of which the median is quoted.
const ROUNDS: usize = 9;

type Error = Box<dyn std::error::Error>;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A permission on a class, with a gate and a required permission; every other chance to be granted.
    Permission,
    /// Viewing a listed document, by somebody whose roles name buildings.
    Document,
    /// A method and a path: the route, its captures by name, and the permission.
    Route,
}

impl Kind {
    const ALL: [(&'static str, Kind); 3] =
        [("permission", Kind::Permission), ("document", Kind::Document), ("route", Kind::Route)];

    fn name(self) -> &'static str {
        Kind::ALL[self as usize].0
    }
}

/// One question, ready to be put.
enum Question<'b> {
    Ask(AccessRequest<'b>),
    Route { path: Box<str>, subject: PersonId, now: Time },
}

fn main() -> Result<ExitCode, Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [verb, kind, people, questions, count] = arguments.as_slice()
        && verb == "run"
    {
        let kind = Kind::ALL.iter().find(|(name, _)| name == kind).ok_or("no such kind")?.1;
        let bundle = load(&sources(people.parse()?))?;
        let questions = questions_of(&bundle, kind, people.parse()?, questions.parse()?);
        let count: usize = count.parse()?;
        counted_region(&bundle, &questions, count);
        counted_nothing(&questions, count);
        return Ok(ExitCode::SUCCESS);
    }
    let mut sizes = Vec::new();
    for argument in &arguments {
        sizes.push(argument.parse()?);
    }
    if sizes.is_empty() {
        sizes = vec![10, 1_000, 10_000, 100_000];
    }
    measure(&sizes)
}

fn measure(sizes: &[usize]) -> Result<ExitCode, Error> {
    let mut loads = String::from(
        "| people | classes | permissions | roles | assignments | source MiB | load ms | bundle MiB | bytes per assignment | peak MiB |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    let mut table = String::from(
        "| people | question | allowed % | cold ns | cold per second | hot ns | cold instructions | hot instructions | allocations |\n\
         | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    let mut allocated = 0;
    for people in sizes.iter().copied() {
        let sources = sources(people);
        let bytes: usize = sources.iter().map(|source| source.bytes.len()).sum();
        let before = LIVE_BYTES.load(Relaxed);
        PEAK_BYTES.store(before, Relaxed);
        let began = Instant::now();
        let bundle = load(&sources)?;
        let took = began.elapsed();
        let mebibytes = |bytes: usize| bytes as f64 / 1_048_576.0;
        let held = LIVE_BYTES.load(Relaxed) - before;
        let assignments = bundle.all_assignments().count();
        writeln!(
            loads,
            "| {people} | {} | {} | {} | {assignments} | {:.1} | {:.0} | {:.1} | {:.0} | {:.1} |",
            Size::of(people).classes,
            bundle.domains().iter().map(|(_, domain)| domain.permissions().len()).sum::<usize>(),
            bundle.domains().iter().map(|(_, domain)| domain.roles().len()).sum::<usize>(),
            mebibytes(bytes),
            took.as_secs_f64() * 1e3,
            mebibytes(held),
            held as f64 / assignments as f64,
            mebibytes(PEAK_BYTES.load(Relaxed) - before),
        )?;
        for (name, kind) in Kind::ALL {
            let cold = questions_of(&bundle, kind, people, COLD);
            let hot = questions_of(&bundle, kind, people, HOT);
            let allowed = cold.iter().filter(|question| answer(&bundle, question).is_allow()).count();
            let before = ALLOCATIONS.load(Relaxed);
            let (cold_ns, hot_ns) = (time(&bundle, &cold), time(&bundle, &hot));
            let allocations = ALLOCATIONS.load(Relaxed) - before;
            allocated += allocations;
            let instructions = |questions, count| match instructions(kind, people, questions, count) {
                Ok(count) => format!("{count:.0}"),
                Err(error) => format!("({error})"),
            };
            writeln!(
                table,
                "| {people} | {name} | {:.0} | {cold_ns:.0} | {:.0} | {hot_ns:.0} | {} | {} | {allocations} |",
                100.0 * allowed as f64 / cold.len() as f64,
                1e9 / cold_ns,
                instructions(20_000, 20_000),
                instructions(HOT, 20_000),
            )?;
            eprintln!("{people} {name}: done");
        }
    }
    let text = format!(
        "`decisions {}` ({COLD} questions cold, {HOT} hot, median of {ROUNDS} runs, an empty loop subtracted)\n\n\
         {loads}\n{table}",
        sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(" ")
    );
    print!("{text}");
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/decisions.md"), text)?;
    if allocated > 0 {
        eprintln!("decisions allocated {allocated} times");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn sources(people: usize) -> Vec<Source> {
    school::write(Size::of(people), SEED, false)
}

fn load(sources: &[Source]) -> Result<Bundle, Error> {
    let compilation = compile(sources);
    match compilation.bundle {
        Some(bundle) => Ok(bundle),
        None => Err(render(&compilation.diagnostics, sources, false).into()),
    }
}

/// Questions about people, classes and documents from all over the bundle.
fn questions_of<'b>(bundle: &'b Bundle, kind: Kind, people: usize, count: usize) -> Vec<Question<'b>> {
    let size = Size::of(people);
    let mut random = Random::new(SEED ^ 0xdead_beef ^ kind as u64);
    let toddle = bundle.domain("toddle").expect("the domain of the generator");
    let forms = bundle.domain("forms").expect("the domain of the generator");
    let level = bundle.scopes().level("class").expect("the level of the generator");
    let permissions = permissions(bundle, toddle);
    let now = Time::parse_rfc3339("2026-09-01T08:00:00Z").expect("an instant");
    (0..count)
        .map(|_| {
            // A member of staff, at home or anywhere; gated modules and permissions that require another one.
            let person = random.below(people / 5) * 5 + random.below(4);
            let class = match random.below(4) {
                0 => random.below(size.classes),
                _ => school::home_class(size, person),
            };
            let subject = bundle.people().find(&format!("u{person}")).expect("a person of the generator");
            let (module, permission) = (random.below(MODULES / 2) * 2, random.below(PERMISSIONS / 2) * 2 + 1);
            match kind {
                Kind::Permission => {
                    let scope = bundle.scopes().find_in(level, &class.to_string()).expect("a class");
                    let permission = permissions[module * PERMISSIONS + permission];
                    let ask = Ask::Permission { domain: toddle, permission, scope };
                    Question::Ask(AccessRequest { subject, ask, facts: Facts::default(), now })
                }
                Kind::Document => {
                    let id = format!("d{}", random.below(size.documents));
                    let document = bundle.documents().find(&id).expect("a document");
                    let ask = Ask::Document(DocumentAsk {
                        action: DocumentAction::View,
                        domain: forms,
                        form: document.form,
                        student: Some(document.student),
                        buildings: Ok(bundle.buildings_of_person(document.student, now)),
                        explicit: document.granted_to(subject),
                        target: None,
                        giving: None,
                    });
                    Question::Ask(AccessRequest { subject, ask, facts: Facts::default(), now })
                }
                Kind::Route => {
                    Question::Route { path: school::path(module, permission, class).into(), subject, now }
                }
            }
        })
        .collect()
}

fn permissions(bundle: &Bundle, domain: DomainId) -> Vec<PermissionId> {
    let domain = &bundle.domains()[domain];
    (0..MODULES * PERMISSIONS)
        .map(|at| format!("m{}.p{}", at / PERMISSIONS, at % PERMISSIONS))
        .map(|name| domain.permission(&name).expect("a permission of the generator"))
        .collect()
}

/// The answer to one question. A cache of decisions, once there is one, is a second function of this shape beside
/// this one, with rows of its own in the table.
#[inline(always)]
fn answer(bundle: &Bundle, question: &Question<'_>) -> Decision {
    match question {
        Question::Ask(request) => decide(bundle, request),
        Question::Route { path, subject, now } => {
            let Lookup::Found(leaf) = bundle.routes().find("GET", path) else { panic!("no route: {path}") };
            let matched = leaf.select(Vec::new()).expect("a route without query parameters");
            decide_route(bundle, &matched, *subject, None, *now)
        }
    }
}

/// Nanoseconds for one answer: the median of several runs, less what looping alone takes.
fn time(bundle: &Bundle, questions: &[Question<'_>]) -> f64 {
    let count = COLD;
    let mut runs = [Duration::ZERO; ROUNDS];
    for run in &mut runs {
        let began = Instant::now();
        counted_region(bundle, questions, count);
        let answered = began.elapsed();
        let began = Instant::now();
        counted_nothing(questions, count);
        *run = answered.saturating_sub(began.elapsed());
    }
    runs.sort_unstable();
    runs[ROUNDS / 2].as_secs_f64() * 1e9 / count as f64
}

/// What is timed and counted. callgrind finds it by its name.
#[inline(never)]
fn counted_region(bundle: &Bundle, questions: &[Question<'_>], count: usize) {
    for question in questions.iter().cycle().take(count) {
        black_box(answer(black_box(bundle), black_box(question)));
    }
}

/// The same without the answers.
#[inline(never)]
fn counted_nothing(questions: &[Question<'_>], count: usize) {
    for question in questions.iter().cycle().take(count) {
        black_box(question);
    }
}

/// Instructions for one answer, the loop included (some five).
fn instructions(kind: Kind, people: usize, questions: usize, count: usize) -> Result<f64, Error> {
    let out = std::env::temp_dir().join(format!("hallpass-decisions-{}", std::process::id()));
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg("--toggle-collect=*counted_region*")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe()?)
        .args(["run", kind.name(), &people.to_string(), &questions.to_string(), &count.to_string()])
        .output()
        .map_err(|_| "valgrind is missing")?;
    let _ = std::fs::remove_file(&out);
    let told = String::from_utf8_lossy(&output.stderr);
    let collected = told.lines().find_map(|line| line.split("Collected :").nth(1));
    let total: u64 = collected.ok_or_else(|| format!("callgrind: {told}"))?.trim().parse()?;
    Ok(total as f64 / count as f64)
}
