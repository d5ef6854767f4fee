//! The words of OneRoster, and what a bundle calls them.

/// What a person is there (`role` of `users.csv` and `enrollments.csv` in 1.1, of `roles.csv` and `enrollments.csv` in
/// 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum RoleWord {
    Administrator,
    Aide,
    Counselor,
    DistrictAdministrator,
    Guardian,
    Parent,
    Principal,
    Proctor,
    Relative,
    SiteAdministrator,
    Student,
    SystemAdministrator,
    Teacher,
}

impl RoleWord {
    /// What a bundle writes, what OneRoster writes.
    const WORDS: &'static [(&'static str, &'static str, RoleWord)] = &[
        ("administrator", "administrator", RoleWord::Administrator),
        ("aide", "aide", RoleWord::Aide),
        ("counselor", "counselor", RoleWord::Counselor),
        ("district_administrator", "districtAdministrator", RoleWord::DistrictAdministrator),
        ("guardian", "guardian", RoleWord::Guardian),
        ("parent", "parent", RoleWord::Parent),
        ("principal", "principal", RoleWord::Principal),
        ("proctor", "proctor", RoleWord::Proctor),
        ("relative", "relative", RoleWord::Relative),
        ("site_administrator", "siteAdministrator", RoleWord::SiteAdministrator),
        ("student", "student", RoleWord::Student),
        ("system_administrator", "systemAdministrator", RoleWord::SystemAdministrator),
        ("teacher", "teacher", RoleWord::Teacher),
    ];

    /// The word as a bundle writes it.
    pub(crate) fn named(word: &str) -> Option<RoleWord> {
        RoleWord::WORDS.iter().find(|(name, ..)| *name == word).map(|(.., role)| *role)
    }

    /// The word as OneRoster writes it; case matters there.
    pub(crate) fn parse(word: &str) -> Option<RoleWord> {
        RoleWord::WORDS.iter().find(|(_, token, _)| *token == word).map(|(.., role)| *role)
    }

    /// The bit of the word in a set.
    pub(crate) const fn bit(self) -> u16 {
        1 << self as u16
    }

    /// All words as a bundle writes them.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        RoleWord::WORDS.iter().map(|(name, ..)| *name)
    }
}

/// What may become a scope: the types of `orgs.csv`, classes, and for the scopes of guardians students.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum PlaceWord {
    Department,
    School,
    District,
    Local,
    State,
    National,
    Class,
    Student,
}

impl PlaceWord {
    const WORDS: &'static [(&'static str, PlaceWord)] = &[
        ("department", PlaceWord::Department),
        ("school", PlaceWord::School),
        ("district", PlaceWord::District),
        ("local", PlaceWord::Local),
        ("state", PlaceWord::State),
        ("national", PlaceWord::National),
        ("class", PlaceWord::Class),
        ("student", PlaceWord::Student),
    ];

    /// The word as a bundle writes it.
    pub(crate) fn named(word: &str) -> Option<PlaceWord> {
        PlaceWord::WORDS.iter().find(|(name, _)| *name == word).map(|(_, place)| *place)
    }

    /// The type of an org.
    pub(crate) fn parse_org(word: &str) -> Option<PlaceWord> {
        PlaceWord::named(word).filter(|place| !matches!(place, PlaceWord::Class | PlaceWord::Student))
    }

    /// All words.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        PlaceWord::WORDS.iter().map(|(name, _)| *name)
    }
}

/// A column of `users.csv` that can name a person. Others (names, addresses, phones) are never read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum UserColumn {
    SourcedId,
    Username,
    Identifier,
    Email,
    UserMasterIdentifier,
}

impl UserColumn {
    const WORDS: &'static [(&'static str, &'static str, UserColumn)] = &[
        ("sourced_id", "sourcedId", UserColumn::SourcedId),
        ("username", "username", UserColumn::Username),
        ("identifier", "identifier", UserColumn::Identifier),
        ("email", "email", UserColumn::Email),
        ("user_master_identifier", "userMasterIdentifier", UserColumn::UserMasterIdentifier),
    ];

    /// The column as a bundle writes it.
    pub(crate) fn named(word: &str) -> Option<UserColumn> {
        UserColumn::WORDS.iter().find(|(name, ..)| *name == word).map(|(.., column)| *column)
    }

    /// All columns as a bundle writes them.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        UserColumn::WORDS.iter().map(|(name, ..)| *name)
    }

    /// The column in the file.
    pub(crate) fn header(self) -> &'static str {
        UserColumn::WORDS.iter().find(|(.., column)| *column == self).map_or("", |(_, header, _)| header)
    }
}
