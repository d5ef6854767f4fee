//! A key set at a URL: how it is configured, how it is fetched, and how that went.

use super::{ConfigError, shown};
use crate::time::Time;
use crate::tls::{Authorities, Client, Stream};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HOST, USER_AGENT};
use http::uri::Scheme;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::fmt::Display;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The largest key set that is taken, in bytes. Those of the large identity providers are about 10 KiB.
pub const KEY_SET_BYTES_MAX: usize = 256 * 1024;

/// How long a fetch may take in earnest, from the name to the last byte.
pub const FETCH_MAX: Duration = Duration::from_secs(5);

/// The most that the head of the answer may have, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What is configured of a key set at a URL.
#[derive(Debug, Clone)]
pub struct RemoteSettings {
    /// `https://...`, or `http://` with a loopback address.
    pub url: String,
    /// How often it is fetched.
    pub refresh: Duration,
    /// At most how often it is fetched because a key is missing.
    pub cool_down: Duration,
    /// How long a fetch may take; [`FETCH_MAX`] outside tests.
    pub patience: Duration,
    /// Who may vouch for the server, with `https`.
    pub ca: Option<Authorities>,
}

/// A key set at a URL.
#[derive(Debug)]
pub struct Remote {
    uri: Uri,
    host: String,
    port: u16,
    tls: Option<Client>,
    patience: Duration,
    pub(super) refresh: Duration,
    pub(super) cool_down: Duration,
    state: Mutex<Fetches>,
}

/// How the fetches went so far.
#[derive(Debug, Clone, Default)]
pub struct Fetches {
    /// How many there were.
    pub attempts: u64,
    /// How many of them brought nothing that could be used.
    pub failures: u64,
    /// When one last brought a set that can be used.
    pub last_success: Option<Time>,
    /// Why the last one did not, if so.
    pub failing: Option<String>,
}

impl Remote {
    /// Checks the settings; nothing is fetched yet.
    ///
    /// # Errors
    /// A URL that cannot be used, `https` without a CA, `http` to another machine.
    pub fn new(settings: RemoteSettings) -> Result<Remote, ConfigError> {
        let RemoteSettings { url, refresh, cool_down, patience, ca } = settings;
        let refuse = |why: &str| ConfigError::new(format!("the URL {} {why}", shown(&url)));
        // `http` would cut a fragment off without a word (T1).
        let uri = Uri::try_from(url.as_str())
            .ok()
            .filter(|uri| uri.scheme().is_some() && !url.contains('#'))
            .ok_or_else(|| {
                refuse("cannot be read").help("write it like `https://login.example/jwks.json`")
            })?;
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(refuse("carries a name or password").help("a key set is public: it needs none"));
        }
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = match (uri.scheme() == Some(&Scheme::HTTPS), ca) {
            (true, Some(ca)) => {
                Some(Client::new(&ca, &host).map_err(|error| ConfigError::new(error.message))?)
            }
            (true, None) => {
                return Err(ConfigError::new("an own CA is needed").help(
                    "name the file of its certificate in PEM as `ca`; those of the system are not used unasked",
                ));
            }
            (false, Some(_)) => return Err(refuse("is not `https`, so that the CA would not be asked")),
            (false, None) => {
                let near = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
                if uri.scheme() != Some(&Scheme::HTTP) || !near {
                    return Err(refuse("is not safe from being answered by somebody else")
                        .help("use `https`; `http` only with a loopback address, such as `127.0.0.1`"));
                }
                None
            }
        };
        let port = uri.port_u16().unwrap_or(if tls.is_some() { 443 } else { 80 });
        Ok(Remote { uri, host, port, tls, patience, refresh, cool_down, state: Mutex::default() })
    }

    /// Where it is.
    pub fn url(&self) -> &Uri {
        &self.uri
    }

    /// How often it is fetched.
    pub fn refresh(&self) -> Duration {
        self.refresh
    }

    /// What the server is spoken to with, at an `https` URL.
    pub fn tls(&self) -> Option<&Client> {
        self.tls.as_ref()
    }

    /// How the fetches went so far.
    pub fn fetches(&self) -> Fetches {
        self.state().clone()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, Fetches> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches the set once. Whatever is not a plain answer with JSON within the limits is a failure; a redirect is not
    /// followed, wherever it leads.
    pub(super) async fn fetch(&self) -> Result<Vec<u8>, String> {
        match tokio::time::timeout(self.patience, self.get()).await {
            Ok(got) => got,
            Err(_) => Err(format!("it took longer than {:?}", self.patience)),
        }
    }

    async fn get(&self) -> Result<Vec<u8>, String> {
        let stream =
            TcpStream::connect((self.host.as_str(), self.port)).await.map_err(say("cannot connect"))?;
        let stream = match &self.tls {
            Some(tls) => tls.connect(stream).await.map_err(say("no TLS with the server"))?,
            None => Stream::Plain(stream),
        };
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .handshake::<_, Empty<Bytes>>(TokioIo::new(stream))
            .await
            .map_err(say("no HTTP with the server"))?;
        // Ends with this function, however that ends.
        let mut tasks = JoinSet::new();
        tasks.spawn(connection);
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        let request = Request::get(self.uri.path_and_query().map_or("/", |path| path.as_str()))
            .header(HOST, authority)
            .header(ACCEPT, "application/jwk-set+json, application/json")
            .header(USER_AGENT, concat!("hallpass/", env!("CARGO_PKG_VERSION")))
            .body(Empty::new())
            .map_err(say("the request cannot be written"))?;
        let answer = sender.send_request(request).await.map_err(say("no answer"))?;
        judge(answer.status(), answer.headers())?;
        let mut body = answer.into_body();
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(say("the answer broke off"))?;
            let Some(piece) = frame.data_ref() else { continue };
            if bytes.len() + piece.len() > KEY_SET_BYTES_MAX {
                return Err(format!("the answer is larger than {} KiB", KEY_SET_BYTES_MAX / 1024));
            }
            bytes.extend_from_slice(piece);
        }
        Ok(bytes)
    }
}

