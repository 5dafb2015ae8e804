//! The ideal room: in which conditions somebody felt well, and in which not.

use serde_json::Value;

/// Settings of a room that somebody tried; `None` where it was not said.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditions {
    /// The room's name.
    pub room: String,
    /// How bright the light is.
    pub light_intensity: Option<String>,
    /// The light's colour.
    pub light_color: Option<String>,
    /// The room's colour.
    pub room_color: Option<String>,
    /// What is to be heard.
    pub noise_type: Option<String>,
    /// How loud, 0 to 10.
    pub noise_volume: Option<f64>,
    /// How many others are there.
    pub people_in_room: Option<i32>,
    /// How it felt, as they said it.
    pub feedback: Option<String>,
    /// What else they had to say.
    pub commentary: Option<String>,
}

/// An object that somebody put into the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What kind of object.
    pub object_type: String,
    /// Which one.
    pub name: Option<String>,
    /// How it is set.
    pub setting: Option<String>,
}

/// What was tried.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Room {
    /// Conditions that felt well.
    pub preferred: Vec<Conditions>,
    /// Conditions in which they did not.
    pub difficult: Vec<Conditions>,
    /// Conditions of which they said neither.
    pub tried: Vec<Conditions>,
    /// Objects that they put into the room.
    pub objects: Vec<Object>,
}

/// Words of those who feel well, in the front end's English and in French.
const WELL: &[&str] = &[
    "calm",
    "relaxed",
    "comfortable",
    "focused",
    "good",
    "great",
    "well",
    "happy",
    "pleasant",
    "safe",
    "calme",
    "détendu",
    "détendue",
    "confortable",
    "concentré",
    "concentrée",
    "bien",
    "agréable",
    "apaisé",
    "apaisée",
    "serein",
    "sereine",
    "heureux",
    "heureuse",
];
/// Words of those who don't.
const NOT_WELL: &[&str] = &[
    "overstimulated",
    "understimulated",
    "overwhelmed",
    "stressed",
    "stressful",
    "anxious",
    "uncomfortable",
    "tired",
    "distracted",
    "bad",
    "difficult",
    "noisy",
    "surstimulé",
    "surstimulée",
    "stressé",
    "stressée",
    "stressant",
    "anxieux",
    "anxieuse",
    "inconfortable",
    "fatigué",
    "fatiguée",
    "fatigant",
    "distrait",
    "distraite",
    "mal",
    "difficile",
    "pénible",
];
/// What may stand before such a word and does not turn it around.
const VERY: &[&str] = &["very", "so", "really", "quite", "très", "vraiment", "assez", "plutôt"];

/// Of `roomData`.
#[must_use]
pub fn of(room_data: &Value) -> Option<Room> {
    let mut found = Room::default();
    for item in room_data.as_array()? {
        if let Some(object_type) = text(item, "objectType") {
            found.objects.push(Object { object_type, name: text(item, "type"), setting: text(item, "setting") });
        } else if let Some(room) = text(item, "room") {
            let feedback = text(item, "userFeedback");
            let place = match feedback.as_deref().and_then(felt_well) {
                Some(true) => &mut found.preferred,
                Some(false) => &mut found.difficult,
                None => &mut found.tried,
            };
            place.push(Conditions {
                room,
                light_intensity: text(item, "lightIntensity"),
                light_color: text(item, "lightColor"),
                room_color: text(item, "roomColor"),
                noise_type: text(item, "noiseType"),
                noise_volume: item["noiseVolume"].as_f64(),
                #[expect(clippy::cast_possible_truncation, reason = "a cast of floats saturates")]
                people_in_room: item["peopleInRoom"].as_f64().map(|people| people as i32),
                feedback,
                commentary: text(item, "commentary"),
            });
        }
    }
    (found != Room::default()).then_some(found)
}

fn text(item: &Value, name: &str) -> Option<String> {
    item[name].as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

/// Whether somebody felt well, as far as one word tells, alone or made stronger. Whoever says more has more to say than a word tells.
fn felt_well(feedback: &str) -> Option<bool> {
    let feedback = feedback.to_lowercase();
    let words: Vec<_> = feedback.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let word = match words[..] {
        [word] => word,
        [very, word] if VERY.contains(&very) => word,
        _ => return None,
    };
    if WELL.contains(&word) { Some(true) } else { NOT_WELL.contains(&word).then_some(false) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{felt_well, of};

    #[test]
    fn rooms_stand_by_how_they_felt() {
        let room = of(&super::super::session("roomEnv", "roomData")).expect("played");
        assert_eq!((room.preferred.len(), room.difficult.len(), room.tried.len()), (1, 1, 0));
        let calm = &room.preferred[0];
        assert_eq!((calm.room.as_str(), calm.noise_volume, calm.people_in_room), ("Focus Room", Some(2.0), Some(0)));
        assert_eq!(calm.commentary.as_deref(), Some("J'aime quand il n'y a pas de néon qui clignote."));
        assert_eq!((room.difficult[0].room.as_str(), room.difficult[0].commentary.as_deref()), ("Open Room", None));
        let objects: Vec<_> = room.objects.iter().map(|object| object.object_type.as_str()).collect();
        assert_eq!(objects, ["lighting", "furniture"]);
    }

    #[test]
    fn doubtful_words_stay_open() {
        for (feedback, well) in [
            ("very calm", Some(true)),
            ("Très Calme !", Some(true)),
            ("overstimulated", Some(false)),
            ("un peu stressé", None),
            ("uncomfortable", Some(false)),
            ("not calm", None),
            ("calm but tired", None),
            ("I don't feel good", None),
            ("it wasn’t calm", None),
            ("je ne me sens plus bien", None),
            ("trop calme", None),
            ("rien de bien", None),
            ("want calm", None),
            ("bien bruyant", None),
            ("isnt calm", None),
            ("plutôt fatiguée", Some(false)),
            ("isn't comfortable", None),
            ("the calm of others is lost on me", None),
            ("ni calme ni bien", None),
            ("sans calme", None),
            ("42", None),
            ("", None),
        ] {
            assert_eq!(felt_well(feedback), well, "{feedback}");
        }
        assert_eq!(of(&json!([])), None);
        assert_eq!(of(&json!({})), None);
        assert_eq!(of(&json!([{ "room": "Focus Room", "noiseVolume": null }, 3])).expect("played").tried.len(), 1);
    }
}
