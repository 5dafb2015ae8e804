//! Shape sequences: how many were solved, and how that went on.

use serde_json::Value;

/// How the levels went.
#[derive(Clone, Debug, PartialEq)]
pub struct Logic {
    /// Levels solved.
    pub solved: i32,
    /// Levels played.
    pub played: i32,
    /// Solved of those played, percent, 0 to 100.
    pub score: f64,
    /// The most levels solved one after the other.
    pub longest_run: i32,
    /// Each level played and whether it was solved, in their order.
    pub course: Vec<(i32, bool)>,
}

/// Of `levelResults`.
#[must_use]
pub fn of(level_results: &Value) -> Option<Logic> {
    let levels = super::by_level(level_results).into_iter();
    let course: Vec<_> = levels.filter_map(|(level, solved)| Some((level, solved.as_bool()?))).collect();
    let (mut solved, mut run, mut longest_run, mut before) = (0, 0, 0, None);
    for (level, is_solved) in &course {
        // A level that was not played yet ends a run as well.
        let goes_on = before.is_none_or(|before: i32| before.checked_add(1) == Some(*level));
        run = if *is_solved { if goes_on { run + 1 } else { 1 } } else { 0 };
        solved += i32::from(*is_solved);
        longest_run = longest_run.max(run);
        before = Some(*level);
    }
    let played = super::count(course.len());
    (played > 0).then(|| Logic { solved, played, score: 100.0 * f64::from(solved) / f64::from(played), longest_run, course })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::of;

    #[test]
    fn levels_are_counted_in_their_order() {
        let logic = of(&super::super::session("shapeSequence", "levelResults")).expect("played");
        assert_eq!((logic.solved, logic.played, logic.longest_run), (10, 12, 5));
        assert!((logic.score - 83.333_333).abs() < 1e-4);
        assert_eq!(logic.course[..3], [(1, true), (2, true), (3, false)]);
        assert_eq!(logic.course[11], (12, true));
    }

    #[test]
    fn a_run_ends_where_a_level_is_missing() {
        let logic = of(&json!({ "1": true, "2": true, "4": true, "10": true, "9": true, "11": true })).expect("played");
        assert_eq!((logic.solved, logic.longest_run), (6, 3));
        assert_eq!(of(&json!({})), None);
        assert_eq!(of(&json!({ "x": true, "1": "oui" })), None);
    }
}
