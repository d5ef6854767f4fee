//! Records, fields and sharing (section 6) as plain data, with their plain answer.

use super::evaluate::{is_suspended, within};
use super::facts::{Facts, Named};
use super::model::{Blocked, Bundle, Person};
use super::permission::{find, may};
use std::fmt::Write as _;

/// The catalogue and what is shared, beside a bundle without routes.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// The domain of all its permissions.
    pub domain: String,
    /// Parents stand before their children.
    pub types: Vec<Type>,
    pub sharing: Vec<Sharing>,
}

#[derive(Debug, Clone)]
pub struct Type {
    pub name: String,
    /// Level, and the attribute with the id; else that of the parents.
    pub scope: Option<(String, String)>,
    pub parents: Vec<String>,
    pub view: Option<String>,
    /// The attribute that holds the student.
    pub student: Option<String>,
    /// Attributes that `only` may name.
    pub keys: Vec<String>,
    pub fields: Vec<Field>,
}

/// The member that holds extension fields, of every type.
pub const EXTENSIONS: &str = "x";
/// The attribute of a way to a parent, of every type that has parents.
pub const LINK: &str = "rel";

#[derive(Debug, Clone)]
pub struct Field {
    pub path: String,
    pub needs: Option<String>,
    pub sensitive: bool,
    pub refers: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Sharing {
    pub application: String,
    pub rules: Vec<Rule>,
    /// Names behind the member; `all` may come first.
    pub extensions: Option<Vec<String>>,
}

#[derive(Debug, Clone)]
pub struct Rule {
    pub of: String,
    /// Nothing but what is implied.
    pub only_implied: bool,
    pub only: Vec<(String, Vec<String>)>,
    /// `all` may come first.
    pub fields: Vec<String>,
    pub implies: Vec<String>,
}

/// A record with the records that it belongs to.
#[derive(Debug, Clone)]
pub struct Record {
    pub of: String,
    pub id: String,
    pub attributes: Vec<(String, Vec<String>)>,
    /// Each with what the way to it is called, if anything.
    pub related: Vec<(Option<String>, Record)>,
}

/// Who looks.
pub struct Viewer<'a> {
    pub bundle: &'a Bundle,
    pub catalogue: &'a Catalogue,
    pub subject: &'a Person,
    pub through: Option<&'a Person>,
    pub now: i64,
}

fn is_application(person: &Person) -> bool {
    person.kinds.iter().any(|kind| kind == "application")
}

impl Record {
    fn values(&self, attribute: &str) -> Vec<&str> {
        let stated = self.attributes.iter().filter(|(name, _)| name == attribute);
        let stated: Vec<&str> = stated.flat_map(|(_, values)| values).map(String::as_str).collect();
        if stated.is_empty() && attribute == "id" { vec![&self.id] } else { stated }
    }
}

