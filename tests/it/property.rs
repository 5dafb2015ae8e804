//! Any sequence of saves gives the same as a simple model of them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::harness::game::game;
use crate::harness::{Answer, Client, Engine, Server, on_both_engines};

on_both_engines!(any_sequence_of_saves_gives_what_the_model_says, any_patches_merge_as_rfc_7396_says);

/// A JSON field: keys with points, or with null.
type Points = Option<Vec<(u8, Option<i8>)>>;

#[derive(Clone, Debug)]
enum Expected {
    Any,
    Right,
    Other(i32),
}

#[derive(Clone, Debug)]
struct Save {
    traits: Points,
    penalties: Points,
    level: Option<i32>,
    completion: Option<u8>,
    replace: bool,
    new_play: bool,
    /// One of the plays there have been, or the newest.
    into: Option<Index>,
    expected: Expected,
    named: bool,
}

#[derive(Clone, Debug)]
enum Step {
    Save(Save),
    /// One of the named saves, sent again.
    Again(Index),
    /// Another save under the name of one of them.
    OtherUnderTheName(Index, Save),
    Delete(Index),
}

fn points() -> impl Strategy<Value = Points> {
    // A negative count is refused, wherever it comes.
    let count = prop_oneof![20 => (0_i8..9).prop_map(Some), 4 => Just(None), 1 => Just(Some(-1))];
    prop::option::of(vec((0_u8..6, count), 0..5))
}

fn save() -> impl Strategy<Value = Save> {
    let expected = prop_oneof![4 => Just(Expected::Any), 3 => Just(Expected::Right), 1 => (0..9).prop_map(Expected::Other)];
    (
        (points(), points(), prop::option::of(0..9), prop::option::of(0_u8..=100)),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.15),
        prop::option::weighted(0.3, any::<Index>()),
        expected,
        any::<bool>(),
    )
        .prop_map(|((traits, penalties, level, completion), replace, new_play, into, expected, named)| Save {
            traits,
            penalties,
            level,
            completion,
            replace,
            new_play,
            into,
            expected,
            named,
        })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => save().prop_map(Step::Save),
        2 => any::<Index>().prop_map(Step::Again),
        1 => (any::<Index>(), save()).prop_map(|(index, save)| Step::OtherUnderTheName(index, save)),
        1 => any::<Index>().prop_map(Step::Delete),
    ]
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Play {
    id: String,
    is_deleted: bool,
    traits: Map<String, Value>,
    penalties: Map<String, Value>,
    level: i32,
    completion: u8,
    revision: i32,
}

/// What there should be.
#[derive(Default)]
struct Model {
    plays: Vec<Play>,
    /// The named saves that were done: what was sent, and into which play it went.
    saved: Vec<(Value, usize)>,
    names: usize,
}

fn object(points: &[(u8, Option<i8>)]) -> Map<String, Value> {
    points.iter().map(|(key, points)| (format!("t{key}"), json!(points))).collect()
}

/// The field after a save, or `None` where that is not valid.
fn after(stored: &Map<String, Value>, given: &Points, replace: bool) -> Option<Map<String, Value>> {
    let Some(given) = given else { return Some(stored.clone()) };
    let given = object(given);
    let mut field = if replace { Map::new() } else { stored.clone() };
    for (key, points) in given {
        if points.is_null() && !replace {
            field.shift_remove(&key);
        } else {
            field.insert(key, points);
        }
    }
    field.values().all(|points| points.as_i64().is_some_and(|points| points >= 0)).then_some(field)
}

impl Model {
    fn newest(&self) -> Option<usize> {
        self.plays.iter().rposition(|play| !play.is_deleted)
    }

    /// The input of a save, and the play it is for.
    fn input(&self, save: &Save) -> (Value, Option<usize>) {
        let mut input = json!({});
        let named = save.into.filter(|_| !save.new_play && !self.plays.is_empty()).map(|index| index.index(self.plays.len()));
        let target = if save.new_play { None } else { named.or(self.newest()) };
        if let Some(named) = named {
            input["playId"] = json!(self.plays[named].id);
        }
        for (name, points) in [("traits", &save.traits), ("penalties", &save.penalties)] {
            if let Some(points) = points {
                input[name] = object(points).into();
            }
        }
        if let Some(level) = save.level {
            input["currentLevel"] = json!(level);
        }
        if let Some(completion) = save.completion {
            input["completion"] = json!(completion);
        }
        if save.replace {
            input["mode"] = json!("REPLACE");
        }
        let revision = target.map_or(0, |target| self.plays[target].revision);
        let expected = match save.expected {
            Expected::Right => Some(revision),
            Expected::Other(other) => Some(other).filter(|_| !save.new_play),
            Expected::Any => None,
        };
        if let Some(expected) = expected {
            input["expectedRevision"] = json!(expected);
        }
        if save.new_play {
            input["newPlay"] = json!(true);
        }
        (input, target)
    }