fn say<E: Display>(what: &'static str) -> impl Fn(E) -> String {
    move |error| format!("{what}: {error}")
}

fn judge(status: StatusCode, headers: &HeaderMap) -> Result<(), String> {
    if status.is_redirection() {
        return Err(format!("the answer is a redirect ({}), and none is followed", status.as_u16()));
    }
    if status != StatusCode::OK {
        return Err(format!("the status of the answer is {}", status.as_u16()));
    }
    if headers.contains_key(CONTENT_ENCODING) {
        return Err("the answer is compressed, unasked".to_owned());
    }
    let media = headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim();
    let json = ["application/json", "application/jwk-set+json"];
    match json.iter().any(|json| json.eq_ignore_ascii_case(essence)) {
        true => Ok(()),
        false => Err(format!("the answer is of type {}, not JSON", shown(essence))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        let second = Duration::from_secs(1);
        let settings = RemoteSettings {
            url: url.to_owned(),
            refresh: second,
            cool_down: second,
            patience: FETCH_MAX,
            ca: None,
        };
        Remote::new(settings).map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn a_url_without_tls_must_stay_on_this_machine() {
        for url in ["http://127.0.0.1:8000/jwks.json", "http://127.9.9.9", "http://[::1]:8000/keys?set=1"] {
            assert_eq!(refusal(url), "", "{url}");
        }
        for url in [
            "http://login.example/jwks.json",
            // A name can be made to mean something else.
            "http://localhost:8000/jwks.json",
            "http://10.0.0.1/jwks.json",
            "http://0.0.0.0/jwks.json",
            "http://127.0.0.1.example/jwks.json",
            "http://[::ffff:10.0.0.1]/",
            "ftp://127.0.0.1/jwks.json",
        ] {
            assert!(refusal(url).contains("not safe"), "{url}: {}", refusal(url));
        }
    }

    #[test]
    fn a_url_that_says_more_than_where_the_set_is_is_refused() {
        for url in
            ["", "jwks.json", "/jwks.json", "127.0.0.1:80", "http://127.0.0.1/a#b", "http://127.0.0.1/a b"]
        {
            assert!(refusal(url).contains("cannot be read"), "{url}: {}", refusal(url));
        }
        assert!(refusal("http://ari:sesame@127.0.0.1/").contains("name or password"));
        assert!(refusal("https://login.example/jwks.json").contains("an own CA is needed"));
    }
}
