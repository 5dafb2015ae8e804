//! From errors to `errors[].message` and `errors[].extensions`: the one place, where their language is chosen too. `docs/ERRORS.md` shows
//! each code.

use std::sync::Arc;

use async_graphql::{Enum, ErrorExtensionValues, Name, Response, ServerError, Value};
use message::{Message, message};
use service::language::Language;

use super::game::stored_play;
use super::library;
use crate::metrics::OK;

/// The kinds of errors, in `errors[].extensions.code`.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// Nobody is signed in, or the access token is not good (any more): refresh the session, or sign in. Of what signs in, refreshes or
    /// recovers: what was given is not good, and refreshing does not help.
    Unauthenticated,
    /// Signed in, but this is for others to do.
    Forbidden,
    /// There is no such thing that the viewer may see.
    NotFound,
    /// The input is at fault. Where it is of the right form, `extensions.problems` says where (`pointer`, a JSON Pointer into `input`, or into the
    /// arguments where there is none) and what (`message`).
    InvalidInput,
    /// Something else came first. Where a revision did not match, `extensions.storedRevision` has the one that is stored (0 where
    /// there is no play), and `extensions.storedPlay` the play (null where there is none): the fields of its type but for `user`.
    Conflict,
    /// The viewer has not accepted the active terms: `extensions.version` names them. Show them (`terms`, and `me.termsChanges` to who
    /// has accepted others before), call `acceptTerms`, then send the same again. Reading, accepting, deleting, signing in and out, and
    /// changing ways to sign in stay open; so do `updateProfile`, `setAvatar` and `setPassions` for who has never accepted any.
    TermsNotAccepted,
    /// The document is not known under this hash (any more): send it along once, and by its hash alone from then on.
    PersistedQueryNotFound,
    /// Too many tries; `extensions.retryAfter` says for how many seconds to wait.
    RateLimited,
    /// The query asks for too much at once.
    TooComplex,
    /// It took too long, and was ended. Whether something was changed is to be read again; a save that has a `saveId` can simply be sent
    /// again.
    Timeout,
    /// The service can't do it right now. Whether something was changed is to be read again; a save that has a `saveId` can simply be sent
    /// again.
    Unavailable,
    /// A fault of the service; `extensions.requestId` names the request in its log.
    Internal,
}

/// What a resolver gives.
pub type Result<T> = std::result::Result<T, ApiError>;

/// An error of the service on its way to a client. Not `Display`: async-graphql would send that text as it is.
#[derive(Clone)]
pub struct ApiError(Arc<service::Error>);

impl From<service::Error> for ApiError {
    fn from(error: service::Error) -> Self {
        Self(Arc::new(error))
    }
}

impl From<Arc<service::Error>> for ApiError {
    fn from(error: Arc<service::Error>) -> Self {
        Self(error)
    }
}

/// async-graphql carries the error; [`complete`] puts it into words, once it is known in which language.
impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        // Not as `Debug`: PostgreSQL's details hold the values that a constraint refused.
        if let Some(source) = std::error::Error::source(&*error.0) {
            let advice = source.downcast_ref().and_then(service::error::advice);
            tracing::error!(%source, advice, "a request failed");
        }
        let mut carried = Self::new(error.0.code());
        carried.source = Some(Arc::new(error));
        carried
    }
}

/// What came of an operation, as it is counted: the code of the first error, if there is one.
pub fn outcome(response: &Response) -> &'static str {
    let Some(error) = response.errors.first() else { return OK };
    error.source::<ApiError>().map_or_else(|| library::told(&error.message, Language::English).code, ApiError::code)
}

impl ApiError {
    /// One of `ErrorCode`.
    pub fn code(&self) -> &'static str {
        self.0.code()
    }

    fn extensions(&self, language: Language) -> ErrorExtensionValues {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.0.code());
        match &*self.0 {
            service::Error::InvalidInput(problems) => {
                let problems = problems.iter().map(|problem| shown(&problem.pointer, problem.message.in_language(language)));
                extensions.set("problems", Value::List(problems.collect()));
            }
            service::Error::TermsNotAccepted { version } => extensions.set("version", version.as_str()),
            service::Error::RateLimited { retry_after } => extensions.set("retryAfter", *retry_after),
            service::Error::Conflict { stored: Some(stored), .. } => {
                extensions.set("storedRevision", stored.revision);
                extensions.set("storedPlay", stored.play.as_deref().map_or(Value::Null, stored_play));
            }
            _ => {}
        }
        extensions
    }
}

/// An error that says why nothing was run.
pub fn refused(code: &str, message: &Message, language: Language) -> ServerError {
    let mut error = ServerError::new(message.in_language(language), None);
    error.extensions.get_or_insert_default().set("code", code);
    error
}

/// One of `extensions.problems`.
fn shown(pointer: &str, message: String) -> Value {
    let members = [("pointer", pointer.to_owned()), ("message", message)];
    Value::Object(members.into_iter().map(|(name, text)| (Name::new(name), text.into())).collect())
}

/// The most errors that are told.
const MAX_ERRORS: usize = 100;

/// Puts every error into words of this language and gives it a code: what GraphQL itself found (a field that is not there, a value of
/// another type) is the input's. A fault of ours gets the request's name.
pub fn complete(response: &mut Response, request_id: &str, language: Language) {
    let more = response.errors.len().saturating_sub(MAX_ERRORS);
    if more > 0 {
        response.errors.truncate(MAX_ERRORS);
        let told = message!("And {more} more errors of this kind, which are not told one by one.", more);
        response.errors.push(refused("INVALID_INPUT", &told, language));
    }
    for error in &mut response.errors {
        if let Some(carried) = error.source::<ApiError>() {
            let (message, extensions) = (carried.0.in_language(language), carried.extensions(language));
            (error.message, error.extensions) = (message, Some(extensions));
        }
        let extensions = error.extensions.get_or_insert_default();
        match extensions.get("code") {
            None => {
                let told = library::told(&error.message, language);
                extensions.set("code", told.code);
                if let Some(pointer) = told.pointer {
                    extensions.set("problems", Value::List(vec![shown(&pointer, told.message.clone())]));
                }
                error.message = told.message;
            }
            Some(code) if *code == Value::from("INTERNAL") => extensions.set("requestId", request_id),
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    /// `async_graphql::Result` takes any `Display` and sends its text, a database's words included, to the client. clippy's
    /// `disallowed-types` can't be asked for this: it finds the type in what the macros make, too.
    #[test]
    fn resolvers_do_not_use_the_librarys_result() {
        let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/graphql"))];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("the folder of the sources").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.file_name().is_some_and(|name| name != "error.rs") {
                    let text = std::fs::read_to_string(&path).expect("a source");
                    let imports = text.split("use async_graphql::").skip(1).filter_map(|rest| rest.split(';').next());
                    let words = imports.flat_map(|import| import.split(|c: char| !c.is_alphanumeric()));
                    assert!(!words.into_iter().any(|word| word == "Result" || word == "Error"), "{}", path.display());
                    assert!(
                        !text.contains("async_graphql::Result<") && !text.contains("async_graphql::Error>"),
                        "{}",
                        path.display()
                    );
                    seen += 1;
                }
            }
        }
        assert!(seen > 20, "{seen} files were read");
    }
}
