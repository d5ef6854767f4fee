//! One public key of a key set (RFC 7517, RFC 7518 section 6, RFC 8037): usable, left out, or a mistake.

use super::token::{Algorithm, Jws, KID_BYTES_MAX};
use super::{shown, weak};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm as Name, DecodingKey};
use serde_json::{Map, Value};

/// A key that signatures are verified with, by one algorithm only.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) kid: Option<String>,
    pub(super) algorithm: Algorithm,
    decoding: DecodingKey,
}

impl Key {
    /// Whether the signature of the token is one of this key over what was signed.
    pub(super) fn verifies(&self, jws: &Jws<'_>) -> bool {
        let name = match self.algorithm {
            Algorithm::Rs256 => Name::RS256,
            Algorithm::Es256 => Name::ES256,
            Algorithm::EdDsa => Name::EdDSA,
        };
        // The provider is named: the one that the library would look up panics when a build turns on a second one.
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(&name, &self.decoding);
        verifier.is_ok_and(|verifier| verifier.verify(jws.signed.as_bytes(), &jws.signature).is_ok())
    }
}

/// What one member of `keys` is.
pub(super) enum Read {
    Usable(Key),
    /// A key for something else, and for what.
    LeftOut(String),
}

/// Why a key cannot be in a set at all.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) help: Option<&'static str>,
}

impl From<String> for Fault {
    fn from(message: String) -> Fault {
        Fault { message, help: None }
    }
}

impl From<&str> for Fault {
    fn from(message: &str) -> Fault {
        Fault { message: message.to_owned(), help: None }
    }
}

/// The members of RFC 7518 section 6 and RFC 8037 section 2 that are secret, whatever the type of the key.
const SECRET: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// Signatures of larger keys cost more to verify than a request is worth, and the library refuses them.
const MODULUS_BITS_MAX: usize = 8192;
const MODULUS_BITS_MIN: usize = 2048;
/// Every exponent in use fits, and the time to verify grows with it.
const EXPONENT_BYTES_MAX: usize = 4;

type Members = Map<String, Value>;

/// The `kid` of a key, if it has one that could be told.
pub(super) fn kid(members: &Members) -> Option<String> {
    members.get("kid").and_then(Value::as_str).map(str::to_owned)
}

/// Reads one key.
///
/// # Errors
/// A secret in the set, a member of the wrong type, a key for our use that is malformed or too weak.
pub(super) fn read(members: &Members) -> Result<Read, Fault> {
    if let Some(name) = SECRET.into_iter().find(|name| members.contains_key(*name)) {
        return Err(Fault {
            message: format!("has the secret member `{name}`"),
            help: Some(
                "a key set is public: take the secret members out, and replace the key if others could read it",
            ),
        });
    }
    let kty = text(members, "kty")?.ok_or("has no `kty`")?;
    let kid = text(members, "kid")?.map(str::to_owned);
    if kid.as_ref().is_some_and(|kid| kid.len() > KID_BYTES_MAX) {
        return Err(format!("has a `kid` of more than {KID_BYTES_MAX} bytes").into());
    }
    if let Some(purpose) = other_purpose(members)? {
        return Ok(Read::LeftOut(purpose));
    }
    let curve = text(members, "crv")?;
    let algorithm = match (kty, curve) {
        ("RSA", None) => Algorithm::Rs256,
        ("EC", Some("P-256")) => Algorithm::Es256,
        ("OKP", Some("Ed25519")) => Algorithm::EdDsa,
        ("EC" | "OKP", None) => return Err(format!("is of type `{kty}` and has no `crv`").into()),
        (_, None) => return Ok(Read::LeftOut(format!("its type is {}", shown(kty)))),
        (_, Some(curve)) => {
            return Ok(Read::LeftOut(format!("its type is {} and its curve {}", shown(kty), shown(curve))));
        }
    };
    if let Some(name) = text(members, "alg")?
        && name != algorithm.as_str()
    {
        return Ok(Read::LeftOut(format!("it is for the algorithm {}", shown(name))));
    }
    let decoding = match algorithm {
        Algorithm::Rs256 => rsa(members)?,
        Algorithm::Es256 => p256(members)?,
        Algorithm::EdDsa => ed25519(members)?,
    };
    Ok(Read::Usable(Key { kid, algorithm, decoding }))
}

