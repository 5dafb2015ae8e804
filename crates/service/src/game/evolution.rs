//! How the JSON of a game changes over the years. Every play says in which version its JSON is stored; an older one is brought up
//! when it is read, and written in the current version when it is saved next or by [`upgrade`].
//!
//! To begin a new version of a game: one step at the end of its list in [`steps`], a pure function from what the version before may
//! hold, whatever that is, to what the new schema allows, as far as that loses no answer; and the schema (see [`super::schemas`]). The
//! steps before stay as they are. An instance of the release before reads such plays as they are and refuses to write them
//! ([`Error::Newer`]).

use entity::JsonText;
use entity::game::{Game, GameKind, PlayRow};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, ModelTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::Value;

use super::open;
use crate::{Error, Service, sealed};

/// From one version to the next: the JSON fields of a play, in the order of [`Game::JSON`].
type Step = fn(&mut [Value]);

/// The first leads from version 1 to version 2.
fn steps(kind: GameKind) -> &'static [Step] {
    match kind {
        GameKind::Scenario => &[name_traits_in_camel_case],
        _ => &[],
    }
}

/// The version that JSON is read and written in.
#[must_use]
pub fn current_version(kind: GameKind) -> i32 {
    i32::try_from(steps(kind).len()).unwrap_or(i32::MAX - 1) + 1
}

/// Traits of two words were written in two ways, as were the fields beside them: in version 2 each has the game's own name.
fn name_traits_in_camel_case(fields: &mut [Value]) {
    const NAMES: [(&str, &str); 6] = [
        ("ecoute_active", "ecouteActive"),
        ("esprit_equipe", "espritEquipe"),
        ("reflexion_rapide", "reflexionRapide"),
        ("gestion_stress", "gestionStress"),
        ("gestion_temps", "gestionTemps"),
        ("confiance_en_soi", "confianceEnSoi"),
    ];
    let Some(Value::Object(traits)) = fields.first_mut() else { return };
    for (before, after) in NAMES {
        let Some(points) = traits.get(before).and_then(points) else { continue };
        match traits.get(after).map(self::points) {
            // One trait: its points are those of both.
            Some(Some(more)) => {
                traits.shift_remove(before);
                traits.insert(after.to_owned(), points.saturating_add(more).min(MOST_POINTS).into());
            }
            // Not points: both stay, so that nothing is lost.
            Some(None) => {}
            None => {
                let renamed = traits
                    .iter()
                    .map(|(name, points)| (if name == before { after.to_owned() } else { name.clone() }, points.clone()));
                *traits = renamed.collect();
            }
        }
    }
}

/// The most points of a trait, as its schema says.
const MOST_POINTS: u64 = 1_000_000;

/// A count of points, if that is what stands there; `4.0` is one, too.
fn points(value: &Value) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of floats saturates")]
    value.as_f64().filter(|points| *points >= 0.0 && points.fract() == 0.0).map(|points| points as u64)
}

/// Brings a play up to the current version. One that was written by a newer release stays as it is, and so does one whose JSON can't be
/// read, which only somebody at the database itself can have written: it is told in the log and keeps nobody from the others.
pub(super) fn bring_up<G: Game>(mut row: G::Model) -> G::Model {
    let steps = steps(G::KIND);
    let passed = usize::try_from(row.schema_version().saturating_sub(1)).unwrap_or_default();
    let Some(steps) = steps.get(passed..).filter(|steps| !steps.is_empty()) else { return row };
    let fields = row.json().into_iter().map(|text| serde_json::from_str(text.as_str()));
    let mut fields = match fields.collect::<Result<Vec<Value>, _>>() {
        Ok(fields) => fields,
        Err(error) => {
            tracing::error!(game = ?G::KIND, play = row.id(), %error, "the JSON of a play can't be read");
            return row;
        }
    };
    for step in steps {
        step(&mut fields);
    }
    for (column, value) in G::JSON.iter().zip(fields) {
        row.set(column.column, JsonText::from_json(value.to_string()).into());
    }
    row.set(G::SCHEMA_VERSION, current_version(G::KIND).into());
    row
}

