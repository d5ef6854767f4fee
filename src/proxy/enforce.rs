//! From a request to a [`Permit`] or a [`Refusal`]: the only place that knows the rooms below, and the only place that
//! makes a permit.
//!
//! The order is that of `policy-model.md` section 2, with one thing before it: a request that cannot be read in one
//! way only is refused before anything is looked up for it. Everything here is plain calculation: no waiting, no
//! socket, one snapshot and one instant for the whole of it.

use super::config::{Fact, Forward};
use super::inputs::describe;
use crate::decision::{Decision, Reason};
use crate::identity::{Authenticator, JwtIssuer, Presented, Rejected, TokenCache, TrustedHeader, Verified};
use crate::message::{self, Framing, HeaderRules, Malformed, RequestHead, Seen};
use crate::pdp::Snapshot;
use crate::policy::records::Carries;
use crate::policy::route::{Leaf, Lookup, Match, Route};
use crate::policy::table::{DomainId, PersonId};
use crate::policy::{Bundle, Kinds};
use crate::telemetry::metrics::CacheMetrics;
use crate::telemetry::{DecisionId, Record};
use crate::time::Time;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, EXPECT, HOST, TRAILER, TRANSFER_ENCODING, VIA};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, Version};
use std::borrow::Cow;
use std::cell::RefCell;
use std::net::IpAddr;

/// The header that names a request to the app and to the caller.
pub(super) const DECISION_ID: HeaderName = HeaderName::from_static("x-decision-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Leave to forward one request, and the request itself as it goes upstream.
///
/// The fields are private and a permit is put together in one line of this file, after the decision; nothing clones
/// it, and [`use_up`](Permit::use_up) consumes it. `forward` takes a permit and is the only code that uses a
/// connection to the upstream. So no byte gets there that was not permitted.
#[derive(Debug)]
pub(super) struct Permit {
    head: Request<()>,
    framed: Framed,
    domain: Option<DomainId>,
    reason: Reason,
}

/// Whether a body follows the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framed {
    /// None, or one of no bytes.
    Nothing,
    /// One as long as the head says.
    Body,
}

impl Permit {
    /// The request to send.
    pub(super) fn use_up(self) -> (Request<()>, Framed) {
        (self.head, self.framed)
    }

    /// The domain that decided; none for a public route.
    pub(super) fn domain(&self) -> Option<DomainId> {
        self.domain
    }

    pub(super) fn reason(&self) -> Reason {
        self.reason
    }
}

/// Why a request is not forwarded. A refusal is an answer, not an error.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) reason: Reason,
    /// For the operator; never for the caller.
    pub(super) detail: Cow<'static, str>,
    /// The caller is told that there is no such thing.
    pub(super) concealed: bool,
    /// For `Allow`, with `no_method`.
    pub(super) allow: Option<String>,
    /// For `WWW-Authenticate`, where the answer is a 401.
    pub(super) challenge: Option<HeaderValue>,
    /// The domain that decided, if it came to that.
    pub(super) domain: Option<DomainId>,
}

impl Refusal {
    pub(super) fn new(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal {
            reason,
            detail: detail.into(),
            concealed: false,
            allow: None,
            challenge: None,
            domain: None,
        }
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Refusal {
        Refusal::new(malformed.reason, malformed.detail)
    }
}

/// A request as it came, and what is known of it from outside.
pub(super) struct Asked<'a> {
    pub(super) parts: http::request::Parts,
    /// What a look at its headers showed.
    pub(super) seen: Seen,
    pub(super) caller: Caller<'a>,
    /// The name of the request, as a header value.
    pub(super) id: HeaderValue,
    /// The length of the body as hyper frames it; `None` for chunked.
    pub(super) length: Option<u64>,
    /// The bundle in force when the request came.
    pub(super) snapshot: Option<&'a Snapshot>,
}

/// Where and when a request came, and what is remembered of those before it.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    /// Who is at the other end of the client's connection.
    pub(super) peer: &'a Peer,
    /// When the request came.
    pub(super) now: Time,
    /// The tokens that this worker has verified.
    pub(super) tokens: &'a RefCell<TokenCache>,
    /// Counts what is found among the decisions that are remembered, if any are.
    pub(super) decisions: Option<&'a CacheMetrics>,
}

/// Who is at the other end of a client connection.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) address: IpAddr,
    /// The address as the app is told it, written once for the connection.
    value: HeaderValue,
}

impl Peer {
    /// The client at `address`.
    pub(super) fn new(address: IpAddr) -> Peer {
        // An address is always a value.
        let value = HeaderValue::try_from(address.to_string()).unwrap_or(HeaderValue::from_static("unknown"));
        Peer { address, value }
    }
}

