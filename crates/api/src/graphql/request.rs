//! What a request carries: who sent it, and the loaders that gather what it asks for.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_graphql::Context;
use message::message;
use service::caller::Caller;
use service::foreseen::Part;
use service::user_picture::File;
use service::viewer::{Bearer, Viewer};
use service::{Error, Service, Uuid};
use tokio::sync::OnceCell;

use super::error::Result;
use super::loaders::Loaders;

/// The cookie that holds a browser's refresh token.
pub const REFRESH_COOKIE: &str = "autrement_refresh";

/// The sender of a request, as its headers tell.
#[derive(Clone)]
pub struct Sender {
    /// The access token, if one came.
    pub bearer: Option<String>,
    /// The refresh token of the cookie, if one came.
    pub refresh_cookie: Option<String>,
    /// A browser: it sent an origin, and keeps its refresh token in a cookie.
    pub is_browser: bool,
    /// What the rules know of it.
    pub caller: Caller,
}

/// One request.
pub struct Request {
    /// The rules.
    pub service: Arc<Service>,
    /// Who sent it.
    pub sender: Sender,
    file: OnceLock<File>,
    signed_out: AtomicBool,
    opened: OnceLock<Uuid>,
    viewer: OnceCell<std::result::Result<Viewer, Arc<Error>>>,
    loaders: Mutex<Option<Arc<Loaders>>>,
    spent: Arc<AtomicUsize>,
}

impl Request {
    /// A request of this caller.
    pub fn new(service: Arc<Service>, sender: Sender) -> Self {
        Self {
            service,
            sender,
            file: OnceLock::new(),
            signed_out: AtomicBool::new(false),
            opened: OnceLock::new(),
            viewer: OnceCell::new(),
            loaders: Mutex::default(),
            spent: Arc::default(),
        }
    }

    /// Another one of the same batch: together they give no more than one alone may.
    pub fn beside(&self) -> Self {
        Self { spent: self.spent.clone(), ..Self::new(self.service.clone(), self.sender.clone()) }
    }

    /// The request that a resolver works for.
    pub fn of<'a>(context: &Context<'a>) -> &'a Self {
        context.data_unchecked()
    }

    /// The request, for a resolver that writes: what was loaded before is loaded anew.
    pub fn that_writes<'a>(context: &Context<'a>) -> &'a Self {
        let request = Self::of(context);
        *request.loaders.lock().unwrap_or_else(PoisonError::into_inner) = None;
        request
    }

    /// Counts what goes into the answer, in bytes of stored JSON: however often a query asks for the same under other names, memory
    /// is bounded.
    pub fn spend(&self, bytes: usize) -> Result<()> {
        let spent = self.spent.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        Ok(service::game::within_answer(spent)?)
    }

    /// The file that came along.
    pub fn file(&self) -> Option<&File> {
        self.file.get()
    }

    /// A file came along: one a request.
    pub fn bring(&self, file: File) {
        let _ = self.file.set(file);
    }

    /// What the rules know of the sender.
    pub fn caller(&self) -> &Caller {
        &self.sender.caller
    }

    /// The loaders.
    pub fn loaders(&self) -> Arc<Loaders> {
        let mut loaders = self.loaders.lock().unwrap_or_else(PoisonError::into_inner);
        loaders.get_or_insert_with(|| Arc::new(Loaders::new(&self.service))).clone()
    }

    /// The access token that came, if nobody signed out in this request.
    fn token(&self) -> std::result::Result<&str, Error> {
        if self.signed_out.load(Ordering::Acquire) {
            return Err(Error::Unauthenticated(message!("You have signed out: sign in again.")));
        }
        let token = self.sender.bearer.as_deref();
        token.ok_or_else(|| Error::Unauthenticated(message!("Sign in first, and send the access token.")))
    }

    /// Who presents a token, for a verb that asks by itself whether they are let in.
    pub fn bearer(&self) -> Result<Bearer> {
        Ok(Bearer::of(&self.service, self.token()?)?)
    }

    /// Who is signed in; found out once a request, when first asked.
    pub async fn viewer(&self) -> Result<&Viewer> {
        self.viewer_foreseeing(&[]).await
    }

    /// The same, where it is known what is asked of them next: it comes by the same statement.
    async fn viewer_foreseeing(&self, parts: &[Part]) -> Result<&Viewer> {
        let token = self.token()?;
        let found = self
            .viewer
            .get_or_init(|| async {
                let (viewer, foreseen) = Viewer::authenticate(&self.service, token, parts).await?;
                self.loaders().prime_viewer(&viewer, &foreseen);
                Ok(viewer)
            })
            .await;
        Ok(found.as_ref().map_err(Arc::clone)?)
    }

    /// A session has been opened: it is what the answer calls the current one.
    pub fn sign_in(&self, session: Uuid) {
        // One request may sign in twice; the first is as current as the second.
        let _ = self.opened.set(session);
    }

    /// The session that was opened in this request, or else the one that asks.
    pub async fn session(&self) -> Result<Option<Uuid>> {
        if let Some(opened) = self.opened.get() {
            return Ok(Some(*opened));
        }
        Ok(self.viewer_if_any().await?.map(|viewer| viewer.claims().sid))
    }

    /// The session has ended: nothing later in this request is the viewer's.
    pub fn sign_out(&self) {
        self.signed_out.store(true, Ordering::Release);
    }

    /// Who is signed in, if a token came at all. One that is not good is an error all the same.
    pub async fn viewer_if_any(&self) -> Result<Option<&Viewer>> {
        self.viewer_if_any_foreseeing(&[]).await
    }

    /// The same, where it is known what is asked of them next.
    pub async fn viewer_if_any_foreseeing(&self, parts: &[Part]) -> Result<Option<&Viewer>> {
        if self.sender.bearer.is_none() { Ok(None) } else { self.viewer_foreseeing(parts).await.map(Some) }
    }
}
