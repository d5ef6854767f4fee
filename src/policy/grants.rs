//! What a role or a custom set grants: permissions outright, permissions narrowed by a relation, options, and the
//! modules that are on.

use super::domain::Domain;
use super::table::{IdSet, ModuleId, PermissionId};

/// A fact of the roster that narrows a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// The subject teaches the class that is asked about.
    OwnClasses,
    /// The subject is a guardian of the student who is asked about.
    OwnChildren,
    /// The subject is the one who is asked about.
    Own,
    /// The subject is one of those to whom the resource is assigned.
    Assigned,
}

impl Relation {
    /// The words for the relations.
    pub const WORDS: &'static [(&'static str, Relation)] = &[
        ("own_classes", Relation::OwnClasses),
        ("own_children", Relation::OwnChildren),
        ("self", Relation::Own),
        ("assigned", Relation::Assigned),
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        Relation::WORDS.iter().find(|(_, relation)| *relation == self).map_or("", |(word, _)| word)
    }
}

/// A permission as a custom set lists it: `module.permission` or `module.permission:relation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// The permission.
    pub permission: PermissionId,
    /// `None` for a grant outright.
    pub relation: Option<Relation>,
}

impl Listed {
    /// Reads a word by the names of a domain.
    pub fn parse(domain: &Domain, word: &str) -> Option<Listed> {
        let (name, relation) = match word.split_once(':') {
            None => (word, None),
            Some((name, relation)) => {
                let known = Relation::WORDS.iter().find(|(known, _)| *known == relation)?;
                (name, Some(known.1))
            }
        };
        Some(Listed { permission: domain.permission(name)?, relation })
    }

    /// Whether a grant of the same permission within `relation` reaches as far.
    pub fn is_covered_by(&self, relation: Option<Relation>) -> bool {
        relation.is_none() || relation == self.relation
    }
}

/// One grant, as a role lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Grant {
    pub(super) permission: PermissionId,
    /// `None` for a grant outright.
    pub(super) relation: Option<Relation>,
    /// Had only when the assignment switches it on.
    pub(super) optional: bool,
}

/// The grants of a role, with all that it includes, or of a custom set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Grants {
    /// Granted outright: the one that almost every decision reads.
    plain: IdSet<PermissionId>,
    /// Granted within a relation, ordered by permission.
    narrowed: Vec<(PermissionId, Relation)>,
    /// Granted where the assignment switches it on, ordered by permission.
    optional: Vec<(PermissionId, Option<Relation>)>,
    modules_on: IdSet<ModuleId>,
}

/// How a permission is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted<'g> {
    /// Not at all.
    No,
    /// Outright.
    Outright,
    /// To those who stand in one of these relations.
    Within(&'g [(PermissionId, Relation)]),
}

impl Grants {
    /// Packs a list of grants. A grant outright makes relations and options of the same permission moot; an option adds
    /// nothing to a grant that is there already, whose relation stays.
    pub(super) fn pack(mut grants: Vec<Grant>, modules_on: IdSet<ModuleId>) -> Grants {
        grants.sort_unstable();
        grants.dedup();
        let mut packed = Grants { modules_on, ..Grants::default() };
        for of_one in grants.chunk_by(|one, other| one.permission == other.permission) {
            let firm = of_one.iter().filter(|grant| !grant.optional);
            if firm.clone().any(|grant| grant.relation.is_none()) {
                packed.plain.extend(of_one.first().map(|grant| grant.permission));
            } else if firm.clone().next().is_some() {
                packed.narrowed.extend(firm.filter_map(|grant| Some((grant.permission, grant.relation?))));
            } else {
                packed.optional.extend(of_one.iter().map(|grant| (grant.permission, grant.relation)));
            }
        }
        packed
    }

