//! What the newest plays say, as plots and lists: the same reading as clients get.

mod words;

use std::fmt::Write as _;

use entity::JsonText;
use entity::game::{Game, abilities, jobs, room_env, scenario, shape_sequence, skills, speed};
use serde_json::Value;

use self::words::Words;
use super::plot::{self, Bar};
use super::words as page;
use super::{heading, line, lines, theirs};
use crate::game::insights::{self, room::Conditions};
use crate::game::{Row, newest_by_owners};
use crate::language::Language;
use crate::text::escape;
use crate::viewer::Owner;
use crate::{Error, Service};

/// The most bars or items of one list; the files have all.
const MOST: usize = 40;

/// What the newest plays say.
pub(super) struct Results {
    traits: Option<insights::traits::Traits>,
    logic: Option<insights::logic::Logic>,
    typing: Option<insights::typing::Typing>,
    jobs: Option<insights::jobs::Jobs>,
    skills: Option<insights::skills::Skills>,
    room: Option<insights::room::Room>,
}

/// A JSON field of the newest play, where there is one that can be read.
async fn field<G: Game>(service: &Service, owner: Owner, field: fn(&Row<G>) -> &JsonText) -> Result<Option<Value>, Error> {
    let newest = newest_by_owners::<G>(service, &[owner]).await?.remove(&owner).flatten();
    Ok(newest.and_then(|row| serde_json::from_str(field(&row).as_str()).ok()))
}

impl Results {
    /// Of this person.
    pub(super) async fn read(service: &Service, owner: Owner) -> Result<Self, Error> {
        let traits = field::<scenario::Entity>(service, owner, |row| &row.traits).await?;
        let logic = field::<shape_sequence::Entity>(service, owner, |row| &row.level_results).await?;
        let typing = field::<speed::Entity>(service, owner, |row| &row.level_stats).await?;
        let jobs = field::<jobs::Entity>(service, owner, |row| &row.job_choices).await?;
        let skills = field::<skills::Entity>(service, owner, |row| &row.skills_assessment).await?;
        let abilities = field::<abilities::Entity>(service, owner, |row| &row.skill_assessment).await?;
        let room = field::<room_env::Entity>(service, owner, |row| &row.room_data).await?;
        Ok(Self {
            traits: traits.as_ref().and_then(insights::traits::of),
            logic: logic.as_ref().and_then(insights::logic::of),
            typing: typing.as_ref().and_then(insights::typing::of),
            jobs: jobs.as_ref().and_then(insights::jobs::of),
            skills: insights::skills::of(skills.as_ref(), abilities.as_ref()),
            room: room.as_ref().and_then(insights::room::of),
        })
    }

    /// As it is shown.
    pub(super) fn html(&self, language: Language) -> String {
        let words = words::of(language);
        let shown = Shown { words, language };
        let parts = [
            self.traits.as_ref().map(|traits| shown.traits(traits)),
            self.logic.as_ref().map(|logic| shown.logic(logic)),
            self.typing.as_ref().map(|typing| shown.typing(typing)),
            self.jobs.as_ref().map(|jobs| {
                let lists = [&jobs.liked, &jobs.undecided, &jobs.disliked];
                shown.counted(words.jobs, words.job_choices.into_iter().zip(lists))
            }),
            self.skills.as_ref().map(|skills| {
                let lists =
                    [&skills.strong, &skills.want_to_learn, &skills.with_support, &skills.to_discover, &skills.left_for_later];
                shown.counted(words.skills, words.standings.into_iter().zip(lists))
            }),
            self.room.as_ref().map(|room| shown.room(room)),
        ];
        let html: String = parts.into_iter().flatten().collect();
        if html.is_empty() { format!("<p>{}</p>", escape(page::of(language).no_results)) } else { html }
    }
}

struct Shown<'a> {
    words: &'a Words,
    language: Language,
}

