//! Whether the app is well: one fixed request of the configuration, on a connection of its own.
//!
//! Nothing of what the client sent goes along and nothing of what the app answers comes back but whether its status is a
//! good one. So this is no way to the app, and because there is one request at a time, with a pause after it, it is no
//! way to tire it either.

use crate::proxy::Address;
use crate::tls::{Client, Stream};
use bytes::Bytes;
use http::header::{CONNECTION, HOST, USER_AGENT};
use http::uri::PathAndQuery;
use http::{Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// How long the app may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long an answer of the app is given again.
const FRESH: Duration = Duration::from_secs(1);

/// The app, as far as its health goes.
pub(super) struct Upstream {
    address: Address,
    tls: Option<Client>,
    path: PathAndQuery,
    /// When the app last answered, and whether it was well. Locked while it is asked.
    last: Mutex<Option<(Instant, bool)>>,
}

impl Upstream {
    pub(super) fn new(address: Address, tls: Option<Client>, path: PathAndQuery) -> Upstream {
        Upstream { address, tls, path, last: Mutex::new(None) }
    }

    /// Asks the app, unless it was asked just now. Whoever comes while it is being asked is told the same.
    pub(super) async fn is_well(&self) -> bool {
        let mut last = self.last.lock().await;
        if let Some((at, well)) = *last
            && at.elapsed() < FRESH
        {
            return well;
        }
        let well = match timeout(PATIENCE, self.ask()).await {
            Ok(Ok(status)) if status.is_success() || status.is_redirection() => true,
            Ok(Ok(status)) => {
                tracing::debug!(%status, "the app says that it is not well");
                false
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "the app's health cannot be asked for");
                false
            }
            Err(_) => {
                tracing::debug!("the app does not answer in time how it is");
                false
            }
        };
        *last = Some((Instant::now(), well));
        well
    }

    async fn ask(&self) -> Result<StatusCode, Box<dyn Error>> {
        let (stream, host) = match &self.address {
            Address::Socket(address) => (TcpStream::connect(address).await?, address.to_string()),
            Address::Name(host, port) => {
                (TcpStream::connect((host.as_str(), *port)).await?, format!("{host}:{port}"))
            }
        };
        let stream = match &self.tls {
            Some(tls) => tls.connect(stream).await?,
            None => Stream::Plain(stream),
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with this function, whatever becomes of it.
        let mut task = JoinSet::new();
        task.spawn_local(connection);
        let request = Request::get(Uri::from(self.path.clone()))
            .header(HOST, host)
            .header(USER_AGENT, "hallpass")
            .header(CONNECTION, "close")
            .body(Empty::<Bytes>::new())?;
        Ok(sender.send_request(request).await?.status())
    }
}
