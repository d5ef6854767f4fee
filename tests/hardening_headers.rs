//! Headers and identity as raw bytes: nobody but us says who asks, where from, and for which method and path.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass::decision::Reason;
use hallpass::identity::{Algorithm, Authenticator, JwtIssuer, JwtSettings, KeySet, Peers, TrustedHeader};
use hallpass::proxy::Config;
use serde_json::json;
use std::time::Duration;
use support::{By, Pass, Recorder, Scene, TOLD_OF_ARI, get, get_with};

const MALFORMED: By = By::Us(400, Reason::Malformed);
const AMBIGUOUS: By = By::Us(400, Reason::AmbiguousRequest);
const BAD_TOKEN: By = By::Us(401, Reason::BadToken);
const UNAUTHENTICATED: By = By::Us(401, Reason::Unauthenticated);

/// What Ari may see, and nobody may see who does not say who it is.
const PAGE: &str = "/classes/1A/attendance";
const LINE: &str = "GET /classes/1A/attendance";

/// The page with these lines, each with its line end.
fn page(lines: &str) -> String {
    get_with(PAGE, lines)
}

// Identity

/// Names that say who somebody is, in spellings that some server or language makes one of.
const IDENTITY: &str = "X-School-User: zoe\r\nX_School_User: zoe\r\nx-school_user: zoe\r\nX.School.User: zoe\r\n\
    XSchoolUser: zoe\r\nHTTP_X_SCHOOL_USER: zoe\r\nHTTP-X-School-User: zoe\r\nX~School!User: zoe\r\n\
    X--School--User: zoe\r\n-X-School-User: zoe\r\nX-School-User-: zoe\r\n_X_SCHOOL_USER_: zoe\r\nX'School`User: zoe\r\n\
    X|School^User: zoe\r\nX#School$User: zoe\r\nX%School&User: zoe\r\nX*School+User: zoe\r\n\
    X_Remote_User: zoe\r\nX.Remote.User: zoe\r\nX_School_Kinds: staff\r\nX_School_Issuer: gateway\r\n\
    X-Decision-Id: 1\r\nX_Decision_Id: 1\r\nRemote-User: zoe\r\nREMOTE_USER: zoe\r\nX-Forwarded-User: zoe\r\n\
    X-MS-CLIENT-PRINCIPAL: e30=\r\nOIDC_CLAIM_sub: zoe\r\nShib-Session-ID: 1\r\nSSL_CLIENT_S_DN: CN=zoe\r\n\
    X-Auth-Request-Email: zoe\r\nX-Authenticated-Userid: zoe\r\nX-Consumer-Username: zoe\r\nCf-Access-Jwt-Assertion: zoe\r\n";

#[test]
fn removes_identity_headers_in_every_spelling() {
    let lines = format!("X-Remote-User: ari\r\n{IDENTITY}");
    Scene::new().passes([Pass::new(&page(&lines), LINE).lines(&TOLD_OF_ARI)]);
}

#[test]
fn a_public_route_forwards_no_identity_of_the_client() {
    let lines = format!("X-Remote-User: ari\r\nAuthorization: Bearer zoe\r\n{IDENTITY}");
    Scene::new().passes([
        Pass::new(&get_with("/open/a", IDENTITY), "GET /open/a"),
        Pass::new(&get_with("/open/a", &lines), "GET /open/a"),
    ]);
}

#[test]
fn only_the_trusted_header_itself_says_who_asks() {
    let names = [
        "X_Remote_User",
        "X.Remote.User",
        "XRemoteUser",
        "HTTP_X_REMOTE_USER",
        "Remote-User",
        "X-School-User",
        "X-Forwarded-User",
        "X-Remote-User-",
        "X-Remote-Use\u{73}r",
    ];
    Scene::new().refuses(UNAUTHENTICATED, names.map(|name| page(&format!("{name}: ari\r\n"))));
}

