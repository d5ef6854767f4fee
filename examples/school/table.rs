//! Reads `tour.yaml`: the people and the table of requests.

use saphyr_parser::{Event, Parser};

/// The file, read.
pub(crate) struct Table {
    /// Who can ask, and who they are in a sentence, in the order of the file.
    pub(crate) people: Vec<(String, String)>,
    pub(crate) sections: Vec<Section>,
}

/// Requests that belong together.
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) rows: Vec<Row>,
}

/// A request, and what it must come to.
pub(crate) struct Row {
    /// One of the people, or `nobody`.
    pub(crate) who: String,
    pub(crate) method: String,
    /// Path and query, as they are sent.
    pub(crate) target: String,
    /// Header lines; `{ari}` in a value stands for Ari's token.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
    pub(crate) status: u16,
    /// Why; none where the answer does not say.
    pub(crate) reason: Option<String>,
    pub(crate) contains: Option<String>,
    pub(crate) lacks: Option<String>,
    pub(crate) why: String,
}

/// What a request carries.
pub(crate) enum Body {
    None,
    Json(String),
    /// That many bytes, of no meaning.
    Bytes(usize),
}

/// Who sends no token.
pub(crate) const NOBODY: &str = "nobody";

impl Table {
    /// Reads the file; a mistake is a sentence for its author.
    pub(crate) fn read(text: &str) -> Result<Table, String> {
        let mut file = Node::read(text)?.map("the file")?;
        let people = file.take("people")?.map("people")?;
        let people = people.0.into_iter().map(|(id, about)| Ok((id, about.text("people")?)));
        let people = people.collect::<Result<Vec<_>, String>>()?;
        let sections = file.take("tour")?.list("tour")?;
        let sections = sections.into_iter().map(Section::read).collect::<Result<Vec<_>, _>>()?;
        file.done("the file")?;

        let table = Table { people, sections };
        for row in table.rows() {
            if row.who != NOBODY && !table.people.iter().any(|(id, _)| *id == row.who) {
                return Err(format!("`{}` is not among the people of the tour", row.who));
            }
        }
        Ok(table)
    }

    /// The requests of all sections.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.sections.iter().flat_map(|section| &section.rows)
    }
}

impl Section {
    fn read(node: Node) -> Result<Section, String> {
        let mut map = node.map("a section")?;
        let title = map.take("section")?.text("section")?;
        let rows = map.take("requests")?.list(&title)?;
        map.done(&title)?;
        Ok(Section { title, rows: rows.into_iter().map(Row::read).collect::<Result<_, _>>()? })
    }
}

impl Row {
    /// Whether the app must see the request.
    pub(crate) fn reaches_the_app(&self) -> bool {
        matches!(self.reason.as_deref(), Some("granted" | "public"))
    }