impl Viewer<'_> {
    fn of(&self, record: &Record) -> &Type {
        self.catalogue.types.iter().find(|of| of.name == record.of).expect("a type")
    }

    /// The people of those who look: an application alone is bound by what is shared with it.
    fn person(&self) -> Option<&Person> {
        Some(self.subject).filter(|subject| !is_application(subject))
    }

    fn applications(&self) -> Vec<&Person> {
        let all = [Some(self.subject), self.through].into_iter().flatten();
        all.filter(|one| is_application(one)).collect()
    }

    fn suspended(&self) -> bool {
        [Some(self.subject), self.through].into_iter().flatten().any(|one| is_suspended(self.bundle, one))
    }

    /// Whether the record is released.
    pub fn sees(&self, record: &Record) -> bool {
        !self.suspended() && self.visible(record)
    }

    fn visible(&self, record: &Record) -> bool {
        let person = self.person().is_none_or(|person| !self.seen_on(person, record).is_empty());
        let applications = self.applications();
        // "a block at any [parent] drops it"
        let blocked =
            [Some(self.subject), self.through].into_iter().flatten().any(|one| self.keeps_away(one, record));
        !blocked
            && person
            && applications.iter().all(|application| self.fits(application, record))
            // "A record whose parent is not visible, or that has none where one is declared, is not visible ...; of several
            // parents of one type one suffices, of several types one of each".
            && self.of(record).parents.iter().all(|of| !self.visible_parents(record, of).is_empty())
    }

    /// The parents of a type by ways that fit.
    fn visible_parents<'r>(&self, record: &'r Record, of: &str) -> Vec<&'r Record> {
        let ways = record.related.iter().filter(|(_, parent)| parent.of == of);
        // "A relationship filter keeps the matching links and drops the record when none is left."
        let ways = ways.filter(|(link, _)| {
            self.applications().iter().all(|application| {
                let Some(rule) = self.rule(application, &record.of) else { return false };
                let mut filters = rule.only.iter().filter(|(key, _)| key == LINK);
                filters.all(|(_, values)| link.as_ref().is_some_and(|link| values.contains(link)))
            })
        });
        ways.map(|(_, parent)| parent).filter(|parent| self.visible(parent)).collect()
    }

    fn keeps_away(&self, person: &Person, record: &Record) -> bool {
        let facts = self.facts(person, record);
        let scopes = self.scopes(record);
        let of = self.of(record);
        let mut own = scopes.iter().map(|scope| facts.is_blocked(Some(scope), false));
        // "Where it is declared and missing, or names nobody of the roster, a person with any block does not get the
        // record".
        let nobody = of.student.is_some() && !matches!(facts.student, Named::Known(_));
        let any_block = Facts { student: Named::Unknown, ..facts }.is_blocked(None, false);
        // The text says it of the student; of the scope, where it is declared, it is the closed reading.
        let somewhere = |scope: &String| self.bundle.domains.iter().any(|domain| domain.has_scope(scope));
        let nowhere = of.scope.is_some() && (scopes.is_empty() || !scopes.iter().all(somewhere));
        let any_scope = self.bundle.blocks.iter().any(|block| {
            let from_a_scope = matches!(block.from_what, Blocked::Scope(_));
            from_a_scope && block.subject == person.id && within(self.bundle, block.dates, self.now)
        });
        own.any(|blocked| blocked)
            || (nowhere && any_scope)
            || facts.is_blocked(None, false)
            || (nobody && any_block)
            || record
                .related
                .iter()
                .any(|(_, parent)| of.parents.contains(&parent.of) && self.keeps_away(person, parent))
    }

    fn facts<'a>(&'a self, person: &'a Person, record: &Record) -> Facts<'a> {
        let id = self
            .of(record)
            .student
            .as_ref()
            .and_then(|attribute| record.values(attribute).first().map(|id| (*id).to_owned()));
        Facts {
            bundle: self.bundle,
            person,
            student: Named::of(self.bundle, id.as_ref()),
            target: Named::Absent,
            assigned: None,
            claims: &[],
            now: self.now,
        }
    }

    /// "that record's own scope", or that of the parents.
    fn scopes(&self, record: &Record) -> Vec<String> {
        match &self.of(record).scope {
            Some((level, from)) => {
                record.values(from).into_iter().map(|id| format!("{level}/{id}")).collect()
            }
            None => record
                .related
                .iter()
                .filter(|(_, parent)| self.of(record).parents.contains(&parent.of))
                .filter(|(_, parent)| self.visible(parent))
                .flat_map(|(_, parent)| self.scopes(parent))
                .collect(),
        }
    }

    /// "a record stays if its `view` permission is granted on that record's own scope by section 3".
    fn seen_on(&self, person: &Person, record: &Record) -> Vec<String> {
        let Some(view) = &self.of(record).view else { return Vec::new() };
        let mut scopes = self.scopes(record);
        scopes.retain(|scope| self.holds(person, record, view, scope));
        scopes
    }

    fn holds(&self, person: &Person, record: &Record, permission: &str, scope: &str) -> bool {
        let domain = self.bundle.domain(&self.catalogue.domain);
        let found = find(domain, permission).expect("a permission");
        domain.has_scope(scope) && may(&self.facts(person, record), domain, found, scope).is_ok()
    }

    fn rule(&self, application: &Person, of: &str) -> Option<&Rule> {
        let mut sharing = self.catalogue.sharing.iter();
        let sharing = sharing.find(|sharing| sharing.application == application.id)?;
        sharing.rules.iter().find(|rule| rule.of == of)
    }

    /// Whether a record is shared, but for its parents.
    fn fits(&self, application: &Person, record: &Record) -> bool {
        let Some(rule) = self.rule(application, &record.of) else { return false };
        // "`implies` shares the people of shared sections": shared with the application, whatever the person sees of them.
        let alone = self.bundle.person(&application.id).expect("an application");
        let by_itself = Viewer { subject: alone, through: None, ..*self };
        let implied = record.related.iter().any(|(_, other)| {
            let implies =
                self.rule(application, &other.of).is_some_and(|rule| rule.implies.contains(&record.of));
            implies && by_itself.visible(other)
        });
        // "Keys of `only` are joined by AND, values of a key by OR; a multi-valued attribute matches if any value does."
        let mut only = rule.only.iter().filter(|(key, _)| key != LINK);
        implied
            || (!rule.only_implied
                && only.all(|(key, values)| {
                    record.values(key).into_iter().any(|value| values.iter().any(|known| known == value))
                }))
    }

    /// Whether a path of a record stays, with all that stands below it but for sensitive names.
    pub fn shows(&self, record: &Record, path: &str) -> bool {
        let person = self.person().is_none_or(|person| self.person_shows(person, record, path));
        person && self.applications().iter().all(|application| self.shared(application, record, path))
    }

    fn listed(&self, record: &Record, path: &str) -> Option<&Field> {
        let holds = |field: &&Field| path == field.path || path.starts_with(&format!("{}.", field.path));
        self.of(record).fields.iter().find(holds)
    }

    /// "A name that is sensitive on any type is removed at every depth, extensions included, unless its path is listed."
    fn has_a_sensitive_name(&self, path: &str) -> bool {
        let sensitive = |name: &str| {
            self.catalogue.types.iter().flat_map(|of| &of.fields).filter(|field| field.sensitive).any(
                |field| {
                    let last = field.path.rsplit('.').next().expect("a name");
                    last.eq_ignore_ascii_case(name)
                },
            )
        };
        path.split('.').any(sensitive)
    }

    fn person_shows(&self, person: &Person, record: &Record, path: &str) -> bool {
        let Some(field) = self.listed(record, path) else { return false };
        let seen_on = self.seen_on(person, record);
        let needs =
            |permission: &String| seen_on.iter().any(|scope| self.holds(person, record, permission, scope));
        let points_at_nothing = field.refers.as_ref().is_some_and(|of| {
            self.catalogue.types.iter().find(|known| known.name == *of).expect("a type").view.is_none()
        });
        let below = path.strip_prefix(&field.path).expect("a part of it");
        field.needs.as_ref().is_none_or(needs) && !points_at_nothing && !self.has_a_sensitive_name(below)
    }

    fn shared(&self, application: &Person, record: &Record, path: &str) -> bool {
        let Some(rule) = self.rule(application, &record.of) else { return false };
        let Some(field) = self.listed(record, path) else { return false };
        let below = path.strip_prefix(&field.path).expect("a part of it");
        let points_at_nothing = field.refers.as_ref().is_some_and(|of| self.rule(application, of).is_none());
        let nothing = Vec::new();
        // "Extension fields have a rule of their own."
        let (list, name) = match field.path.strip_prefix("x.") {
            Some(name) => {
                let sharing = self.catalogue.sharing.iter();
                let mut sharing = sharing.filter(|sharing| sharing.application == application.id);
                (sharing.next().and_then(|one| one.extensions.as_ref()).unwrap_or(&nothing), name)
            }
            None => (&rule.fields, field.path.as_str()),
        };
        let written = list.iter().any(|known| known == name);
        // "`all` must be written out and never covers a `sensitive` field".
        let by_all = list.iter().any(|known| known == "all") && !self.has_a_sensitive_name(&field.path);
        (written || by_all) && !points_at_nothing && !self.has_a_sensitive_name(below)
    }
}