#[test]
fn a_trusted_header_sent_twice_is_refused() {
    let scene = Scene::new();
    scene.refuses(
        AMBIGUOUS,
        [
            page("X-Remote-User: ari\r\nX-Remote-User: zoe\r\n"),
            page("X-Remote-User: ari\r\nX-Remote-User: ari\r\n"),
            page("X-Remote-User: ari\r\nx-remote-USER:\r\n"),
            page("X-Remote-User:\r\nAccept: */*\r\nX-Remote-User: ari\r\n"),
        ],
    );
    // A front door may have joined the lines; nobody in the roster goes by that name.
    let joined = ["ari, zoe", "ari,ari"].map(|value| page(&format!("X-Remote-User: {value}\r\n")));
    scene.refuses(By::Us(403, Reason::UnknownSubject), joined);
    let values = ["", "ari\tzoe", &"a".repeat(300)].map(|value| page(&format!("X-Remote-User: {value}\r\n")));
    scene.refuses(BAD_TOKEN, values);
}

#[test]
fn a_value_that_is_not_utf8_never_allows() {
    let scene = Scene::new();
    let odd =
        |line: &[u8]| [b"GET /classes/1A/attendance HTTP/1.1\r\nHost: app\r\n", line, b"\r\n\r\n"].concat();
    scene.refuses(
        BAD_TOKEN,
        [odd(b"X-Remote-User: \xff"), odd(b"X-Remote-User: ari\xff"), odd(b"X-Remote-User: \xc0\xaeri")],
    );
    let note = odd(b"X-Remote-User: ari\r\nX-Note: \xff");
    let told = [&TOLD_OF_ARI[..], &["x-note: \u{ff}"]].concat();
    scene.passes([Pass::new(&note, LINE).lines(&told)]);
    let tokens = Scene::with(|config| {
        with_tokens(config);
    });
    tokens.refuses(BAD_TOKEN, [odd(b"Authorization: Bearer \xff\xfe"), odd(b"Authorization: \xff")]);
}

#[test]
fn an_empty_list_of_peers_trusts_nobody() {
    for peers in [&[][..], &["10.1.2.3"], &["127.0.0.2", "::1"]] {
        let scene = Scene::with(|config| {
            let header =
                TrustedHeader::new("x-remote-user".parse().unwrap(), "gateway", Peers::parse(peers).unwrap());
            config.authenticator = Authenticator::new(Vec::new(), Some(header.unwrap())).unwrap();
        });
        scene.refuses(
            UNAUTHENTICATED,
            [page("X-Remote-User: ari\r\n"), page("X-Remote-User: ari\r\nX-Forwarded-For: 10.1.2.3\r\n")],
        );
    }
}

#[test]
fn refuses_to_start_where_everybody_is_trusted() {
    for (number, peers) in
        ["0.0.0.0/0", "'::/0'", "0.0.0.0/1, 128.0.0.0/1", "'::ffff:0:0/96'", ""].iter().enumerate()
    {
        let path = support::bundle_directory().with_extension(format!("peers-{number}.yaml"));
        let text = format!(
            "listen: 127.0.0.1:0\nupstream: {{address: '127.0.0.1:1'}}\nbundle: policy\n\
             identity: {{trusted_header: {{name: X-Remote-User, issuer: gateway, peers: [{peers}]}}}}\n"
        );
        std::fs::write(&path, text).unwrap();
        let error = Config::load(&path).unwrap_err().to_string();
        assert!(
            error.contains("every address there is") || error.contains("list of peers is empty"),
            "{peers}: {error}"
        );
    }
}

/// A configuration that also believes tokens; and a token of Ari's that holds for a minute.
fn with_tokens(config: &mut Config) -> String {
    const ISSUER: &str = "https://login.school.example";
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let keys = json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "x": encode(x), "y": encode(y)}]});
    let settings = JwtSettings {
        issuer: ISSUER.into(),
        audience: "hallpass".into(),
        algorithms: vec![Algorithm::Es256],
        leeway: Duration::ZERO,
    };
    let issuer = JwtIssuer::new(settings, KeySet::parse(keys.to_string().as_bytes()).unwrap()).unwrap();
    let header = TrustedHeader::new(
        "x-remote-user".parse().unwrap(),
        "gateway",
        Peers::parse(&["127.0.0.1"]).unwrap(),
    );
    config.authenticator = Authenticator::new(vec![issuer], Some(header.unwrap())).unwrap();

    let now = support::clock().now().unix_micros() / 1_000_000;
    let payload =
        json!({"iss": ISSUER, "aud": "hallpass", "sub": "ari", "iat": now, "nbf": now, "exp": now + 60});
    let head = json!({"alg": "ES256", "kid": "1", "typ": "JWT"});
    let signed =
        format!("{}.{}", encode(head.to_string().as_bytes()), encode(payload.to_string().as_bytes()));
    let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    format!("{signed}.{}", encode(signature.as_ref()))
}