/// What stays the same from request to request.
#[derive(Debug)]
pub(super) struct Enforcer {
    rules: HeaderRules,
    authenticator: Authenticator,
    forward: Forward,
    /// What clients reach the listener with, for `X-Forwarded-Proto`.
    scheme: &'static str,
}

impl Enforcer {
    /// Nobody outside has a say in the headers of `forward`, nor in the one that `authenticator` reads.
    pub(super) fn new(authenticator: Authenticator, forward: Forward, scheme: &'static str) -> Enforcer {
        let told = forward.headers.iter().map(|(name, _)| name);
        let trusted = authenticator.header().map(|header| header.name().as_str());
        let rules = HeaderRules::new([DECISION_ID].iter().chain(told), trusted);
        Enforcer { rules, authenticator, forward, scheme }
    }

    /// Issuers that are believed and that the bundle does not know: all of their people would be strangers.
    pub(super) fn unknown_issuers<'a>(&'a self, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a str> {
        let tokens = self.authenticator.issuers().iter().map(JwtIssuer::issuer);
        let header = self.authenticator.header().map(TrustedHeader::issuer);
        tokens.chain(header).filter(|issuer| !snapshot.bundle().people().declares(issuer))
    }

    /// Looks at the headers of a request.
    pub(super) fn look(&self, headers: &HeaderMap) -> Seen {
        self.rules.look(headers)
    }

    /// Reads, identifies and decides.
    pub(super) fn enforce(&self, asked: Asked<'_>, record: &mut Record) -> Result<Permit, Refusal> {
        let Asked { parts, seen, caller, id, length, snapshot } = asked;
        let version = parts.version;
        let head = message::read_head(parts, &self.rules, &seen)?;
        record.path(head.path.encoded());
        if body_length(head.body) != length {
            return Err(Refusal::new(Reason::AmbiguousRequest, "the body is framed in two ways"));
        }
        let Some(snapshot) = snapshot else {
            return Err(Refusal::new(Reason::NoBundle, "no bundle is loaded"));
        };
        let bundle = snapshot.bundle();
        record.revision(bundle.revision());

        let leaf = match bundle.routes().find(head.method.as_str(), head.path.decoded()) {
            Lookup::Found(leaf) => leaf,
            Lookup::NoRoute => return Err(Refusal::new(Reason::NoRoute, "")),
            Lookup::NoMethod(allow) => {
                // Which methods there are is told to those only who say who they are.
                self.identify(&head, caller)?;
                return Err(Refusal { allow: Some(allow.to_owned()), ..Refusal::new(Reason::NoMethod, "") });
            }
        };
        let matched = select(leaf, &head)?;
        let route = matched.route();
        record.route(route.template());
        if route.is_public() {
            return self.permit(head, version, caller.peer, id, None, Reason::Public, record);
        }
        let decided = self.decide(snapshot, &matched, &head, caller, record);
        match decided {
            Ok(subject) => {
                let subject = Some((bundle, subject));
                self.permit(head, version, caller.peer, id, subject, Reason::Granted, record)
            }
            Err(refusal) => {
                let concealed = route.conceals() || is_one_unshared(route, refusal.reason);
                Err(Refusal { concealed, ..refusal })
            }
        }
    }