    /// Does a save, or says with which code it is refused.
    fn save(&mut self, save: &Save, input: &Value, target: Option<usize>) -> Result<usize, &'static str> {
        let stored = target.map(|target| self.plays[target].clone()).unwrap_or_default();
        if stored.is_deleted {
            return Err("NOT_FOUND");
        }
        if input["expectedRevision"].as_i64().is_some_and(|expected| expected != i64::from(stored.revision)) {
            return Err("CONFLICT");
        }
        let (traits, penalties) =
            (after(&stored.traits, &save.traits, save.replace), after(&stored.penalties, &save.penalties, save.replace));
        let (Some(traits), Some(penalties)) = (traits, penalties) else { return Err("INVALID_INPUT") };
        let play = Play {
            traits,
            penalties,
            level: save.level.unwrap_or(stored.level),
            completion: save.completion.unwrap_or(stored.completion),
            revision: stored.revision + 1,
            ..stored
        };
        let target = target.unwrap_or(self.plays.len());
        if target == self.plays.len() {
            self.plays.push(play);
        } else {
            self.plays[target] = play;
        }
        Ok(target)
    }
}

/// Compares an answer with a play of the model, which learns its id.
fn compare(answer: &Answer, expected: Result<&mut Play, &'static str>) {
    match expected {
        Err(code) => assert_eq!(answer.codes(), [code], "{}", answer.text),
        Ok(play) => {
            let shown = &answer.data()["play"];
            if play.id.is_empty() {
                shown["id"].as_str().unwrap().clone_into(&mut play.id);
            }
            assert_eq!(read(shown), *play);
        }
    }
}

fn read(shown: &Value) -> Play {
    let is_completion = |percent: &u8| json!(f64::from(*percent)) == shown["completion"];
    Play {
        id: shown["id"].as_str().unwrap().to_owned(),
        is_deleted: false,
        traits: shown["traits"].as_object().unwrap().clone(),
        penalties: shown["penalties"].as_object().unwrap().clone(),
        level: i32::try_from(shown["currentLevel"].as_i64().unwrap()).unwrap(),
        completion: (0..=100).find(is_completion).unwrap(),
        revision: i32::try_from(shown["revision"].as_i64().unwrap()).unwrap(),
    }
}

async fn take(somebody: &Client, model: &mut Model, step: Step) {
    let scenario = game("scenario");
    match step {
        Step::Save(save) => {
            let (mut input, target) = model.input(&save);
            if save.named {
                model.names += 1;
                input["saveId"] = json!(format!("save {}", model.names));
            }
            let answer = scenario.save(somebody, input.clone()).await;
            let done = model.save(&save, &input, target);
            if let (Ok(play), true) = (done, save.named) {
                model.saved.push((input, play));
            }
            compare(&answer, done.map(|play| &mut model.plays[play]));
        }
        Step::Again(index) if !model.saved.is_empty() => {
            let (input, play) = index.get(&model.saved).clone();
            let answer = scenario.save(somebody, input).await;
            let play = &mut model.plays[play];
            compare(&answer, if play.is_deleted { Err("NOT_FOUND") } else { Ok(play) });
        }
        Step::OtherUnderTheName(index, save) if !model.saved.is_empty() => {
            let (saved, play) = index.get(&model.saved).clone();
            let (mut input, _) = model.input(&save);
            input["saveId"] = saved["saveId"].clone();
            let answer = scenario.save(somebody, input.clone()).await;
            // What is expected of the stored revision is no content.
            let content = |input: &Value| {
                let mut content = input.clone();
                content.as_object_mut().unwrap().remove("expectedRevision");
                content
            };
            let play = &mut model.plays[play];
            let is_same = content(&input) == content(&saved);
            compare(
                &answer,
                match (is_same, play.is_deleted) {
                    (false, _) => Err("CONFLICT"),
                    (true, true) => Err("NOT_FOUND"),
                    (true, false) => Ok(play),
                },
            );
        }
        Step::Delete(index) if !model.plays.is_empty() => {
            let play = index.index(model.plays.len());
            let play = &mut model.plays[play];
            let answer = somebody.send("mutation ($id: ID!) { deletePlay(id: $id) }", json!({ "id": play.id })).await;
            assert_eq!(answer.codes().is_empty(), !play.is_deleted, "{}", answer.text);
            play.is_deleted = true;
        }
        _ => {}
    }
    let query =
        format!("{{ me {{ plays(first: 100) {{ nodes {{ ... on ScenarioGameData {{ {} }} }} }} }} }}", scenario.selection());
    let shown = somebody.data(&query).await["me"]["plays"]["nodes"].as_array().unwrap().iter().map(read).collect::<Vec<_>>();
    let expected: Vec<_> = model.plays.iter().rev().filter(|play| !play.is_deleted).cloned().collect();
    assert_eq!(shown, expected);
    // The order of keys, too.
    let texts = |plays: &[Play]| plays.iter().map(|play| json!([play.traits, play.penalties]).to_string()).collect::<Vec<_>>();
    assert_eq!(texts(&shown), texts(&expected));
}