#[test]
fn refuses_two_credentials() {
    let mut token = String::new();
    let scene = Scene::with(|config| token = with_tokens(config));
    // The token by itself holds; the bundle does not know its issuer.
    let bearer = format!("Authorization: Bearer {token}\r\n");
    scene.refuses(By::Us(403, Reason::UnknownSubject), [page(&bearer)]);
    scene.refuses(
        AMBIGUOUS,
        [
            page(&format!("{bearer}{bearer}")),
            page(&format!("{bearer}authorization: Basic YTpi\r\n")),
            page(&format!("{bearer}X-Remote-User: ari\r\n")),
            page("Authorization: Bearer a\r\nX-Remote-User: ari\r\n"),
            page("Authorization: Basic YTpi\r\nX-Remote-User: ari\r\n"),
            page("Authorization:\r\nX-Remote-User: ari\r\n"),
            page(&format!("X-Remote-User: ari\r\n{bearer}Connection: X-Remote-User\r\n")),
        ],
    );
    // On a public route as well: the app behind might read either.
    scene.refuses(AMBIGUOUS, [get_with("/open/a", &format!("{bearer}{bearer}"))]);
    scene.refuses(
        BAD_TOKEN,
        [
            page("Authorization: Basic YTpi\r\n"),
            page("Authorization:\r\n"),
            page("Authorization: Bearer\r\n"),
            page(&format!("Authorization: Bearer {token}, Bearer {token}\r\n")),
            page(&format!("Authorization: Bearer {token} {token}\r\n")),
            page(&format!("Authorization: Bearer\t{token}\r\n")),
        ],
    );
    scene.refuses(
        UNAUTHENTICATED,
        [
            page(&format!("Proxy-Authorization: Bearer {token}\r\n")),
            page(&format!("Cookie: authorization=Bearer {token}\r\n")),
        ],
    );
    scene.refuses(UNAUTHENTICATED, [get(&format!("{PAGE}?access_token={token}"))]);
}

#[test]
fn no_user_agent_is_exempt() {
    let scene = Scene::new();
    let agents = ["kube-probe/1.30", "GoogleHC/1.0", "ELB-HealthChecker/2.0", "Prometheus/2.0", "hallpass"];
    scene.refuses(UNAUTHENTICATED, agents.map(|agent| page(&format!("User-Agent: {agent}\r\n"))));
    let probes = [
        "/ping",
        "/ready",
        "/livez",
        "/readyz",
        "/healthz",
        "/metrics",
        "/upstreamz",
        "/status",
        "/explain",
        "/debug/pprof/",
    ];
    scene.refuses(By::Us(404, Reason::NoRoute), probes.map(get));
}

// Fields for one connection

#[test]
fn a_client_cannot_name_our_identity_header_in_connection() {
    let scene = Scene::new();
    for connection in [
        "Connection: close, X-School-User\r\n",
        "connection: x-school-USER\r\nConnection: keep-alive\r\n",
        "Connection: X-Remote-User\r\n",
        "Connection: X-Remote-User, X-School-User, X-School-Kinds, X-Decision-Id, X-Forwarded-For, Via\r\n",
        "Connection: ,,\t, x-school-user ,\r\nConnection:\r\n",
        "Keep-Alive: X-School-User\r\nProxy-Connection: X-School-User\r\nTE: X-School-User\r\n",
    ] {
        let raw = page(&format!("X-Remote-User: ari\r\n{connection}"));
        scene.passes([Pass::new(&raw, LINE).lines(&TOLD_OF_ARI)]);
    }
}

#[test]
fn refuses_a_connection_that_would_change_what_was_decided() {
    let options = [
        "Host",
        "close, Content-Length",
        "content-type",
        "Authorization",
        "Cookie",
        "Transfer-Encoding",
        "Content-Encoding",
        "a b",
        "x\"y",
        "x:y",
        "(x)",
        "host,host",
    ];
    let scene = Scene::new();
    scene.refuses(MALFORMED, options.map(|option| get_with("/open/a", &format!("Connection: {option}\r\n"))));
    let second = options
        .map(|option| page(&format!("X-Remote-User: ari\r\nConnection: close\r\nConnection: {option}\r\n")));
    scene.refuses(MALFORMED, second);
}

