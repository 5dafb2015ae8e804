//! Skills and abilities together, by how somebody sees their own.

use std::collections::HashSet;

use serde_json::Value;

use crate::game::valid::standings;

/// Skills and abilities by standing. Each stands once: where the two games say two things of one, the stronger counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skills {
    /// What they are good at.
    pub strong: Vec<String>,
    /// What they want to learn.
    pub want_to_learn: Vec<String>,
    /// What goes better with some support.
    pub with_support: Vec<String>,
    /// What there is to discover.
    pub to_discover: Vec<String>,
    /// What they left for later.
    pub left_for_later: Vec<String>,
}

/// Of `skillsAssessment` and `skillAssessment`, either of which may be missing.
#[must_use]
pub fn of(skills: Option<&Value>, abilities: Option<&Value>) -> Option<Skills> {
    let mut found = Skills::default();
    let mut seen = HashSet::new();
    let Skills { strong, want_to_learn, with_support, to_discover, left_for_later } = &mut found;
    let places = [
        (strong, ["Strong"].as_slice()),
        (want_to_learn, &["WantToLearn"]),
        (with_support, &["Weak"]),
        // The front end writes it both ways.
        (to_discover, &["Unknown", "Unknow"]),
        (left_for_later, &["Skipped"]),
    ];
    for (place, names) in places {
        for (standing, label) in skills.into_iter().chain(abilities).flat_map(standings) {
            if names.contains(&standing) && seen.insert(label) {
                place.push(label.to_owned());
            }
        }
    }
    (found != Skills::default()).then_some(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::of;

    #[test]
    fn both_games_are_read_together() {
        let (skills, abilities) =
            (super::super::session("skills", "skillsAssessment"), super::super::session("abilities", "skillAssessment"));
        let both = of(Some(&skills), Some(&abilities)).expect("played");
        assert_eq!(both.strong, ["Dessin", "Tri et classement", "Observation", "Créativité", "Patience"]);
        assert_eq!(both.want_to_learn, ["Soudure", "Tableur", "Gestion du stress", "Prise de parole"]);
        assert_eq!(both.with_support, ["Téléphone", "Gestion du temps"]);
        assert_eq!(both.to_discover, ["Comptabilité", "Négociation"]);
        assert_eq!(both.left_for_later, ["Conduite"]);
        assert_eq!(of(None, Some(&abilities)).expect("played").strong.len(), 3);
    }

    #[test]
    fn the_stronger_standing_counts() {
        let (skills, abilities) = (json!({ "Weak": { "Dessin": {} } }), json!({ "Strong": ["Dessin"], "Unknow": ["Dessin"] }));
        let both = of(Some(&skills), Some(&abilities)).expect("played");
        assert_eq!((both.strong.len(), both.with_support.len(), both.to_discover.len()), (1, 0, 0));
        assert_eq!(of(None, None), None);
        assert_eq!(of(Some(&json!({ "Strong": {} })), Some(&json!({}))), None);
    }
}