/// Runs a property from within a test: the runner itself knows nothing of tasks.
async fn run<S: Strategy>(
    cases: u32,
    strategy: impl FnOnce() -> S + Send + 'static,
    property: impl AsyncFn(S::Value) + Send + 'static,
) {
    let runtime = tokio::runtime::Handle::current();
    let checking = tokio::task::spawn_blocking(move || {
        let config = Config { cases, max_shrink_iters: 300, failure_persistence: None, ..Config::default() };
        let result = TestRunner::new(config).run(&strategy(), |value| {
            runtime.block_on(property(value));
            Ok(())
        });
        if let Err(failure) = result {
            panic!("{failure}");
        }
    });
    checking.await.unwrap();
}

async fn any_sequence_of_saves_gives_what_the_model_says(engine: Engine) {
    let server = Server::start(engine).await;
    run(
        40,
        || vec(step(), 1..24),
        async move |steps| {
            let somebody = server.somebody().await;
            let mut model = Model::default();
            for step in steps {
                take(&somebody, &mut model, step).await;
            }
        },
    )
    .await;
}

/// Whatever a level may hold beside its figures, null included.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![2 => Just(Value::Null), 2 => (0..5).prop_map(Value::from), 1 => "[a-c]{1,2}".prop_map(Value::from)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..3).prop_map(Value::from),
            3 => vec(("[a-d]", inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A level, what it is to hold besides, and whether it replaces.
type Patch = (u8, Vec<(String, Value)>, bool);

/// RFC 7396, section 2, as it stands there.
fn merge_patch(target: Value, patch: &Value) -> Value {
    let Some(patch) = patch.as_object() else { return patch.clone() };
    let mut target = if let Value::Object(target) = target { target } else { Map::new() };
    for (name, value) in patch {
        if value.is_null() {
            target.shift_remove(name);
        } else {
            let before = target.get(name).cloned().unwrap_or_default();
            target.insert(name.clone(), merge_patch(before, value));
        }
    }
    Value::Object(target)
}

async fn any_patches_merge_as_rfc_7396_says(engine: Engine) {
    let server = Server::start(engine).await;
    let patches = || vec((1_u8..3, vec(("[a-d]", anything()), 0..4), prop::bool::weighted(0.1)), 1..16);
    run(40, patches, async move |patches: Vec<Patch>| {
        let somebody = server.somebody().await;
        let mut expected = json!({});
        for (level, members, replace) in patches {
            let patch = json!({ level.to_string(): Value::Object(members.into_iter().collect()) });
            let mode = if replace { "REPLACE" } else { "MERGE" };
            let saved = game("speed").save(&somebody, json!({ "levelStats": patch, "mode": mode })).await;
            expected = if replace { patch } else { merge_patch(expected, &patch) };
            assert_eq!(saved.data()["play"]["levelStats"].to_string(), expected.to_string());
        }
    })
    .await;
}
