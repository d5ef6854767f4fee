//! draft

/// What an issuer or a trusted header says of a subject, as far as the policy asks for it.
pub trait Claims {
    /// The claim `name` as text, if it is text.
    fn text(&self, name: &str) -> Option<&str>;
    /// The claim `name` as a truth value, if it is one.
    fn flag(&self, name: &str) -> Option<bool>;
}
