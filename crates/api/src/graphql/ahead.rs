//! What a page of people is going to be asked for, seen before any of them is resolved, and loaded for all of them: one statement after
//! the other over few connections, which costs the database and the service less than all at once. Nothing depends on it: what is not seen
//! here goes through its loader when it is asked for. (What `me` is going to be asked for is in [`super::foreseen`]: one person, one statement.)
//!
//! To add a field of a person: its line in `load`, beside what it needs loaded; a field of the account's own row goes into the last list. A
//! field that is not named is right, and slower.

use async_graphql::{Context, InputType, SelectionField, Value};
use service::game::{GameKind, PlayCursor};
use service::page::PageRequest;
use service::user_page::{Along, Person};
use service::viewer::Owner;

use super::connection::Window;
use super::game;
use super::loaders::{Loaders, Of, Relation};

/// The fields that a page of people is going to be asked for, of each of them.
pub struct Ahead<'a>(Vec<SelectionField<'a>>);

impl<'a> Ahead<'a> {
    /// Of the page that is being resolved: what stands below its `nodes`, and below `node` of its `edges`.
    pub fn of(context: &'a Context<'a>) -> Self {
        let page = [context.field()];
        let edges = below(&page, "edges");
        let people = [below(&page, "nodes"), below(&edges, "node")].concat();
        Self(people.iter().flat_map(SelectionField::selection_set).collect())
    }

    /// What is read by the statement that finds the people.
    pub fn along(&self) -> Along {
        let asks = |name| self.0.iter().any(|field| field.name() == name);
        Along { role: asks("role"), detail: asks("detail") }
    }

    /// Loads the rest of it for these people, and puts in what came along with them. Whether no field of theirs has to wait then.
    pub async fn load(&self, loaders: &Loaders, people: &[Person]) -> bool {
        let Along { role, detail } = self.along();
        if role {
            let roles = people.iter().map(|person| (person.user.role_id, person.role.clone()));
            loaders.role.prime_many(roles).await;
        }
        if detail {
            loaders.detail.prime_many(people.iter().map(|person| (person.owner, person.detail.clone()))).await;
        }
        loaders.user.prime_many(people.iter().map(|person| (person.owner, Some(person.user.clone())))).await;
        let owners: Vec<_> = people.iter().map(|person| person.owner).collect();
        let mut is_all = true;
        for field in &self.0 {
            is_all &= load(loaders, &owners, field).await;
        }
        is_all
    }
}

/// What stands under this name below these fields.
fn below<'a>(fields: &[SelectionField<'a>], name: &str) -> Vec<SelectionField<'a>> {
    fields.iter().flat_map(SelectionField::selection_set).filter(|field| field.name() == name).collect()
}

/// Loads what a field asks for; false where that is not known.
async fn load(loaders: &Loaders, owners: &[Owner], field: &SelectionField<'_>) -> bool {
    match field.name() {
        "avatar" => of_each(&loaders.avatar, owners).await,
        "picture" | "pictures" => of_each(&loaders.pictures, owners).await,
        "passions" => of_each(&loaders.passions, owners).await,
        "termsAgreements" => of_each(&loaders.terms_agreements, owners).await,
        "progress" => of_each(&loaders.progress, owners).await,
        "plays" => {
            let Some((game, page)) = plays(field) else { return false };
            game::load_plays_ahead(loaders, owners, game, page).await;
            if !below(&[*field], "totalCount").is_empty() {
                of_each(&loaders.progress, owners).await;
            }
        }
        // What came with the people.
        "__typename" | "id" | "username" | "dateCreated" | "isActive" | "lastLogin" | "isPasskey" | "onboardingComplete"
        | "language" | "role" | "detail" => {}
        name => return game::load_newest_ahead(loaders, owners, name).await,
    }
    true
}

async fn of_each<R: Relation<Key = Owner>>(loader: &Of<R>, owners: &[Owner]) {
    loader.load_ahead(owners.to_vec()).await;
}

/// The arguments of `plays`; none where they are not good, which is told when the field is resolved.
fn plays(field: &SelectionField<'_>) -> Option<(Option<GameKind>, PageRequest<PlayCursor>)> {
    fn read<T: InputType>(value: Value) -> Option<T> {
        T::parse(Some(value)).ok()
    }

    let (mut game, mut window) = (None::<game::Kind>, Window::default());
    for (name, value) in field.arguments().ok()? {
        match name.as_str() {
            "game" => game = read(value)?,
            "first" => window.first = read(value)?,
            "after" => window.after = read(value)?,
            "last" => window.last = read(value)?,
            "before" => window.before = read(value)?,
            _ => return None,
        }
    }
    Some((game.map(GameKind::from), window.request().ok()?))
}
