//! The names of the headers that no client may send on, as text: parted by white space, with `*` at the end where all
//! names that begin like it are meant. Spelling does not matter, the table folds it.

/// Fields for one connection (RFC 9110 7.6.1), and what goes with them. `Proxy*` also covers the bare `Proxy` that CGI makes
/// into `HTTP_PROXY`.
const HOP_BY_HOP: &str = "
    Connection Keep-Alive Proxy* TE Trailer Transfer-Encoding Upgrade HTTP2-Settings
";

/// What is read before it is removed, or answered by the server library.
const TAKEN_OUT: &str = "
    Authorization Expect
";

/// Who somebody is, as CGI, WSGI, Authelia, Kubernetes front proxies and recipes for Apache and nginx tell the apps behind
/// them.
const IDENTITY_OF_GATEWAYS: &str = "
    Remote* X-Remote* Auth-User Auth-Type Authenticated-User Logon-User User-Id Username
    X-Authenticated* X-WebAuth* X-WebObjects* X-ProxyUser* X-Proxy-User* Impersonate* X-Impersonate*
    Sudo X-User X-Users X-User-Id X-UserName X-User-Name X-User-Email X-User-Mail X-User-Role
    X-User-Roles X-User-Group X-User-Groups X-User-Claims X-User-Info X-Email X-Login X-Subject X-Role
    X-Roles X-Group X-Groups X-Id-Token
";

/// The same from oauth2-proxy, Vouch, authentik, Pomerium, Kong, WSO2 and Okta.
const IDENTITY_OF_AUTH_PROXIES: &str = "
    X-Auth-User* X-Auth-Request* X-Auth-Email X-Auth-Name X-Auth-Subject X-Auth-Role* X-Auth-Group*
    X-Authentik* X-Authelia* X-Vouch* X-Pomerium* X-Consumer* X-Credential* X-Anonymous-Consumer X-JWT*
    X-Okta* X-Endpoint-API-UserInfo X-Apigateway*
";

/// The same from sign-on modules of web servers: OpenID Connect, SAML, Shibboleth with its usual attributes, CAS, SiteMinder,
/// Oracle, WebSEAL.
const IDENTITY_OF_SIGN_ON_MODULES: &str = "
    OIDC* Mellon* SAML* Shib* AJP* eppn eduPerson* Affiliation Unscoped-Affiliation Entitlement
    Persistent-Id Targeted-Id Subject-Id Pairwise-Id uid mail CAS* SM-User* SM-Auth* SM-UniversalId OAM*
    OSSO* IV-User* IV-Groups IV-Creds
";

/// The same from clouds and meshes.
const IDENTITY_OF_CLOUDS: &str = "
    X-MS-Client-Principal* X-MS-Token* X-Goog-Authenticated* X-Goog-IAP* X-Amzn-Oidc* X-Amzn-Mtls*
    X-AppEngine* CF-Access* Tailscale* X-Istio* L5d*
";

/// What a front door read from a client certificate (RFC 9440 among them).
const CLIENT_CERTIFICATES: &str = "
    Client-Cert* X-Client-Cert* X-Client-Verify* X-Client-DN* X-Client-S-DN* X-SSL* SSL* X-TLS*
    X-ARR-ClientCert WL-Proxy*
";

/// Another method than the one in the request line.
const METHOD_OVERRIDE: &str = "
    X-HTTP-Method* X-Method X-Method-Override HTTP-Method* Method-Override X-Original-Method
";

/// Another path, query or resource than the one in the request line. Symfony, Zend, IIS, ASP.NET Core, WSGI, Next.js, Envoy,
/// Traefik and Spring have each read one of these.
const PATH_OVERRIDE: &str = "
    X-Original-URL X-Original-URI X-Original-Path X-Original-Request* X-Original-Query X-Original-Host
    X-Original-Args X-Rewrite-URL X-Rewrite-URI X-Rewrite-Path X-Rewrite-Query X-Override-URL
    X-Override-URI X-Override-Path X-Path-Override X-URL-Override Request-URI Request-URL Request-Path
    X-Request-URI X-Request-URL X-Request-Path X-Real-URL X-Real-URI X-Real-Path X-URL X-URI X-Path URL
    URI Path Script-Name X-Script-Name Path-Info X-Path-Info Path-Translated X-Path-Translated
    Query-String X-Query-String X-Context-Path X-Servlet-Path X-Base-URL Base-URL X-Ingress-Path
    X-Replaced-Path X-Matched-Path X-Invoke* X-Middleware* X-Now-Route* X-Envoy* X-WAWS*
    X-HTTP-DestinationURL X-HTTP-Path-Override HTTP-URL X-Proxy-URL X-Proxy-Path X-Proxy-Host X-Backend*
    Redirect-URL X-Redirect-URL
";

/// A second resource that no rule has judged: where WebDAV copies to, and which file Rack::Sendfile hands out
/// (CVE-2025-61780).
const SECOND_RESOURCE: &str = "
    Destination X-Sendfile* X-Accel*
";

/// Where a request came from, and by which name and scheme; the proxy writes its own. Via stays.
const FORWARDING: &str = "
    Forwarded* X-Forward* X-Original-Forwarded* X-Original-Proto* X-Original-Remote* X-Real-IP
    X-Client-IP Client-IP True-Client-IP X-True-Client-IP X-True-IP X-Cluster-Client-IP
    Cluster-Client-IP CF-Connecting* CF-Pseudo* CF-Visitor Fastly-Client* Fly-Client-IP Incap-Client-IP
    Ali-CDN-Real-IP X-Azure-ClientIP X-Azure-SocketIP X-Originating* X-Custom-IP* X-Source-IP X-From-IP
    X-Peer-IP Real-IP X-Host* X-HTTP-Host* X-Server-Name X-Scheme X-Proto X-Protocol X-URL-Scheme
    Front-End-HTTPS X-Front-End-HTTPS X-HTTPS HTTPS X-Port
";

/// All of the above.
pub(super) const TAKEN: [&str; 11] = [
    HOP_BY_HOP,
    TAKEN_OUT,
    IDENTITY_OF_GATEWAYS,
    IDENTITY_OF_AUTH_PROXIES,
    IDENTITY_OF_SIGN_ON_MODULES,
    IDENTITY_OF_CLOUDS,
    CLIENT_CERTIFICATES,
    METHOD_OVERRIDE,
    PATH_OVERRIDE,
    SECOND_RESOURCE,
    FORWARDING,
];

/// Fields that stay, in this spelling only: `Content_Length` is the length to an app that was told by CGI, and
/// `X_Request_Id` is a name for the request that we neither judged nor logged.
pub(super) const ONE_SPELLING: [&str; 8] = [
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "cookie",
    "x-request-id",
    "traceparent",
    "tracestate",
];