#[test]
fn reads_every_connection_line_as_bytes() {
    let scene = Scene::new();
    let two = get_with("/open/a", "Connection: keep-alive\r\nConnection: X-One\r\nX-One: 1\r\nX-Two: 2\r\n");
    scene.passes([Pass::new(&two, "GET /open/a").lines(&["x-two: 2"])]);
    let odd =
        b"GET /open/a HTTP/1.1\r\nHost: app\r\nConnection: x-\xe9\r\nConnection: X-One\r\nX-One: 1\r\n\r\n";
    scene.refuses(MALFORMED, [odd]);
}

#[test]
fn reads_every_connection_line_of_a_response() {
    let upstream = Recorder::replying(
        b"HTTP/1.1 200 OK\r\nConnection: \xe9\r\nConnection: X-Internal, Set-Cookie\r\nX-Internal: 1\r\n\
          Set-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok",
    );
    let scene = Scene::before(upstream, |_| {});
    let said = scene.say(get("/open/a").as_bytes(), 1);
    let answer = &said.answers[0];
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    assert_eq!((answer.header("set-cookie"), answer.header("x-internal")), (Some("a=b"), None));
    assert_eq!(said.tapes.len(), 1);
}

#[test]
fn no_trailer_reaches_the_upstream() {
    let body = "5\r\nhello\r\n0\r\nX-School-User: zoe\r\nX_School_User: zoe\r\nContent-Length: 0\r\nTransfer-Encoding: gzip\r\n\r\n";
    for trailer in
        ["Trailer: X-School-User\r\n", "Trailer: X-School-User, Content-Length\r\nTE: trailers\r\n", ""]
    {
        let raw = format!(
            "POST /open/a HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n{trailer}\r\n{body}"
        );
        let pass = Pass::new(&raw, "POST /open/a").lines(&["transfer-encoding: chunked"]);
        Scene::new().passes([pass.body("5\r\nhello\r\n0\r\n\r\n")]);
    }
}

#[test]
fn a_trailer_identifies_nobody() {
    let raw = "POST /classes/1A/attendance HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\
               Trailer: X-Remote-User\r\n\r\n0\r\nX-Remote-User: ari\r\n\r\n";
    Scene::new().refuses(UNAUTHENTICATED, [raw]);
}

// Where from, and for what

#[test]
fn forwards_no_forwarding_header_of_the_client() {
    let lines = "Forwarded: for=1.2.3.4\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 1.2.3.5\r\nX_Forwarded_For: 1.2.3.4\r\n\
        X-Forwarded-Prefix: /admin\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n\
        X-Real-IP: 1.2.3.4\r\nTrue-Client-IP: 1.2.3.4\r\nCF-Connecting-IP: 1.2.3.4\r\nX-Client-IP: 1.2.3.4\r\n\
        Client-IP: 1.2.3.4\r\nX.Forwarded.For: 1.2.3.4\r\nHTTP_X_FORWARDED_FOR: 1.2.3.4\r\nX-Forwarded: 1\r\n";
    Scene::new().passes([Pass::new(&get_with("/open/a", lines), "GET /open/a")]);
}

#[test]
fn forwards_no_certificate_header_of_the_client() {
    let lines = "X-Forwarded-Client-Cert: By=spiffe://a\r\nClient-Cert: :AAAA:\r\nClient-Cert-Chain: :AAAA:\r\n\
        X-SSL-Client-Verify: SUCCESS\r\nSSL-Client-Cert: AAAA\r\nX-ARR-ClientCert: AAAA\r\nX_Client_Cert: AAAA\r\n\
        X-Amzn-Mtls-Clientcert: AAAA\r\n";
    Scene::new().passes([Pass::new(&get_with("/open/a", lines), "GET /open/a")]);
}

#[test]
fn forwards_no_method_override() {
    let raw = "POST /open/a HTTP/1.1\r\nHost: app\r\nX-HTTP-Method-Override: DELETE\r\nX-Method-Override: DELETE\r\n\
        X-HTTP-Method: DELETE\r\nX_HTTP_Method_Override: DELETE\r\nHTTP_X_HTTP_METHOD_OVERRIDE: DELETE\r\n\
        X-Http.Method.Override: DELETE\r\n_method: DELETE\r\nContent-Length: 0\r\n\r\n";
    // A header that is named like the parameter is a parameter to nobody.
    let lines = ["content-length: 0", "_method: DELETE"];
    Scene::new().passes([Pass::new(raw, "POST /open/a").lines(&lines)]);
}

