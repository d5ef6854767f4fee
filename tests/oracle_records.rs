//! What becomes of records and fields, against a plain evaluation that was written from section 6 of the policy model alone.
//!
//! `HALLPASS_ORACLE_PAIRS` and `HALLPASS_ORACLE_SEED` as in `oracle.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(unreachable_pub)]

#[path = "oracle/mod.rs"]
mod oracle;

use hallpass::decision::authzen::Request;
use hallpass::decision::{Ask, Reason, judge};
use hallpass::policy::Bundle as Loaded;
use hallpass::policy::records::Shown;
use hallpass::time::Time;
use oracle::ask_records::{PATHS, record, viewer, world};
use oracle::engine;
use oracle::model::Bundle;
use oracle::random::Random;
use oracle::records::{Catalogue, LINK, Record, Viewer};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const PAIRS: u64 = 6_000;
const SEED: u64 = 20_260_602;
const RECORDS_EACH: u64 = 40;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// A record as `eval` takes it.
fn properties(record: &Record) -> Value {
    let attributes: Map<String, Value> =
        record.attributes.iter().map(|(name, values)| (name.clone(), json!(values))).collect();
    let related = record.related.iter().map(|(link, other)| {
        let mut other = properties(other);
        if let Some(link) = link {
            other["link"] = json!({LINK: link});
        }
        other
    });
    json!({
        "record": record.of,
        "id": record.id,
        "attributes": attributes,
        "related": related.collect::<Vec<_>>(),
    })
}

/// Whether the record is released, and which of the paths stay whole.
type Outcome = (bool, Vec<&'static str>);

fn by_the_engine(bundle: &Loaded, viewer: &Viewer<'_>, record: &Record) -> (Reason, Outcome) {
    let mut context = json!({"time": Time::from_unix_micros(viewer.now).to_string()});
    if let Some(application) = viewer.through {
        context["application"] = application.id.clone().into();
    }
    let request = json!({
        "subject": {"type": viewer.subject.kinds[0], "id": viewer.subject.id},
        "action": {"name": "view"},
        "resource": {"type": "record", "id": record.id, "properties": properties(record)},
        "context": context,
    });
    let request = Request::read(&request).expect("a request");
    let resolved = match request.resolve(bundle, Time::MAX) {
        Ok(resolved) => resolved,
        Err(reason) => return (reason, (false, Vec::new())),
    };
    let asked = resolved.request();
    let Ask::Record(given) = asked.ask else { panic!("not a record") };
    let judged = judge(bundle, asked.viewer(), given, asked.now);
    let shown = PATHS.into_iter().filter(|path| judged.shows(path) == Shown::Whole).collect();
    (judged.decision().reason, (judged.decision().is_allow(), shown))
}

fn by_the_text(viewer: &Viewer<'_>, record: &Record) -> Outcome {
    if !viewer.sees(record) {
        return (false, Vec::new());
    }
    (true, PATHS.into_iter().filter(|path| viewer.shows(record, path)).collect())
}

/// Compares the records of one seed; the first that departs, in words.
fn compare(seed: u64, endings: &mut BTreeMap<&'static str, u64>) -> Option<String> {
    let mut r = Random::new(seed);
    let (bundle, catalogue) = world(&mut r)?;
    let yaml = format!("{}{}", bundle.to_yaml(), catalogue.to_yaml(&bundle));
    let loaded = engine::load(&yaml)
        .unwrap_or_else(|problems| panic!("seed {seed}: the bundle does not load\n{problems}\n{yaml}"));
    for _ in 0..RECORDS_EACH {
        let of = r.pick(&catalogue.types).clone();
        let record = record(&mut r, &bundle, &catalogue, &of, 0);
        let (subject, through, now) = viewer(&mut r, &bundle);
        let viewer = viewed(&bundle, &catalogue, &subject, through.as_deref(), now);
        let expected = by_the_text(&viewer, &record);
        let (reason, got) = by_the_engine(&loaded, &viewer, &record);
        *endings.entry(reason.as_str()).or_default() += 1;
        if expected != got {
            return Some(format!(
                "seed {seed}\n{yaml}\n{subject} through {through:?} at {}\n{}\nby the text   {expected:?}\nby the engine {got:?} ({reason:?})\n",
                Time::from_unix_micros(now),
                properties(&record)
            ));
        }
    }
    None
}

fn viewed<'a>(
    bundle: &'a Bundle,
    catalogue: &'a Catalogue,
    subject: &str,
    through: Option<&str>,
    now: i64,
) -> Viewer<'a> {
    let person = |id: &str| bundle.person(id).expect("a person");
    Viewer { bundle, catalogue, subject: person(subject), through: through.map(person), now }
}

#[test]
fn releases_of_records_what_the_text_says() {
    let pairs = number("HALLPASS_ORACLE_PAIRS", PAIRS);
    let seed = number("HALLPASS_ORACLE_SEED", SEED);
    let mut endings = BTreeMap::new();
    let mut departures = Vec::new();
    for number in 0..pairs.div_ceil(RECORDS_EACH) {
        departures.extend(compare(seed.wrapping_mul(1_000_003) ^ (number << 20), &mut endings));
    }
    println!("{} records, seed {seed}: {endings:?}", endings.values().sum::<u64>());
    // The shortest is the easiest to read.
    departures.sort_by_key(String::len);
    for departure in departures.iter().take(3) {
        println!("{departure}");
    }
    assert!(departures.is_empty(), "the engine departs from the text in {} bundles", departures.len());
    for reached in ["granted", "blocked", "record_type_not_shared", "condition_failed", "attribute_missing"] {
        assert!(endings.contains_key(reached), "no record ends with {reached}");
    }
}