    /// Who asks, if somebody does.
    fn identify(&self, head: &RequestHead, caller: Caller<'_>) -> Result<Verified, Refusal> {
        let refuse = |reason, detail: Cow<'static, str>| Refusal {
            challenge: Some(self.authenticator.challenge(reason)),
            ..Refusal::new(reason, detail)
        };
        let Caller { peer, now, tokens, .. } = caller;
        let tokens = &mut tokens.borrow_mut();
        match self.authenticator.identify_with(&head.credentials, peer.address, now, tokens) {
            Ok(Presented::Verified(verified)) => Ok(verified),
            Ok(Presented::Nothing) => Err(refuse(Reason::Unauthenticated, "".into())),
            Err(Rejected { reason, detail }) => Err(refuse(reason, detail.into())),
        }
    }

    fn decide(
        &self,
        snapshot: &Snapshot,
        matched: &Match<'_, '_>,
        head: &RequestHead,
        caller: Caller<'_>,
        record: &mut Record,
    ) -> Result<Subject, Refusal> {
        let bundle = snapshot.bundle();
        let verified = self.identify(head, caller)?;
        let Some(principal) = bundle.join(&verified.issuer, &verified.claims) else {
            return Err(Refusal::new(Reason::UnknownSubject, format!("vouched for by {}", verified.issuer)));
        };
        let row = bundle.people().row(principal.subject);
        let kinds = bundle.kinds(principal.subject, caller.now);
        record.subject(&row.id, kinds.words());
        if let Some(application) = principal.through {
            record.application(&bundle.people().row(application).id);
        }
        let person = principal.subject;
        let decided = snapshot.decide(matched, principal, &verified.claims, verified.expires, caller.now);
        if let (Some(found), Some(metrics)) = (decided.cached, caller.decisions) {
            if found {
                metrics.hits.inc();
                record.cached();
            } else {
                metrics.misses.inc();
            }
        }
        let decision = decided.decision;
        describe(bundle, matched, &decision, decided.considered, record);
        if decision.is_allow() {
            self::carry_out(&decision, matched.route(), head)
                .map_err(|refusal| Refusal { domain: decision.domain, ..refusal })?;
            Ok(Subject { person, kinds, verified, domain: decision.domain })
        } else {
            Err(Refusal {
                challenge: Some(self.authenticator.challenge(decision.reason)),
                domain: decision.domain,
                ..Refusal::new(decision.reason, "")
            })
        }
    }

    /// The request that goes upstream, and the leave to send it.
    #[expect(clippy::too_many_arguments, reason = "what goes upstream comes from everywhere")]
    fn permit(
        &self,
        mut head: RequestHead,
        version: Version,
        peer: &Peer,
        id: HeaderValue,
        subject: Option<(&Bundle, Subject)>,
        reason: Reason,
        record: &mut Record,
    ) -> Result<Permit, Refusal> {
        let uri = target(&mut head)?;
        let domain = subject.as_ref().and_then(|(_, subject)| subject.domain);
        let mut headers = head.headers;
        // hyper asks the client to go on (100) when the upstream takes the first piece; an expectation that went
        // along could leave the two connections out of step.
        // A head without a body says nothing of how one is framed, and the first two never get past `message`.
        if head.body != Framing::None {
            for name in [EXPECT, TRAILER, TRANSFER_ENCODING, CONTENT_LENGTH] {
                headers.remove(name);
            }
        }
        // As it came, where that is how it goes on.
        let sent = headers.get(HOST).filter(|sent| sent.as_bytes() == head.host.as_str().as_bytes()).cloned();
        let host = match sent {
            Some(sent) => sent,
            None => {
                let written = value(head.host.as_str())?;
                headers.insert(HOST, written.clone());
                written
            }
        };
        headers.insert(FORWARDED_FOR, peer.value.clone());
        headers.insert(FORWARDED_HOST, host);
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static(self.scheme));
        // RFC 9110 7.6.3: the version in which the request came to us.
        let via = if version == Version::HTTP_10 { "1.0 hallpass" } else { "1.1 hallpass" };
        headers.append(VIA, HeaderValue::from_static(via));
        headers.insert(DECISION_ID, id);
        if let (true, Some(authorization)) = (self.forward.authorization, head.credentials.authorization) {
            headers.insert(AUTHORIZATION, authorization);
        }
        if let Some((bundle, subject)) = subject {
            for (name, fact) in &self.forward.headers {
                headers.insert(name.clone(), subject.fact(bundle, *fact)?);
            }
        }
        let framed = match head.body {
            Framing::None => Framed::Nothing,
            Framing::Length(bytes) => {
                headers.insert(CONTENT_LENGTH, bytes.into());
                if bytes == 0 { Framed::Nothing } else { Framed::Body }
            }
            Framing::Chunked => {
                // Said by us: hyper would leave the body out of methods that it thinks have none.
                headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
                Framed::Body
            }
        };
        let mut request = Request::new(());
        *request.method_mut() = head.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        record.permit(reason);
        Ok(Permit { head: request, framed, domain, reason })
    }
}

/// A verified person of the roster.
struct Subject {
    person: PersonId,
    kinds: Kinds,
    verified: Verified,
    domain: Option<DomainId>,
}

impl Subject {
    fn fact(&self, bundle: &Bundle, fact: Fact) -> Result<HeaderValue, Refusal> {
        let person = bundle.people().row(self.person);
        match fact {
            Fact::Id => value(&person.id),
            Fact::Kinds => {
                let mut words = self.kinds.words();
                match (words.next(), words.next()) {
                    // What nearly everybody is: of one kind.
                    (Some(only), None) => Ok(HeaderValue::from_static(only)),
                    _ => value(&self.kinds.words().collect::<Vec<_>>().join(",")),
                }
            }
            Fact::Issuer => value(&self.verified.issuer),
        }
    }
}