/// Writes the older plays of a game in the current version, `batch` of them in a transaction, and says after each batch how many
/// that are. It may be interrupted and begun again, and several may run at once, beside the service: a play that is saved meanwhile is
/// left to its save. Revision and dates stay, since nobody saved.
pub async fn upgrade<G: Game>(service: &Service, batch: u64, mut progress: impl FnMut(u64)) -> Result<u64, Error> {
    let current = current_version(G::KIND);
    let (mut after, mut written) = (0, 0);
    loop {
        let older = G::find()
            .filter(G::SCHEMA_VERSION.lt(current))
            .filter(G::ID.gt(after))
            .order_by_asc(G::ID)
            .limit(batch.max(1))
            .all(service.database.pool())
            .await?;
        let Some(last) = older.last() else { return Ok(written) };
        after = last.id();
        let transaction = service.database.write().await?;
        for row in older {
            written += write::<G>(service, &transaction, row).await?;
        }
        transaction.commit().await?;
        progress(written);
        service.database.let_others_write().await;
    }
}

/// How many plays of a game are in an older version.
pub async fn older<G: Game>(service: &Service) -> Result<u64, Error> {
    Ok(G::find().filter(G::SCHEMA_VERSION.lt(current_version(G::KIND))).count(service.database.pool()).await?)
}

async fn write<G: Game>(service: &Service, transaction: &DatabaseTransaction, mut row: G::Model) -> Result<u64, Error> {
    let (id, revision, version) = (row.id(), row.revision(), row.schema_version());
    if let Err(error) = open::<G>(&service.keys, &mut row) {
        tracing::error!(error = error.cause(), "a play does not open, and stays as it is");
        return Ok(0);
    }
    let row = bring_up::<G>(row);
    if row.schema_version() == version {
        return Ok(0);
    }
    let mut values = <G::ActiveModel as ActiveModelTrait>::default();
    for (column, text) in G::JSON.iter().zip(row.json()) {
        values.set(column.column, text.clone().into());
    }
    sealed::seal_columns::<G>(service, &mut values, G::SEALED, &id.to_string())?;
    let columns: Vec<_> = G::JSON.iter().map(|json| json.column).collect();
    let update = sealed::set_columns::<G>(&values, &columns)
        .col_expr(G::SCHEMA_VERSION, Expr::value(row.schema_version()))
        .filter(G::ID.eq(id))
        .filter(G::REVISION.eq(revision))
        .filter(G::SCHEMA_VERSION.eq(version));
    Ok(update.exec(transaction).await?.rows_affected)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::name_traits_in_camel_case;

    #[test]
    fn traits_keep_their_points_and_their_places() {
        let up = |traits: Value| {
            let mut fields = [traits, json!({ "timeouts": 1 })];
            name_traits_in_camel_case(&mut fields);
            assert_eq!(fields[1], json!({ "timeouts": 1 }));
            fields[0].to_string()
        };
        for (before, after) in [
            (json!({}), r"{}"),
            (
                json!({ "esprit_equipe": 4, "gestion_stress": 3, "patience": 1 }),
                r#"{"espritEquipe":4,"gestionStress":3,"patience":1}"#,
            ),
            (json!({ "a": 1, "confiance_en_soi": 5, "z": 2, "empathy": 1 }), r#"{"a":1,"confianceEnSoi":5,"z":2,"empathy":1}"#),
            (
                json!({ "esprit_equipe": 4.0, "gestion_temps": 600_000, "gestionTemps": 600_000 }),
                r#"{"espritEquipe":4.0,"gestionTemps":1000000}"#,
            ),
            (
                json!({ "ecouteActive": 1, "reflexion_rapide": 2, "ecoute_active": 3 }),
                r#"{"ecouteActive":4,"reflexionRapide":2}"#,
            ),
            // What is no count stays as it is.
            (json!({ "ecoute_active": "beaucoup", "esprit_equipe": -1 }), r#"{"ecoute_active":"beaucoup","esprit_equipe":-1}"#),
            (json!({ "ecoute_active": 1, "ecouteActive": "beaucoup" }), r#"{"ecoute_active":1,"ecouteActive":"beaucoup"}"#),
            (json!([1, 2]), "[1,2]"),
            (json!(null), "null"),
        ] {
            assert_eq!(up(before), after);
        }
    }
}
