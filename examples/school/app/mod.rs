//! The legacy school app that stands behind hallpass in this example.
//!
//! It is what such apps are like. It believes every request: whoever reaches its port and sends `X-School-User` is that
//! person, and may do everything. It reads header names as CGI does, so `X_School_User` is the same header to it. It
//! tidies paths, dots, escapes and double slashes and all. It lets a header override the method or the path, one script
//! dispatches most of its pages, and a GET writes. None of this can be changed; hallpass has to make it safe from outside.
//!
//! Reading order: this file is the server, `data` what the school has, `api` the JSON, `bought` what
//! came later, `pages` the HTML.

mod api;
mod bought;
mod data;
mod pages;

use bytes::Bytes;
use data::School;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The running app. It lives as long as the process.
pub(crate) struct App {
    address: SocketAddr,
    seen: Arc<AtomicU64>,
}

impl App {
    /// Starts the app on a free loopback port, on a thread of its own.
    pub(crate) fn start() -> io::Result<App> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let seen = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&seen);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("school-app".to_owned()).spawn(move || {
            if let Err(error) = runtime.block_on(serve(listener, counter)) {
                eprintln!("the school app stopped: {error}");
            }
        })?;
        Ok(App { address, seen })
    }

    /// Where the app listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests have reached the app. What hallpass refuses must not change it.
    pub(crate) fn seen(&self) -> u64 {
        self.seen.load(Ordering::SeqCst)
    }
}

async fn serve(listener: std::net::TcpListener, seen: Arc<AtomicU64>) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let school = Arc::new(Mutex::new(School::seeded()));
    loop {
        let (stream, _) = listener.accept().await?;
        let (school, seen) = (Arc::clone(&school), Arc::clone(&seen));
        let service = service_fn(move |request| {
            let (school, seen) = (Arc::clone(&school), Arc::clone(&seen));
            async move {
                seen.fetch_add(1, Ordering::SeqCst);
                respond(request, &school).await
            }
        });
        tokio::spawn(async move {
            // A client that goes away in the middle is of no interest to anybody.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn respond(
    request: hyper::Request<Incoming>,
    school: &Mutex<School>,
) -> Result<hyper::Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let asked = Asked::new(&head, body);
    // One broken request does not take the school down with it.
    let answer = route(&mut school.lock().unwrap_or_else(PoisonError::into_inner), &asked);
    let mut response = hyper::Response::new(Full::new(Bytes::from(answer.text)));
    *response.status_mut() = answer.status;
    response.headers_mut().insert("content-type", HeaderValue::from_static(answer.content_type));
    response.headers_mut().insert("server", HeaderValue::from_static("SchoolBase/2.4 (Unix) PHP/5.3.29"));
    Ok(response)
}

/// Which code answers. There is no check of who asks, here or below.
fn route(school: &mut School, asked: &Asked) -> Answer {
    let path: Vec<&str> = asked.path.split('/').skip(1).collect();
    match path.as_slice() {
        ["api", rest @ ..] => api::answer(school, asked, rest),
        ["v3", rest @ ..] => bought::data(school, rest),
        ["launch", tile] => bought::launch(asked, tile),
        ["whoami"] => api::whoami(asked),
        [""] => pages::front(asked),
        ["assets", "school.css"] => pages::stylesheet(),
        ["Modules.php"] => pages::dispatch(school, asked),
        _ => Answer::missing("page"),
    }
}

/// A request, as the app understands it.
struct Asked {
    method: String,
    /// Decoded and tidied.
    path: String,
    /// Decoded pairs, in the order in which they came.
    query: Vec<(String, String)>,
    /// Whoever the identity header names.
    user: Option<String>,
    kinds: Option<String>,
    body: Bytes,
}

impl Asked {
    fn new(head: &hyper::http::request::Parts, body: Bytes) -> Asked {
        let header = |wanted: &str| {
            // As CGI and PHP see headers: `X-School-User` and `X_School_User` are one variable, and the last one wins.
            let same = |name: &str| name.replace('_', "-").eq_ignore_ascii_case(wanted);
            let found = head.headers.iter().filter(|(name, _)| same(name.as_str())).last();
            found.map(|(_, value)| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let method = header("x-http-method-override").unwrap_or_else(|| head.method.to_string());
        let target = header("x-original-url").unwrap_or_else(|| head.uri.to_string());
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        Asked {
            // HEAD is GET to the app; the server leaves the body out.
            method: if method == "HEAD" { "GET".to_owned() } else { method },
            path: tidied(&decoded(path)),
            query: query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (decoded(name), decoded(value)))
                .collect(),
            user: header("x-school-user"),
            kinds: header("x-school-kinds"),
            body,
        }
    }

    /// The last value of a query parameter, as PHP has it; empty if there is none.
    fn parameter(&self, name: &str) -> &str {
        self.query.iter().rev().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The name under which something is recorded.
    fn signature(&self) -> &str {
        self.user.as_deref().unwrap_or("(nobody)")
    }

    /// A text member of a JSON body; empty if it is not there.
    fn field(&self, name: &str) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body[name].as_str().unwrap_or_default().to_owned()
    }
}

/// What the app answers.
struct Answer {
    status: hyper::StatusCode,
    content_type: &'static str,
    text: String,
}

impl Answer {
    fn html(text: String) -> Answer {
        Answer { status: hyper::StatusCode::OK, content_type: "text/html; charset=utf-8", text }
    }

    fn json(value: &serde_json::Value) -> Answer {
        Answer { status: hyper::StatusCode::OK, content_type: "application/json", text: format!("{value}\n") }
    }

    fn csv(text: String) -> Answer {
        Answer { status: hyper::StatusCode::OK, content_type: "text/csv; charset=utf-8", text }
    }

    fn with_status(self, status: hyper::StatusCode) -> Answer {
        Answer { status, ..self }
    }

    fn missing(what: &str) -> Answer {
        let value = serde_json::json!({"error": format!("no such {what}")});
        Answer::json(&value).with_status(hyper::StatusCode::NOT_FOUND)
    }
}

/// As old servers do: `..` goes up, `.` and empty segments go away.
fn tidied(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    format!("/{}", segments.join("/"))
}

/// Percent-decoded once; what is not a valid escape stays as it is.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        if let Some(byte) = escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