    /// How `permission` is granted, options aside.
    pub fn of(&self, permission: PermissionId) -> Granted<'_> {
        if self.plain.contains(permission) {
            return Granted::Outright;
        }
        if self.narrowed.is_empty() {
            return Granted::No;
        }
        let from = self.narrowed.partition_point(|(listed, _)| *listed < permission);
        let to = self.narrowed.partition_point(|(listed, _)| *listed <= permission);
        match self.narrowed.get(from..to) {
            None | Some([]) => Granted::No,
            Some(within) => Granted::Within(within),
        }
    }

    /// How `permission` is offered as an option: the relations it would have, `None` for outright.
    pub fn option(&self, permission: PermissionId) -> impl Iterator<Item = Option<Relation>> + '_ {
        let from = self.optional.partition_point(|(listed, _)| *listed < permission);
        let listed = self.optional.get(from..).unwrap_or_default().iter();
        listed.take_while(move |(listed, _)| *listed == permission).map(|(_, relation)| *relation)
    }

    /// In which relations `permission` is had with these options switched on, `None` for outright. Nothing where it is
    /// not had.
    pub fn carried(
        &self,
        permission: PermissionId,
        options: &[PermissionId],
    ) -> impl Iterator<Item = Option<Relation>> + '_ {
        let (outright, within) = match self.of(permission) {
            Granted::Outright => (Some(None), [].as_slice()),
            Granted::Within(within) => (None, within),
            Granted::No => (None, [].as_slice()),
        };
        let switched_on = outright.is_none() && within.is_empty() && options.contains(&permission);
        let optional = switched_on.then(|| self.option(permission)).into_iter().flatten();
        outright.into_iter().chain(within.iter().map(|(_, relation)| Some(*relation))).chain(optional)
    }

    /// Whether `permission` is granted as far as `relation` reaches, options aside.
    pub fn covers(&self, permission: PermissionId, relation: Option<Relation>) -> bool {
        match self.of(permission) {
            Granted::Outright => true,
            Granted::Within(within) => {
                relation.is_some() && within.iter().any(|(_, have)| Some(*have) == relation)
            }
            Granted::No => false,
        }
    }

    /// Whether nothing is granted, offered or on.
    pub fn is_empty(&self) -> bool {
        self.plain.is_empty()
            && self.narrowed.is_empty()
            && self.optional.is_empty()
            && self.modules_on.is_empty()
    }

    /// Whether something is granted, or offered, within a relation.
    pub fn has_relations(&self) -> bool {
        !self.narrowed.is_empty() || self.optional.iter().any(|(_, relation)| relation.is_some())
    }

    /// The modules that are on.
    pub fn modules_on(&self) -> impl Iterator<Item = ModuleId> + '_ {
        self.modules_on.iter()
    }

    /// Whether `module` is on.
    pub fn has_on(&self, module: ModuleId) -> bool {
        self.modules_on.contains(module)
    }

    /// Every permission that may be had by these grants, options and relations included, in the order of the ids.
    pub fn listed(&self) -> Vec<PermissionId> {
        let narrowed = self.narrowed.iter().map(|(permission, _)| *permission);
        let optional = self.optional.iter().map(|(permission, _)| *permission);
        let mut listed: Vec<PermissionId> = self.plain.iter().chain(narrowed).chain(optional).collect();
        listed.sort_unstable();
        listed.dedup();
        listed
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::Id;
    use super::*;

    fn permission(row: u32) -> PermissionId {
        PermissionId::from_row(row)
    }

    fn grant(row: u32, relation: Option<Relation>, optional: bool) -> Grant {
        Grant { permission: permission(row), relation, optional }
    }

    #[test]
    fn a_grant_outright_makes_relations_and_options_moot() {
        let own = Some(Relation::OwnClasses);
        let grants = Grants::pack(
            vec![grant(1, own, false), grant(1, None, true), grant(1, None, false)],
            IdSet::new(),
        );
        assert_eq!(grants.of(permission(1)), Granted::Outright);
        assert_eq!(grants.option(permission(1)).count(), 0);
    }

    #[test]
    fn an_option_adds_nothing_to_a_grant_that_is_there_already() {
        let own = Some(Relation::OwnClasses);
        let grants = Grants::pack(
            vec![grant(1, None, true), grant(1, own, false), grant(2, None, true)],
            IdSet::new(),
        );
        assert_eq!(grants.of(permission(1)), Granted::Within(&[(permission(1), Relation::OwnClasses)]));
        assert_eq!(grants.option(permission(1)).count(), 0);
        assert_eq!(grants.of(permission(2)), Granted::No);
        assert_eq!(grants.option(permission(2)).collect::<Vec<_>>(), [None]);
        assert_eq!(grants.listed(), [permission(1), permission(2)]);
    }
}
