//! Signing up with a passkey. There is no account until it is finished.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::add;
use super::ceremony::{Challenge, Finish, Purpose, Registration, begin, finish_registration, start_registration, take};
use crate::audit_log::{BY_PASSKEY, Entry};
use crate::caller::Caller;
use crate::session::{self, SignedIn};
use crate::text::Checks;
use crate::user::{self, NewUser};
use crate::user_detail::DetailChanges;
use crate::{Error, Service, brake, random, role};

/// Who signs up, as far as they say: waits with the ceremony, five minutes at most, and becomes a person when it is finished.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct PasskeySignUp {
    /// Unique, at most 64 characters.
    pub username: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// In years.
    pub age: Option<i32>,
}

impl PasskeySignUp {
    fn detail(&self) -> DetailChanges {
        DetailChanges {
            first_name: self.first_name.clone().into(),
            last_name: self.last_name.clone().into(),
            age: self.age.into(),
            ..Default::default()
        }
    }
}

#[derive(Serialize, Deserialize)]
struct SignUpState {
    registration: Registration,
    handle: Uuid,
    person: PasskeySignUp,
}

/// Begins signing up with a passkey.
pub async fn start_sign_up(service: &Service, person: PasskeySignUp, caller: &Caller) -> Result<Challenge, Error> {
    let mut checks = Checks::default();
    user::check(&mut checks, person.username.as_ref(), &person.detail());
    checks.finish()?;
    // A device would keep a passkey of no account.
    user::is_free(service, person.username.as_deref()).await?;
    let handle = random::uuid(&*service.random)?;
    let name = person.username.as_deref().or(person.first_name.as_deref());
    let (options, registration) = start_registration(service, handle, name, Vec::new())?;
    begin(service, Purpose::SignUp, None, options, &SignUpState { registration, handle, person }, caller).await
}

/// Finishes signing up: makes the account with its passkey, and signs in.
pub async fn finish_sign_up(service: &Service, finish: Finish, caller: &Caller) -> Result<SignedIn, Error> {
    let (ceremony_id, answer, name) = finish.read()?;
    let (_, state) = take::<SignUpState>(service, Purpose::SignUp, ceremony_id, None).await?;
    let passkey = finish_registration(service, &answer, &state.registration)?;
    brake::take(service, &brake::SIGN_UPS, &caller.network()).await?;
    let new = NewUser {
        detail: state.person.detail(),
        username: state.person.username,
        handle: state.handle,
        way_in: None,
        role_name: role::DEFAULT_ROLE,
    };
    let transaction = service.database.write().await?;
    let user = user::create(service, &transaction, new, caller).await?;
    let (user, _) = add(service, &transaction, user, passkey, name).await?;
    let signed_in = session::open(service, &transaction, user, Entry::signed_up(BY_PASSKEY, caller), caller).await?;
    transaction.commit().await?;
    Ok(signed_in)
}
