//! How the plays of each game went on, in a bounded number of points.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::game::GameKind;
use sea_orm::{EntityTrait, IdenStatic, Iterable, ModelTrait, Value};

use crate::data_export::tables::{Kept, Table};

/// The most points of a game.
const MOST: usize = 96;

/// How the plays of a game went on.
#[derive(Debug)]
pub(in crate::data_export) struct Course {
    /// When a play began and how far it came, in the order of their ids: every `stride`-th of them.
    pub(super) points: Vec<(DateTime<Utc>, f64)>,
    /// The last play.
    pub(super) last: (DateTime<Utc>, f64),
    /// How many plays there are.
    pub(super) plays: usize,
    stride: usize,
}

/// The course of each game that was played.
#[derive(Debug, Default)]
pub(in crate::data_export) struct Courses(HashMap<GameKind, Course>);

impl Courses {
    /// Of a game.
    pub(super) fn of(&self, kind: GameKind) -> Option<&Course> {
        self.0.get(&kind)
    }

    /// Notes a row, if it is a play.
    pub(in crate::data_export) fn note<E: EntityTrait>(&mut self, table: &Table<E>, row: &E::Model) {
        let value = |name: &str| E::Column::iter().find(|column| column.as_str() == name).map(|column| row.get(column));
        let Some(Kept::Number(kind)) = table.kept("id") else { return };
        if let (Some(Value::ChronoDateTimeUtc(Some(began))), Some(Value::Double(Some(completion)))) =
            (value("date_created"), value("completion"))
        {
            self.add(kind, began, completion);
        }
    }

    fn add(&mut self, kind: GameKind, began: DateTime<Utc>, completion: f64) {
        let point = (began, completion);
        let course = self.0.entry(kind).or_insert(Course { points: Vec::new(), last: point, plays: 0, stride: 1 });
        if course.plays.is_multiple_of(course.stride) {
            if course.points.len() == MOST {
                // Every second one goes, and of those to come as well.
                let mut keep = false;
                course.points.retain(|_| {
                    keep = !keep;
                    keep
                });
                course.stride *= 2;
            }
            if course.plays.is_multiple_of(course.stride) {
                course.points.push(point);
            }
        }
        course.plays += 1;
        course.last = point;
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::{Courses, GameKind, MOST};

    #[test]
    fn points_are_bounded_and_even() {
        let mut courses = Courses::default();
        for play in 0..10_000 {
            courses.add(GameKind::Speed, DateTime::from_timestamp(play, 0).expect("a time"), 50.0);
        }
        let course = courses.of(GameKind::Speed).expect("played");
        assert!((MOST / 2..=MOST).contains(&course.points.len()), "{}", course.points.len());
        assert_eq!((course.plays, course.last.0.timestamp(), course.points[0].0.timestamp()), (10_000, 9_999, 0));
        let steps: Vec<_> = course.points.windows(2).map(|pair| (pair[1].0 - pair[0].0).num_seconds()).collect();
        assert!(steps.iter().all(|step| *step == steps[0]), "{steps:?}");
    }
}
