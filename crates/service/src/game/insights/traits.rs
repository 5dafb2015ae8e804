//! Workplace scenarios: the traits that showed, the strongest first.

use std::collections::BTreeMap;

use serde_json::Value;

/// What traits have to do with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TraitGroup {
    /// Saying and hearing.
    Communication,
    /// Being with others.
    Relationships,
    /// Meeting what is new.
    Adaptability,
    /// Taking care of what is to be done.
    Organisation,
    /// Going one's own way.
    Autonomy,
    /// Traits that are not among the 29 of the game.
    Other,
}

/// The game's 29 traits by group.
const GROUPS: [(TraitGroup, &[&str]); 5] = [
    (TraitGroup::Communication, &["assertivite", "communication", "diplomatie", "ecouteActive", "negociation", "franchise"]),
    (TraitGroup::Relationships, &["empathie", "espritEquipe", "soutien", "mediation", "inclusion", "coaching"]),
    (TraitGroup::Adaptability, &["adaptabilite", "initiative", "reflexionRapide", "gestionStress", "creativite"]),
    (TraitGroup::Organisation, &["responsabilite", "anticipation", "observation", "apprentissage", "gestionTemps", "decision"]),
    (TraitGroup::Autonomy, &["confianceEnSoi", "autonomie", "patience", "curiosite", "pragmatisme", "assurance"]),
];

/// Those that the data model's example names in English.
const IN_ENGLISH: [(&str, TraitGroup); 4] = [
    ("empathy", TraitGroup::Relationships),
    ("diplomacy", TraitGroup::Communication),
    ("assertiveness", TraitGroup::Communication),
    ("pragmatism", TraitGroup::Autonomy),
];

impl TraitGroup {
    fn of(name: &str) -> Self {
        let in_french = GROUPS.iter().find(|(_, names)| names.contains(&name)).map(|(group, _)| *group);
        let in_english = || IN_ENGLISH.iter().find(|(english, _)| *english == name).map(|(_, group)| *group);
        in_french.or_else(in_english).unwrap_or(Self::Other)
    }
}

/// A trait that showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trait {
    /// As the game names it.
    pub name: String,
    /// What it has to do with.
    pub group: TraitGroup,
    /// Its points, added up over the scenarios; from 1.
    pub points: i32,
    /// 1 for the strongest; traits with the same points share a rank.
    pub rank: i32,
}

/// The traits that showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traits {
    /// The strongest first; those with the same points in the order they were stored.
    pub ranked: Vec<Trait>,
    /// The points of each group that showed, the strongest first.
    pub groups: Vec<(TraitGroup, i32)>,
}

/// Of `traits`.
#[must_use]
pub fn of(traits: &Value) -> Option<Traits> {
    let points = traits.as_object()?.iter().filter_map(|(name, points)| {
        // `1.0` is a whole number, too.
        #[expect(clippy::cast_possible_truncation, reason = "a cast of floats saturates")]
        let points = points.as_f64()? as i32;
        (points > 0).then_some((name, points))
    });
    let mut points: Vec<_> = points.collect();
    points.sort_by_key(|(_, points)| std::cmp::Reverse(*points));
    let mut groups = BTreeMap::new();
    let mut ranked: Vec<Trait> = Vec::with_capacity(points.len());
    for (name, points) in points {
        let group = TraitGroup::of(name);
        let of_group: &mut i32 = groups.entry(group).or_default();
        *of_group = of_group.saturating_add(points);
        let rank = match ranked.last() {
            Some(before) if before.points == points => before.rank,
            _ => super::count(ranked.len() + 1),
        };
        ranked.push(Trait { name: name.to_owned(), group, points, rank });
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, points)| std::cmp::Reverse(*points));
    (!ranked.is_empty()).then_some(Traits { ranked, groups })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{GROUPS, TraitGroup, of};

    #[test]
    fn the_strongest_come_first() {
        let traits = of(&super::super::session("scenario", "traits")).expect("played");
        let ranked: Vec<_> = traits.ranked.iter().map(|one| (one.rank, one.name.as_str(), one.points)).collect();
        assert_eq!(
            ranked,
            [
                (1, "pragmatisme", 5),
                (2, "empathie", 4),
                (3, "diplomatie", 3),
                (3, "espritEquipe", 3),
                (5, "assertivite", 2),
                (6, "gestionStress", 1)
            ]
        );
        assert_eq!(
            traits.groups,
            [
                (TraitGroup::Relationships, 7),
                (TraitGroup::Communication, 5),
                (TraitGroup::Autonomy, 5),
                (TraitGroup::Adaptability, 1)
            ]
        );
    }

    #[test]
    fn what_did_not_show_is_not_told() {
        assert_eq!(of(&json!({})), None);
        assert_eq!(of(&json!({ "empathie": 0 })), None);
        assert_eq!(of(&json!([])), None);
        let english = of(&json!({ "empathy": 4, "patience": 5 })).expect("played");
        assert_eq!((english.ranked[1].name.as_str(), english.ranked[1].group), ("empathy", TraitGroup::Relationships));
        let own = of(&json!({ "humour": 2.0, "x": "y" })).expect("played");
        assert_eq!((own.ranked.len(), own.ranked[0].group), (1, TraitGroup::Other));
    }

    #[test]
    fn there_are_29_traits_each_in_one_group() {
        let mut names: Vec<_> = GROUPS.iter().flat_map(|(_, names)| *names).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 29);
    }
}
