//! Adding a passkey to an account that one is signed in to.

use entity::passkey_credential::Model;

use super::add;
use super::ceremony::{Challenge, Finish, Purpose, Registration, begin, finish_registration, start_registration_of, take};
use crate::audit_log::{self, Entry, Kind};
use crate::caller::Caller;
use crate::mail::Event;
use crate::viewer::Viewer;
use crate::{Error, Service, mail, user};

/// Begins adding a passkey to the viewer's account.
pub async fn start_add(service: &Service, viewer: &Viewer, caller: &Caller) -> Result<Challenge, Error> {
    let (options, registration) = start_registration_of(service, viewer.user()).await?;
    begin(service, Purpose::Add, Some(viewer.user().id), options, &registration, caller).await
}

/// Finishes adding it. Whose account it is, the ceremony says, and it is finished by that person alone.
pub async fn finish_add(service: &Service, viewer: &Viewer, finish: Finish, caller: &Caller) -> Result<Model, Error> {
    let (ceremony_id, answer, name) = finish.read()?;
    let (_, registration) = take::<Registration>(service, Purpose::Add, ceremony_id, Some(viewer.user().id)).await?;
    let passkey = finish_registration(service, &answer, &registration)?;
    let transaction = service.database.write().await?;
    let user = user::lock_viewer(&transaction, viewer).await?;
    let (user, row) = add(service, &transaction, user, passkey, name).await?;
    audit_log::record(service, &transaction, row.user_id, Entry::by_person(Kind::PasskeyAdded, caller)).await?;
    mail::notify(service, &transaction, Event::PasskeyAdded, &user, caller.language()).await?;
    transaction.commit().await?;
    Ok(row)
}
