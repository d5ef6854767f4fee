//! What the caller is told when a request is not forwarded: status, title and the decision id, and never why.
//!
//! Two refusals with the same status have the same bytes but for the id, so nobody learns from an answer whether it
//! was the role, the roster or the route.

use super::body::AnswerBody;
use super::enforce::Refusal;
use crate::decision::Reason;
use crate::telemetry::DecisionId;
use http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

/// The status for a reason (`policy-model.md` section 11). Whatever that table does not name is forbidden.
pub(super) fn status(reason: Reason) -> StatusCode {
    match reason {
        Reason::NoBundle | Reason::StalePolicy | Reason::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        Reason::Malformed
        | Reason::AmbiguousRequest
        | Reason::ParameterNotDeclared
        | Reason::BodyUnparseable => StatusCode::BAD_REQUEST,
        Reason::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::NoRoute => StatusCode::NOT_FOUND,
        Reason::NoMethod => StatusCode::METHOD_NOT_ALLOWED,
        Reason::Unauthenticated | Reason::BadToken | Reason::StepUpRequired => StatusCode::UNAUTHORIZED,
        Reason::Unfilterable | Reason::UpstreamRefused | Reason::UpstreamBad => StatusCode::BAD_GATEWAY,
        Reason::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
        // An answer of ours that says "granted" would be a bug.
        Reason::Internal | Reason::Granted | Reason::Public => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::FORBIDDEN,
    }
}

/// In which of the two forms an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `application/problem+json` (RFC 9457).
    Problem,
    /// A page for a person.
    Page,
}

/// What a request said it likes to get, kept until an answer is written: most requests never need it.
#[derive(Debug)]
pub(super) struct Accepts {
    first: Option<HeaderValue>,
    rest: Vec<HeaderValue>,
}

impl Accepts {
    /// The lines of `Accept`.
    pub(super) fn of(headers: &HeaderMap) -> Accepts {
        let mut lines = headers.get_all(ACCEPT).iter().cloned();
        Accepts { first: lines.next(), rest: lines.collect() }
    }

    /// The form that they ask for.
    pub(super) fn form(&self) -> Form {
        Form::wanted(self.first.iter().chain(&self.rest))
    }
}

impl Form {
    /// A page for those who ask for one and do not like JSON better: browsers name `text/html` first, scripts do not.
    fn wanted<'l>(lines: impl Iterator<Item = &'l HeaderValue>) -> Form {
        let mut page = 0;
        let mut problem = 0;
        let lines = lines.filter_map(|line| line.to_str().ok());
        for range in lines.flat_map(|line| line.split(',')) {
            let (kind, parameters) = range.split_once(';').unwrap_or((range, ""));
            let quality = quality(parameters);
            match kind.trim().to_ascii_lowercase().as_str() {
                // The first named wins a tie, therefore the page only counts what is more than JSON so far.
                "text/html" | "application/xhtml+xml" if quality > problem => page = page.max(quality),
                "application/json" | "application/problem+json" => problem = problem.max(quality),
                _ => {}
            }
        }
        if page > 0 && page >= problem { Form::Page } else { Form::Problem }
    }
}

/// The weight of a media range (RFC 9110 12.4.2), in thousandths.
fn quality(parameters: &str) -> u32 {
    let value = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    let Some(value) = value else { return 1000 };
    // Compared with others of its kind only, so that a float's last digits do not matter; nonsense weighs nothing.
    let weight = value.parse::<f32>().ok().filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
    let thousandths = (weight * 1000.0) as u32;
    thousandths
}