/// Whether what can be done to the answer is all that must be. Answers are not cut to what somebody may see, so nobody
/// gets one that would have to be; and a parameter that is not declared could ask for what must not be seen (`CL-19`).
fn carry_out(decision: &Decision, route: &Route, head: &RequestHead) -> Result<(), Refusal> {
    if decision.obligations.is_empty() {
        return Ok(());
    }
    let carries = matches!(route.carries(), Carries::Records(_));
    if let (true, Some(query)) = (carries, &head.query)
        && !query.names_only(|name| route.accepts(name))?
    {
        return Err(Refusal::new(
            Reason::ParameterNotDeclared,
            "a query parameter that the route does not list",
        ));
    }
    let detail =
        if carries { "the answer would have to be cut" } else { "the route does not say what it carries" };
    Err(Refusal::new(Reason::Unfilterable, detail))
}

/// Whether one record was asked for that is not shared: then it is as if it did not exist.
fn is_one_unshared(route: &Route, reason: Reason) -> bool {
    let one = match route.carries() {
        Carries::Records(carried) => carried.iter().any(|carried| carried.one.is_some()),
        Carries::Unsaid | Carries::None => false,
    };
    one && reason == Reason::RecordTypeNotShared
}

/// The route that the path and the declared query parameters name together.
fn select<'b, 'p>(leaf: Leaf<'b, 'p>, head: &RequestHead) -> Result<Match<'b, 'p>, Refusal> {
    let names = leaf.query_names();
    if names.is_empty() {
        return leaf.select(Vec::new()).ok_or_else(|| Refusal::new(Reason::NoRoute, ""));
    }
    // The apps that tell their pages apart by parameters read those from a form in the body just as well, and a body
    // is not looked into.
    if body_length(head.body) != Some(0) {
        return Err(Refusal::new(Reason::AmbiguousRequest, "a body on a route that reads query parameters"));
    }
    message::check_cookies(&head.headers, names)?;
    let values = match &head.query {
        Some(query) => query.read(names)?,
        None => vec![None; names.len()],
    };
    leaf.select(values).ok_or_else(|| Refusal::new(Reason::NoRoute, "no route has these query parameters"))
}

/// The bytes of the body; `None` if only its end will tell.
fn body_length(framing: Framing) -> Option<u64> {
    match framing {
        Framing::None => Some(0),
        Framing::Length(bytes) => Some(bytes),
        Framing::Chunked => None,
    }
}

/// The request target: the path that was matched and the query that was read, byte for byte.
fn target(head: &mut RequestHead) -> Result<Uri, Refusal> {
    if let Some(sent) = head.target.take() {
        return Ok(Uri::from(sent));
    }
    let path = head.path.encoded();
    let query = head.query.as_ref().map(|query| query.as_str());
    let text = match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    // `http` cuts a fragment off without a word (T1), so what it made of the text is compared with the text.
    match PathAndQuery::try_from(text) {
        Ok(target) if target.path() == path && target.query() == query => Ok(Uri::from(target)),
        _ => Err(Refusal::new(Reason::Internal, "the target cannot be written as it was read")),
    }
}

fn value(text: &str) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| Refusal::new(Reason::Internal, "a value for the upstream cannot stand in a header"))
}

/// A decision id as a header value.
pub(super) fn id_value(id: DecisionId) -> HeaderValue {
    // Hexadecimal digits are always a value.
    HeaderValue::from_bytes(&id.digits()).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// Lines of `src` that put a permit together.
    fn makers(directory: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                makers(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap();
                let lines = code.lines().filter(|line| makes_a_permit(line));
                found.extend(lines.map(|line| format!("{}: {}", path.display(), line.trim())));
            }
        }
    }

    /// `Permit {`, but neither the definition nor the name of another type.
    fn makes_a_permit(line: &str) -> bool {
        let defines = line.contains("struct Permit") || line.contains("impl Permit");
        line.match_indices("Permit {").any(|(at, _)| {
            !defines && !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
        })
    }

    #[test]
    fn makes_a_permit_in_one_place_only() {
        let mut found = Vec::new();
        makers(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].contains("proxy/enforce.rs"), "{found:#?}");
    }

    #[test]
    fn has_no_other_way_to_name_a_permit() {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file!())).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        assert!(!code.contains("Self {") && !code.contains("as Permit"), "a second way to make a permit");
        assert!(!code.contains("derive(Debug, Clone)]\npub(super) struct Permit"));
    }

    #[test]
    fn leaves_the_upstream_to_the_code_that_takes_a_permit() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/proxy");
        let users: Vec<String> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| fs::read_to_string(path).unwrap().contains(concat!("try_send", "_request")))
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(users, ["forward.rs"]);
    }
}
