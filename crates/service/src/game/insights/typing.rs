//! Typing speed: the best of each, and how the levels went.

use serde_json::Value;

/// How a level went; `None` where it was not said.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Its number, from 1.
    pub level: i32,
    /// It was passed.
    pub passed: Option<bool>,
    /// Words a minute.
    pub words_per_minute: Option<f64>,
    /// Percent, 0 to 100.
    pub accuracy: Option<f64>,
}

/// How the levels went.
#[derive(Clone, Debug, PartialEq)]
pub struct Typing {
    /// The highest level played.
    pub level_reached: i32,
    /// Levels passed.
    pub levels_passed: i32,
    /// The most words a minute, of the levels that were passed, or of all where none was.
    pub words_per_minute: Option<f64>,
    /// The greatest accuracy, percent, 0 to 100, of the same levels.
    pub accuracy: Option<f64>,
    /// Each level played, in their order.
    pub course: Vec<Level>,
}

/// Of `levelStats`.
#[must_use]
pub fn of(level_stats: &Value) -> Option<Typing> {
    let levels = super::by_level(level_stats).into_iter().filter(|(_, stats)| stats.is_object());
    let course: Vec<_> = levels
        .map(|(level, stats)| Level {
            level,
            passed: stats["success"].as_bool(),
            words_per_minute: stats["wpm"].as_f64(),
            accuracy: stats["accuracy"].as_f64(),
        })
        .collect();
    let levels_passed = super::count(course.iter().filter(|level| level.passed == Some(true)).count());
    let counted = || course.iter().filter(|level| level.passed == Some(true) || levels_passed == 0);
    Some(Typing {
        level_reached: course.last()?.level,
        levels_passed,
        words_per_minute: counted().filter_map(|level| level.words_per_minute).reduce(f64::max),
        accuracy: counted().filter_map(|level| level.accuracy).reduce(f64::max),
        course,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::of;

    #[test]
    fn the_best_of_what_was_passed_counts() {
        let typing = of(&super::super::session("speed", "levelStats")).expect("played");
        assert_eq!((typing.level_reached, typing.levels_passed), (3, 2));
        assert_eq!((typing.words_per_minute, typing.accuracy), (Some(21.0), Some(97.5)));
        assert_eq!(typing.course.len(), 3);
        let faster_but_not_passed =
            json!({ "1": { "success": true, "wpm": 20 }, "2": { "success": false, "wpm": 90, "accuracy": 3 } });
        assert_eq!(of(&faster_but_not_passed).map(|typing| (typing.words_per_minute, typing.accuracy)), Some((Some(20.0), None)));
    }

    #[test]
    fn without_a_level_passed_the_best_of_all_counts() {
        let typing = of(&json!({ "2": { "wpm": 9, "accuracy": 70 }, "1": { "success": false, "wpm": 12 } })).expect("played");
        assert_eq!((typing.words_per_minute, typing.accuracy, typing.level_reached), (Some(12.0), Some(70.0), 2));
        assert_eq!(of(&json!({})), None);
        assert_eq!(of(&json!({ "1": 3 })), None);
    }
}