    /// The request line without the version: `GET /whoami`.
    pub(crate) fn request(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    /// The expected status and, if there is one, the reason: `403 suspended`.
    pub(crate) fn expected(&self) -> String {
        match &self.reason {
            Some(reason) => format!("{} {reason}", self.status),
            None => self.status.to_string(),
        }
    }

    fn read(node: Node) -> Result<Row, String> {
        let mut map = node.map("a request")?;
        let request = map.take("request")?.text("request")?;
        let place = request.as_str();
        let (method, target) =
            place.split_once(' ').ok_or_else(|| format!("`{place}` is not a method and a path"))?;
        let expect = map.take("expect")?.text(place)?;
        let (status, reason) = match expect.split_once(' ') {
            Some((status, reason)) => (status, Some(reason.to_owned())),
            None => (expect.as_str(), None),
        };
        let headers = map.optional("headers").map_or(Ok(Vec::new()), |node| node.list(place))?;
        let row = Row {
            who: map.take("who")?.text(place)?,
            method: method.to_owned(),
            target: target.to_owned(),
            headers: headers.into_iter().map(|node| header(&node.text(place)?)).collect::<Result<_, _>>()?,
            body: Body::read(&mut map, place)?,
            status: status.parse().map_err(|_| format!("`{expect}` of `{place}` begins with no status"))?,
            reason,
            contains: map.optional("contains").map(|node| node.text(place)).transpose()?,
            lacks: map.optional("lacks").map(|node| node.text(place)).transpose()?,
            why: map.take("why")?.text(place)?,
        };
        map.done(place)?;
        Ok(row)
    }
}

impl Body {
    fn read(map: &mut Map, place: &str) -> Result<Body, String> {
        match (map.optional("body"), map.optional("body_bytes")) {
            (None, None) => Ok(Body::None),
            (Some(text), None) => Ok(Body::Json(text.text(place)?)),
            (None, Some(count)) => {
                let count = count.text(place)?;
                Ok(Body::Bytes(count.parse().map_err(|_| format!("`{count}` of `{place}` is not a count"))?))
            }
            (Some(_), Some(_)) => Err(format!("`{place}` has both `body` and `body_bytes`")),
        }
    }
}

fn header(line: &str) -> Result<(String, String), String> {
    let (name, value) = line.split_once(": ").ok_or_else(|| format!("`{line}` is not a header line"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A piece of YAML. Every scalar is text; who needs a number asks for one.
enum Node {
    Text(String),
    List(Vec<Node>),
    Map(Map),
}

/// A mapping, from which members are taken until none is left.
struct Map(Vec<(String, Node)>);

impl Node {
    fn read(text: &str) -> Result<Node, String> {
        let mut events = Vec::new();
        for event in Parser::new_from_str(text) {
            match event.map_err(|error| error.to_string())?.0 {
                Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
                event => events.push(event),
            }
        }
        let mut events = events.into_iter();
        let root = events.next().ok_or("the file is empty")?;
        Node::build(root, &mut events)
    }

    fn build<'a>(first: Event<'a>, rest: &mut impl Iterator<Item = Event<'a>>) -> Result<Node, String> {
        const BROKEN: &str = "the file ends too early";
        match first {
            Event::Scalar(text, ..) => Ok(Node::Text(text.into_owned())),
            Event::SequenceStart(..) => {
                let mut list = Vec::new();
                loop {
                    match rest.next().ok_or(BROKEN)? {
                        Event::SequenceEnd => return Ok(Node::List(list)),
                        event => list.push(Node::build(event, rest)?),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut members = Vec::new();
                loop {
                    let name = match rest.next().ok_or(BROKEN)? {
                        Event::MappingEnd => return Ok(Node::Map(Map(members))),
                        event => Node::build(event, rest)?.text("a name")?,
                    };
                    let value = rest.next().ok_or(BROKEN)?;
                    members.push((name, Node::build(value, rest)?));
                }
            }
            _ => Err("the file uses more of YAML than it should".to_owned()),
        }
    }

    fn text(self, place: &str) -> Result<String, String> {
        if let Node::Text(text) = self { Ok(text) } else { Err(format!("text is wanted in `{place}`")) }
    }

    fn list(self, place: &str) -> Result<Vec<Node>, String> {
        if let Node::List(list) = self { Ok(list) } else { Err(format!("a list is wanted in `{place}`")) }
    }

    fn map(self, place: &str) -> Result<Map, String> {
        if let Node::Map(map) = self { Ok(map) } else { Err(format!("a mapping is wanted in `{place}`")) }
    }
}

impl Map {
    fn optional(&mut self, name: &str) -> Option<Node> {
        let index = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(index).1)
    }

    fn take(&mut self, name: &str) -> Result<Node, String> {
        self.optional(name).ok_or_else(|| format!("`{name}` is missing"))
    }

    /// Nothing may be left: a misspelt or repeated name would otherwise be an expectation that nobody checks.
    fn done(&self, place: &str) -> Result<(), String> {
        match self.0.first() {
            Some((name, _)) => Err(format!("`{name}` is unknown or repeated in `{place}`")),
            None => Ok(()),
        }
    }
}