impl Catalogue {
    pub fn to_yaml(&self, bundle: &Bundle) -> String {
        let permission = |name: &String| bundle.outside(&self.domain, name);
        let mut out = String::from("records:\n");
        for of in &self.types {
            let _ = write!(out, "  {}: {{extensions: {EXTENSIONS}", of.name);
            if let Some((level, from)) = &of.scope {
                let _ = write!(out, ", scope: {{level: {level}, from: {from}}}");
            }
            if !of.parents.is_empty() {
                let ways: Vec<String> =
                    of.parents.iter().map(|parent| format!("{parent}: [{LINK}]")).collect();
                let _ = write!(out, ", parents: [{}], links: {{{}}}", of.parents.join(", "), ways.join(", "));
            }
            if let Some(view) = &of.view {
                let _ = write!(out, ", view: {}", permission(view));
            }
            if let Some(student) = &of.student {
                let _ = write!(out, ", student: {student}");
            }
            let _ = write!(out, ", keys: [{}], fields: {{", of.keys.join(", "));
            for (number, field) in of.fields.iter().enumerate() {
                let mut parts = Vec::new();
                parts.extend(field.needs.as_ref().map(|needs| format!("needs: {}", permission(needs))));
                parts.extend(field.sensitive.then(|| "sensitive: true".to_owned()));
                parts.extend(field.refers.as_ref().map(|of| format!("refers: {of}")));
                let comma = if number == 0 { "" } else { ", " };
                let _ = write!(out, "{comma}{}: {{{}}}", field.path, parts.join(", "));
            }
            out.push_str("}}\n");
        }
        if !self.sharing.is_empty() {
            out.push_str("sharing:\n");
        }
        for sharing in &self.sharing {
            let nothing = if sharing.rules.is_empty() && sharing.extensions.is_none() { " {}" } else { "" };
            let _ = writeln!(out, "  {}:{nothing}", sharing.application);
            for rule in &sharing.rules {
                let _ = write!(out, "    {}: {{fields: {}", rule.of, list(&rule.fields));
                if rule.only_implied {
                    out.push_str(", only: implied");
                } else if !rule.only.is_empty() {
                    let only =
                        rule.only.iter().map(|(key, values)| format!("{key}: [{}]", values.join(", ")));
                    let _ = write!(out, ", only: {{{}}}", only.collect::<Vec<_>>().join(", "));
                }
                if !rule.implies.is_empty() {
                    let _ = write!(out, ", implies: [{}]", rule.implies.join(", "));
                }
                out.push_str("}\n");
            }
            if let Some(extensions) = &sharing.extensions {
                let _ = writeln!(out, "    extension_fields: {{fields: {}}}", list(extensions));
            }
        }
        out
    }
}

fn list(names: &[String]) -> String {
    if names == ["all"] { "all".to_owned() } else { format!("[{}]", names.join(", ")) }
}