/// What the key is for, if that is not (or not only) signatures: RFC 7517 4.2 and 4.3.
fn other_purpose(members: &Members) -> Result<Option<String>, Fault> {
    if let Some(purpose) = text(members, "use")?
        && purpose != "sig"
    {
        return Ok(Some(format!("its `use` is {}", shown(purpose))));
    }
    let Some(operations) = members.get("key_ops") else { return Ok(None) };
    let operations: Option<Vec<&str>> =
        operations.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
    let operations = operations.ok_or("has a `key_ops` that is not a list of strings")?;
    for (at, operation) in operations.iter().enumerate() {
        if operations.iter().skip(at + 1).any(|other| other == operation) {
            return Err(format!("names {} twice in `key_ops`", shown(operation)).into());
        }
    }
    if !operations.contains(&"verify") {
        return Ok(Some("its `key_ops` are without `verify`".into()));
    }
    let other = operations.into_iter().find(|operation| !matches!(*operation, "sign" | "verify"));
    Ok(other.map(|operation| format!("its `key_ops` have {} beside `verify`", shown(operation))))
}

fn rsa(members: &Members) -> Result<DecodingKey, Fault> {
    let (modulus, exponent) = (bytes(members, "n")?, bytes(members, "e")?);
    // RFC 7518 6.3.1.1 wants no leading zeros and warns that some write one; a number is the same number with it.
    let (modulus, exponent) = (significant(&modulus), significant(&exponent));
    let bits = modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
    if bits < MODULUS_BITS_MIN {
        return Err(Fault {
            message: format!("is an RSA key of {bits} bits"),
            help: Some("at least 2048 bits are needed (RFC 7518 3.3)"),
        });
    }
    if bits > MODULUS_BITS_MAX {
        return Err(format!("is an RSA key of {bits} bits, more than {MODULUS_BITS_MAX}").into());
    }
    if modulus.last().is_none_or(|last| last % 2 == 0) {
        return Err("has an even RSA modulus `n`".into());
    }
    if exponent.last().is_none_or(|last| last % 2 == 0) || exponent == [1] {
        return Err("has an RSA exponent `e` that is not an odd number above 1".into());
    }
    if exponent.len() > EXPONENT_BYTES_MAX {
        return Err(format!("has an RSA exponent `e` of more than {EXPONENT_BYTES_MAX} bytes").into());
    }
    if weak::is_roca(modulus) {
        return Err(Fault {
            message: "is an RSA key that can be factored (CVE-2017-15361)".into(),
            help: Some("replace it with one that was not made by the broken smart-card library"),
        });
    }
    Ok(DecodingKey::from_rsa_raw_components(modulus, exponent))
}

fn p256(members: &Members) -> Result<DecodingKey, Fault> {
    // SEC 1 2.3.3, uncompressed. That the point is on the curve is checked with each signature.
    let mut point = vec![4];
    point.extend(coordinate(members, "x")?);
    point.extend(coordinate(members, "y")?);
    Ok(DecodingKey::from_ec_der(&point))
}

fn ed25519(members: &Members) -> Result<DecodingKey, Fault> {
    let point = coordinate(members, "x")?;
    if weak::is_small_order(point) {
        return Err("is a point of small order, for which anybody can make signatures".into());
    }
    Ok(DecodingKey::from_ed_der(&point))
}

/// RFC 7518 6.2.1.2: always the full width of the curve.
fn coordinate(members: &Members, name: &str) -> Result<[u8; 32], Fault> {
    let bytes = bytes(members, name)?;
    let length = bytes.len();
    bytes.try_into().map_err(|_| format!("has a `{name}` of {length} bytes where 32 are needed").into())
}

fn bytes(members: &Members, name: &str) -> Result<Vec<u8>, Fault> {
    let text = text(members, name)?.ok_or_else(|| format!("has no `{name}`"))?;
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| format!("has a `{name}` that is not unpadded canonical base64url").into())
}

fn text<'m>(members: &'m Members, name: &str) -> Result<Option<&'m str>, Fault> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("has a `{name}` that is not a string").into()),
    }
}

fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
