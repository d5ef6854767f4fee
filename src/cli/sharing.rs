//! What is shared with whom, as `check` tells it: whoever sets up the other side must use the same filters.

use crate::policy::Bundle;
use crate::policy::records::{SharedType, Sharing};
use crate::policy::table::RecordTypeId;
use std::io::{self, Write};

pub(super) fn tell(bundle: &Bundle, out: &mut impl Write) -> io::Result<()> {
    for (application, sharing) in bundle.records().applications() {
        writeln!(out, "shared with {}:", bundle.people().row(application).id)?;
        for (id, record) in bundle.records().types().iter() {
            match sharing.of(id) {
                Some(shared) => {
                    let fields = listed(shared.fields.paths());
                    writeln!(out, "  {}: {fields}{}", record.name, which(bundle, sharing, shared))?;
                }
                None => writeln!(out, "  {}: off", record.name)?,
            }
        }
        match sharing.extensions() {
            Some(fields) => writeln!(out, "  extension fields: {}", listed(fields.paths()))?,
            None => writeln!(out, "  extension fields: off")?,
        }
    }
    Ok(())
}

fn listed(paths: &[String]) -> String {
    if paths.is_empty() { "no fields".to_owned() } else { paths.join(", ") }
}

/// Which records of a type.
fn which(bundle: &Bundle, sharing: &Sharing, shared: &SharedType) -> String {
    let name = |id: RecordTypeId| bundle.records().types()[id].name.as_str();
    let of_values = |attribute: &str, values: &[String]| format!("{attribute} {}", values.join(" or "));
    let mut parts: Vec<String> =
        shared.only.iter().map(|(attribute, values)| of_values(attribute, values)).collect();
    parts.extend(shared.only_links.iter().map(|(parent, attribute, values)| {
        format!("{} to one of {}", of_values(attribute, values), name(*parent))
    }));
    let implying = shared.implied_by.iter().filter(|by| sharing.of(**by).is_some());
    let implied: Vec<String> = implying.map(|by| format!("those of shared {}", name(*by))).collect();
    match (parts.is_empty() && !shared.only_implied, implied.is_empty()) {
        (true, _) => String::new(),
        (false, true) => format!("; only {}", parts.join(", ")),
        (false, false) if shared.only_implied => format!("; only {}", implied.join(", ")),
        (false, false) => format!("; only {}, and {}", parts.join(", "), implied.join(", ")),
    }
}
