//! What the configuration says of TLS: the files are read and checked here, so that nothing starts without them.

use super::file::{Reader, optional};
use super::values;
use crate::policy::source::{Fields, Node, Span};
use crate::proxy::Address;
use crate::tls::{self, Authorities, Certificate, Certificates, Client, Files, Server};
use std::sync::Arc;

const TLS: &[&str] = &["certificates"];
const CERTIFICATE: &[&str] = &["chain", "key"];
const UPSTREAM: &[&str] = &["ca", "name"];

impl Reader<'_> {
    /// The TLS of the port that clients connect to.
    pub(super) fn tls(&mut self, node: &Node) -> Option<Server> {
        let fields = Fields::of(node, "what clients are spoken to with", TLS, &mut self.diags)?;
        let node = fields.need("certificates", &mut self.diags)?;
        let list = node.as_list("a list of certificates", &mut self.diags)?;
        // Each is read whatever became of the one before, so that every mistake is found at once.
        let read: Vec<_> = list.iter().map(|node| self.certificate(node)).collect();
        let certificates = read.into_iter().collect::<Option<Vec<_>>>()?;
        let server = Certificates::new(certificates).and_then(|all| Server::new(Arc::new(all)));
        server.map_err(|error| self.refuse_tls(node.span, error)).ok()
    }

    fn certificate(&mut self, node: &Node) -> Option<Certificate> {
        let fields = Fields::of(node, "a certificate and its key", CERTIFICATE, &mut self.diags)?;
        let mut read = |name, what| {
            fields.need(name, &mut self.diags).and_then(|node| values::text(node, what, &mut self.diags))
        };
        let (chain, key) = (read("chain", "the file of the certificate"), read("key", "the file of the key"));
        let files = Files { chain: self.directory.join(chain?), key: self.directory.join(key?) };
        Certificate::read(&files).map_err(|error| self.refuse_tls(node.span, error)).ok()
    }

    /// The TLS of the upstream at `address`. Without a `name`, the certificate must have the host of the address.
    pub(super) fn upstream_tls(&mut self, node: &Node, address: Option<&Address>) -> Option<Client> {
        let fields = Fields::of(node, "what the upstream is spoken to with", UPSTREAM, &mut self.diags)?;
        let ca = self.authorities(&fields);
        let name = optional(&fields, "name", None, |node| {
            let name = values::text(node, "the name in the certificate", &mut self.diags)?;
            Some(Some((name, node.span)))
        })?;
        let host = address.map(|address| match address {
            Address::Socket(address) => address.ip().to_string(),
            Address::Name(host, _) => host.clone(),
        });
        let (name, span) = match name {
            Some((name, span)) => (name.to_owned(), span),
            None => (host?, node.span),
        };
        Client::new(&ca?, &name).map_err(|error| self.refuse_tls(span, error)).ok()
    }

    /// The file at `ca`, which must be there: no authority is believed that was not chosen.
    pub(super) fn authorities(&mut self, fields: &Fields<'_>) -> Option<Authorities> {
        let Some(node) = fields.get("ca") else {
            self.diags.error(fields.key_span("ca"), "missing_key", "an own CA is needed").help(
                "name the file of its certificate in PEM as `ca`; those of the system are not used unasked",
            );
            return None;
        };
        let path = self.path(node, "the file of the CA")?;
        let authorities = Authorities::read(&path).map_err(|error| self.refuse_tls(node.span, error)).ok()?;
        if authorities.left_out() > 0 {
            let text =
                format!("{} certificates of `{}` do not parse", authorities.left_out(), path.display());
            self.diags.warning(node.span, "unused_ca", text);
        }
        Some(authorities)
    }

    fn refuse_tls(&mut self, span: Span, error: tls::Error) {
        self.diags.error(span, "bad_tls", error.message).maybe_help(error.help.map(str::to_owned));
    }
}