impl Shown<'_> {
    fn traits(&self, traits: &insights::traits::Traits) -> String {
        let bar = |label: String, points: i32| Bar {
            label,
            value: points.into(),
            shown: format!("{points} {}", self.words.points[usize::from(points > 1)]),
        };
        let ranked = traits.ranked.iter().map(|one| bar(words::trait_name(&one.name, self.language), one.points));
        let groups = traits.groups.iter().map(|(group, points)| bar(words::group(*group, self.language).to_owned(), *points));
        format!(
            "{}<p class=\"soft\">{}</p>{}{}{}",
            heading(self.words.traits),
            escape(self.words.traits_about),
            self.bars(ranked),
            heading(self.words.trait_groups),
            self.bars(groups),
        )
    }

    /// Bars that are as long as the greatest of them says.
    fn bars(&self, all: impl ExactSizeIterator<Item = Bar>) -> String {
        let left_out = all.len().saturating_sub(MOST);
        let some: Vec<_> = all.take(MOST).collect();
        let most = some.iter().map(|bar| bar.value).fold(0.0, f64::max);
        plot::bars(&some, most) + &self.more(left_out)
    }

    fn more(&self, left_out: usize) -> String {
        if left_out == 0 {
            String::new()
        } else {
            format!("<p class=\"soft\">… {} (+{left_out})</p>", escape(page::of(self.language).more))
        }
    }

    fn percent(&self, label: String, percent: f64) -> Bar {
        Bar { label, value: percent, shown: page::percent(percent, self.language) }
    }

    fn logic(&self, logic: &insights::logic::Logic) -> String {
        let solved = Bar {
            label: self.words.solved.to_owned(),
            value: logic.score,
            shown: format!("{} / {} ({})", logic.solved, logic.played, page::percent(logic.score, self.language)),
        };
        let mut list = String::new();
        line(&mut list, self.words.longest_run, Some(&logic.longest_run.to_string()));
        heading(self.words.logic) + &plot::bars(&[solved], 100.0) + &lines("", &list)
    }

    fn typing(&self, typing: &insights::typing::Typing) -> String {
        let mut html = heading(self.words.typing);
        let speeds = typing.course.iter().filter_map(|level| {
            let speed = level.words_per_minute?;
            let shown = format!("{} {}", page::number(speed, self.language), self.words.per_minute);
            Some(Bar { label: format!("{} {}", self.words.level, level.level), value: speed, shown })
        });
        html.push_str(&self.bars(speeds.collect::<Vec<_>>().into_iter()));
        if let Some(accuracy) = typing.accuracy {
            html.push_str(&plot::bars(&[self.percent(self.words.accuracy.to_owned(), accuracy)], 100.0));
        }
        html
    }

    /// Lists, with bars of how long they are.
    fn counted<'a>(&self, title: &str, lists: impl Iterator<Item = (&'static str, &'a Vec<String>)>) -> String {
        let lists: Vec<_> = lists.filter(|(_, items)| !items.is_empty()).collect();
        let bars = lists.iter().map(|(label, items)| {
            #[expect(clippy::cast_precision_loss, reason = "a count")]
            let value = items.len() as f64;
            Bar { label: (*label).to_owned(), value, shown: items.len().to_string() }
        });
        let mut html = heading(title) + &self.bars(bars);
        html.push_str("<dl>");
        for (label, items) in &lists {
            let some: Vec<_> = items.iter().take(MOST).map(|item| theirs(item)).collect();
            let more = self.more(items.len().saturating_sub(MOST));
            let _ = write!(html, "<dt>{}</dt><dd>{}{more}</dd>", escape(label), some.join(", "));
        }
        html + "</dl>"
    }

    fn room(&self, room: &insights::room::Room) -> String {
        let mut html = String::new();
        for (title, conditions) in self.words.rooms.into_iter().zip([&room.preferred, &room.difficult, &room.tried]) {
            for one in conditions.iter().take(MOST) {
                let _ = write!(html, "{}{}", heading(&page::colon(self.words.room, title, self.language)), self.conditions(one));
            }
            html.push_str(&self.more(conditions.len().saturating_sub(MOST)));
        }
        if !room.objects.is_empty() {
            let objects = room.objects.iter().take(MOST).map(|object| {
                let parts = [Some(&object.object_type), object.name.as_ref(), object.setting.as_ref()];
                theirs(&parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", "))
            });
            let _ = write!(html, "{}<ul>", heading(self.words.objects));
            for object in objects {
                let _ = write!(html, "<li>{object}</li>");
            }
            html.push_str("</ul>");
            html.push_str(&self.more(room.objects.len().saturating_sub(MOST)));
        }
        html
    }

    fn conditions(&self, one: &Conditions) -> String {
        let number = |value: f64| page::number(value, self.language);
        let values = [
            one.light_intensity.clone(),
            one.light_color.clone(),
            one.room_color.clone(),
            one.noise_type.clone(),
            None,
            one.people_in_room.map(|people| people.to_string()),
            one.feedback.clone(),
            one.commentary.clone(),
        ];
        let mut list = String::new();
        for (name, value) in self.words.conditions.into_iter().zip(values) {
            line(&mut list, name, value.as_deref());
        }
        let volume = one.noise_volume.map(|volume| {
            let label = self.words.conditions[4].to_owned();
            plot::bars(&[Bar { label, value: volume, shown: format!("{} / 10", number(volume)) }], 10.0)
        });
        format!("<p>{}</p>{}{}", theirs(&one.room), lines("", &list), volume.unwrap_or_default())
    }
}