/// The answer to a request that is not forwarded.
pub(super) fn refuse(
    refusal: &Refusal,
    id: DecisionId,
    form: Form,
    show_reason: bool,
) -> Response<AnswerBody> {
    // What is concealed looks in every byte like what does not exist.
    let reason = if refusal.concealed { Reason::NoRoute } else { refusal.reason };
    let status = status(reason);
    let shown = show_reason.then_some(reason);
    let (kind, text) = match form {
        Form::Problem => ("application/problem+json", problem(status, id, shown)),
        Form::Page => ("text/html; charset=utf-8", page(status, id, shown)),
    };
    let mut response = Response::new(AnswerBody::own(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if form == Form::Page {
        let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        StatusCode::UNAUTHORIZED => {
            if let Some(challenge) = &refusal.challenge {
                headers.insert(WWW_AUTHENTICATE, challenge.clone());
            }
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            let allow = refusal.allow.as_deref().unwrap_or_default();
            if let Ok(allow) = HeaderValue::try_from(allow) {
                headers.insert(ALLOW, allow);
            }
        }
        _ => {}
    }
    response
}

fn title(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Error")
}

/// Every text in it is ours and of plain letters, so nothing has to be escaped.
fn problem(status: StatusCode, id: DecisionId, reason: Option<Reason>) -> String {
    let title = title(status);
    let code = status.as_u16();
    let reason = reason.map(|reason| format!(",\"reason\":\"{reason}\"")).unwrap_or_default();
    format!(
        "{{\"type\":\"about:blank\",\"title\":\"{title}\",\"status\":{code},\"decision_id\":\"{id}\"{reason}}}\n"
    )
}

fn page(status: StatusCode, id: DecisionId, reason: Option<Reason>) -> String {
    let (head, text) = words(status);
    let code = status.as_u16();
    let reason = reason.map(|reason| format!("<p>Reason: <code>{reason}</code></p>\n")).unwrap_or_default();
    format!(
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{code} {head}</title>\n\
         <style>\n\
         :root {{ color-scheme: light dark; font: 1.125rem/1.5 system-ui, sans-serif }}\n\
         main {{ max-width: 36rem; margin: 15vh auto; padding: 0 1rem }}\n\
         code {{ overflow-wrap: anywhere }}\n\
         </style>\n\
         </head>\n\
         <body>\n\
         <main>\n\
         <h1>{head}</h1>\n\
         <p>{text}</p>\n\
         {reason}<p>If you ask for help, give this number: <code>{id}</code></p>\n\
         </main>\n\
         </body>\n\
         </html>\n"
    )
}

/// What a page says: a heading and a sentence.
fn words(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::UNAUTHORIZED => {
            ("Please sign in", "This page is only shown to people who have signed in.")
        }
        StatusCode::FORBIDDEN => ("Not allowed", "You are signed in, but this is not open to you."),
        StatusCode::NOT_FOUND => ("Not found", "There is nothing at this address."),
        StatusCode::METHOD_NOT_ALLOWED => {
            ("Not possible", "This address does not take that kind of request.")
        }
        StatusCode::PAYLOAD_TOO_LARGE => ("Too large", "What was sent is larger than this address takes."),
        StatusCode::BAD_REQUEST => ("Not understood", "The request could not be read."),
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
            ("The app does not answer", "The app behind this address has a problem. Please try again later.")
        }
        StatusCode::SERVICE_UNAVAILABLE => ("Please try again", "There is too much going on at the moment."),
        _ => ("Something went wrong", "This was our fault, not yours. Please try again later."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::DecisionIds;

    fn form(accept: &str) -> Form {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        Accepts::of(&headers).form()
    }

    #[test]
    fn writes_a_page_for_a_browser_and_a_problem_for_everything_else() {
        assert_eq!(form("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), Form::Page);
        assert_eq!(form("TEXT/HTML; level=1; Q=0.4, */*;q=0.1"), Form::Page);
        assert_eq!(form("*/*"), Form::Problem);
        assert_eq!(form("application/json, text/html"), Form::Problem);
        assert_eq!(form("text/html, application/json"), Form::Page);
        assert_eq!(form("text/html;q=0.5, application/json"), Form::Problem);
        assert_eq!(form("application/json;q=0.5, text/html"), Form::Page);
        assert_eq!(form("text/html;q=0"), Form::Problem);
        assert_eq!(form("text/html;q=much"), Form::Problem);
        assert_eq!(Accepts::of(&HeaderMap::new()).form(), Form::Problem);
    }

    #[test]
    fn writes_a_problem_that_is_json() {
        let id = DecisionIds::from_process(7).next();
        let text = problem(StatusCode::FORBIDDEN, id, Some(Reason::NoRoleInContext));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["type"], "about:blank");
        assert_eq!(value["title"], "Forbidden");
        assert_eq!(value["status"], 403);
        assert_eq!(value["decision_id"], id.to_string());
        assert_eq!(value["reason"], "no_role_in_context");
        let text = problem(StatusCode::FORBIDDEN, id, None);
        assert!(!text.contains("reason"));
    }

    #[test]
    fn never_says_ok_for_a_reason() {
        for reason in [Reason::Granted, Reason::Public, Reason::Internal] {
            assert_eq!(status(reason), StatusCode::INTERNAL_SERVER_ERROR);
        }
        for reason in [Reason::Suspended, Reason::ScopeUnknown, Reason::AttributeMissing, Reason::GranteeMax]
        {
            assert_eq!(status(reason), StatusCode::FORBIDDEN);
        }
    }
}
