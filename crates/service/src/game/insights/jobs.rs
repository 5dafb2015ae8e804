//! Jobs: those liked, and the others.

use serde_json::Value;

/// Jobs by what somebody thinks of them, each in the order they were stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jobs {
    /// Those they like.
    pub liked: Vec<String>,
    /// Those they have not made up their mind about.
    pub undecided: Vec<String>,
    /// Those they would rather not do.
    pub disliked: Vec<String>,
}

/// Of `jobChoices`.
#[must_use]
pub fn of(job_choices: &Value) -> Option<Jobs> {
    let mut jobs = Jobs::default();
    for (name, choice) in job_choices.as_object()? {
        match choice.as_str() {
            Some("like") => jobs.liked.push(name.clone()),
            Some("dislike") => jobs.disliked.push(name.clone()),
            Some("unknown") => jobs.undecided.push(name.clone()),
            _ => {}
        }
    }
    (jobs != Jobs::default()).then_some(jobs)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::of;

    #[test]
    fn jobs_stand_by_choice_in_their_order() {
        let jobs = of(&super::super::session("jobs", "jobChoices")).expect("played");
        assert_eq!(
            jobs.liked,
            [
                "Soudeur/Soudeuse",
                "Éleveur/Éleveuse d'ovins",
                "Ébéniste",
                "Pâtissier/Pâtissière",
                "Mécanicien en cycle et motocycle"
            ]
        );
        assert_eq!(jobs.undecided, ["Conducteur de machines agricoles", "Fleuriste"]);
        assert_eq!(jobs.disliked.len(), 3);
        assert_eq!(of(&json!({})), None);
        assert_eq!(of(&json!({ "Fleuriste": "love" })), None);
    }
}