/// The names of the built-in lists, as the source has them; `Prefix*` is given an end.
fn built_in() -> Vec<String> {
    let source = include_str!("../src/message/names.rs");
    let lists: Vec<_> =
        source.split("&str = \"").skip(1).map(|list| list.split('"').next().unwrap()).collect();
    assert!(lists.len() >= 11, "{lists:?}");
    let names = lists.iter().flat_map(|list| list.split_whitespace());
    names.map(|name| name.replace('*', "-More")).collect()
}

#[test]
fn forwards_no_path_override() {
    // Every name of every list, and in the spellings of CGI, PHP and those who drop signs.
    let spellings: [fn(&str) -> String; 6] = [
        str::to_owned,
        |name| name.replace('-', "_"),
        |name| name.replace('-', "."),
        |name| name.replace('-', ""),
        |name| format!("HTTP_{}", name.replace('-', "_").to_uppercase()),
        |name| name.to_lowercase().replace('-', "~"),
    ];
    let scene = Scene::new();
    let names = built_in();
    assert!(names.len() > 200 && names.iter().any(|name| name == "X-Original-URL"), "{names:?}");
    for spelling in spellings {
        // These say something to the HTTP parser or to the rules themselves; other tests send them.
        let own = ["connection", "transfer-encoding", "expect", "authorization"];
        let sent = names.iter().map(|name| spelling(name));
        let sent = sent.filter(|name| !own.contains(&name.to_lowercase().as_str()));
        for names in sent.collect::<Vec<_>>().chunks(90) {
            let lines: String = names.iter().map(|name| format!("{name}: /admin\r\n")).collect();
            scene.passes([Pass::new(&get_with("/open/a", &lines), "GET /open/a")]);
        }
    }
}

#[test]
fn what_stays_stays_in_one_spelling_only() {
    let lines = "Content_Type: text/html\r\nContent.Type: text/html\r\nCONTENT_TYPE: a\r\nHTTP_CONTENT_TYPE: a\r\n\
        Cook_ie: a=b\r\nHTTP_COOKIE: a=b\r\nHTTP-Cookie: a=b\r\nContent_Encoding: gzip\r\nHTTP_HOST: evil\r\n_Host: evil\r\n";
    Scene::new().passes([Pass::new(&get_with("/open/a", lines), "GET /open/a")]);
}

/// The log and the app know a request by one name: what the log did not take, the app does not get in another spelling.
#[test]
fn the_callers_name_for_a_request_has_one_spelling_too() {
    let aliases = "X_Request_Id: evil\r\nX.Request.Id: evil\r\nXRequestId: evil\r\nHTTP_X_REQUEST_ID: evil\r\n\
        x-request_id: evil\r\nX-Request-ID-: evil\r\nTrace_parent: evil\r\nTrace-Parent: evil\r\nHTTP_TRACEPARENT: evil\r\n\
        Trace.State: evil\r\n";
    let kept = "x-request-id: req-7";
    Scene::new().passes([
        Pass::new(&get_with("/open/a", aliases), "GET /open/a"),
        Pass::new(&get_with("/open/a", &format!("{aliases}X-REQUEST-ID: req-7\r\n")), "GET /open/a")
            .lines(&[kept]),
        // The real one is not taken for a log, so nothing stands in its place.
        Pass::new(&get_with("/open/a", &format!("X-Request-Id: a b\r\n{aliases}")), "GET /open/a"),
    ]);
}

#[test]
fn what_an_app_needs_goes_through_as_it_came() {
    let told = [
        "accept: */*",
        "accept-language: de, en;q=0.5",
        "cookie: a=b; c=\"d\"",
        "cookie: e=f",
        "if-none-match: \"1\"",
        "referer: http://app/x",
        "user-agent: Mozilla/5.0 (X)",
        "x-csrf-token: 1",
        "x-empty: ",
        "x-twice: 1",
        "x-twice: 2",
        "range: bytes=0-1",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ];
    let lines: String = told.iter().map(|line| format!("{line}\r\n")).collect();
    Scene::new().passes([Pass::new(&get_with("/open/a", &lines), "GET /open/a").lines(&told)]);
}
