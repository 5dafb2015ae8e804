//! Requests that bring a file, as `multipart/form-data` (GraphQL multipart request specification, version 2): `operations`, `map`, the file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_graphql::Value;
use async_graphql::futures_util::stream;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use bytes::Bytes;
use message::{Message, message};
use multer::{Field, Multipart};
use service::user_picture::{File, MAX_BYTES};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::answer::Refused;
use super::graphql::read_body;
use super::{App, i_json};
use crate::graphql::request::Request;
use crate::graphql::upload;

/// A form may come from a page elsewhere without the browser asking first, but for one of these headers.
pub const PREFLIGHT: [HeaderName; 3] = [
    HeaderName::from_static("graphql-require-preflight"),
    HeaderName::from_static("apollo-require-preflight"),
    HeaderName::from_static("x-requested-with"),
];
/// The most requests with a file that are in memory at once; others wait, unread.
pub const PLACES: usize = 16;
/// The most bytes of `map`.
const MAP_BYTES: usize = 16 * 1024;
/// The most places that one file goes to.
const MAX_PATHS: usize = 10;
/// How long a request waits for its turn, and how long its file may take to arrive: 5 MiB in that time are 350 kbit/s.
const TURN: Duration = Duration::from_secs(30);
const ARRIVAL: Duration = Duration::from_mins(2);

/// Whether the sender shows that a browser would have asked first.
pub fn has_preflight(headers: &HeaderMap) -> bool {
    PREFLIGHT.iter().any(|name| headers.get(name).is_some_and(|value| !value.is_empty()))
}

/// What a request with a file holds.
pub struct Form {
    /// The request as JSON, null in each file's place.
    pub operations: Bytes,
    paths: Vec<String>,
    file: File,
    /// Its turn, until it is answered.
    _place: Place,
}

/// The turns of requests that bring a file.
pub struct Places {
    all: Arc<Semaphore>,
    /// How many each person holds or waits for.
    people: Mutex<HashMap<i64, usize>>,
}

/// The most of one person: more would keep others waiting.
const MOST_OF_PERSON: usize = 2;

struct Place {
    places: Arc<Places>,
    person: i64,
    permit: Option<OwnedSemaphorePermit>,
}

impl Places {
    /// So many at once.
    pub fn new(places: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(places)), people: Mutex::default() }
    }

    fn people(&self) -> MutexGuard<'_, HashMap<i64, usize>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A turn of this person's, once there is one; none where they have two already, or it takes too long.
    async fn take(self: &Arc<Self>, person: i64) -> Option<Place> {
        {
            let mut people = self.people();
            let theirs = people.entry(person).or_default();
            if *theirs >= MOST_OF_PERSON {
                return None;
            }
            *theirs += 1;
        }
        let mut place = Place { places: self.clone(), person, permit: None };
        place.permit = timeout(TURN, self.all.clone().acquire_owned()).await.ok()?.ok();
        place.permit.is_some().then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut people = self.places.people();
        if let Some(theirs) = people.get_mut(&self.person) {
            *theirs -= 1;
            if *theirs == 0 {
                people.remove(&self.person);
            }
        }
    }
}

/// Reads it, once it has its turn; of people who are signed in alone, so that strangers fill no memory.
pub async fn read(app: &App, request: &Request, headers: &HeaderMap, body: Body) -> Result<Form, Refused> {
    let late = |_| {
        Refused::told(
            StatusCode::REQUEST_TIMEOUT,
            "TIMEOUT",
            message!("The file took longer than two minutes to arrive. Send it again."),
        )
    };
    let person = match request.viewer().await {
        Ok(viewer) => viewer.user().id,
        Err(error) => {
            // The rest is dropped, or the answer would not arrive.
            let _ = timeout(ARRIVAL, read_body(body, 0, |_| true)).await.map_err(late)?;
            return Err(Refused::Failed(error));
        }
    };
    let Some(place) = app.uploads.take(person).await else {
        let message =
            message!("Two files of yours are on their way already, or the service is very busy; please try again in a moment.");
        return Err(Refused::told(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message));
    };
    // Its parts, and what is between them.
    let form_bytes = app.limits.request_bytes + MAX_BYTES + 2 * MAP_BYTES;
    let bytes = timeout(ARRIVAL, read_body(body, form_bytes, |_| true)).await.map_err(late)?.map_err(|_| {
        let message = message!("The request is too large; a file of 5 MiB at most is taken: make the picture smaller.");
        Refused::told(StatusCode::PAYLOAD_TOO_LARGE, "INVALID_INPUT", message)
    })?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (operations, paths, file) =
        parts(content_type, bytes.into(), app.limits.request_bytes).await.map_err(Refused::bad_request)?;
    Ok(Form { operations, paths, file, _place: place })
}

type Parts = (Bytes, Vec<String>, File);

async fn parts(content_type: &str, bytes: Bytes, operations_bytes: usize) -> Result<Parts, Message> {
    let told = |_: multer::Error| message!("The form is not multipart/form-data with a boundary, ended by it.");
    let boundary = multer::parse_boundary(content_type).map_err(told)?;
    let mut form = Multipart::new(stream::iter([Ok::<_, std::convert::Infallible>(bytes)]), boundary);
    let mut operations = None;
    let mut map: Option<HashMap<String, Vec<String>>> = None;
    while let Some(field) = form.next_field().await.map_err(told)? {
        let name = field.name().unwrap_or_default().to_owned();
        match (name.as_str(), &operations, &map) {
            ("operations", None, None) => operations = Some(text(field, operations_bytes, "operations").await?),
            ("map", Some(_), None) => {
                let json = text(field, MAP_BYTES, "map").await?;
                i_json::check(&json)?;
                let example = r#"{"0": ["variables.file"]}"#;
                let told = |_| message!("The form's map is not an object of lists of paths, such as {example}.", example);
                map = Some(serde_json::from_slice(&json).map_err(told)?);
            }
            (name, Some(_), Some(paths)) => {
                let paths = paths
                    .get(name)
                    .filter(|paths| (1..=MAX_PATHS).contains(&paths.len()) && map.iter().all(|map| map.len() == 1));
                let paths = paths
                    .ok_or_else(|| {
                        message!(
                            "The form's map names one file, the part after it, with one to {limit} paths.",
                            limit = MAX_PATHS
                        )
                    })?
                    .clone();
                let (file_name, media_type) =
                    (field.file_name().unwrap_or_default().to_owned(), field.content_type().map(ToString::to_string));
                let file = File { name: file_name, media_type, bytes: field.bytes().await.map_err(told)? };
                if form.next_field().await.map_err(told)?.is_some() {
                    return Err(message!("The form has more parts after the first file; one file is taken at once."));
                }
                return operations.map(|operations| (operations, paths, file)).ok_or_else(no_file);
            }
            _ => return Err(message!("The form's parts are not operations, map and the file, in this order.")),
        }
    }
    Err(no_file())
}

fn no_file() -> Message {
    message!("The form has no file after operations and map.")
}

async fn text(field: Field<'_>, limit: usize, part: &str) -> Result<Bytes, Message> {
    let text = field.bytes().await.map_err(|_| message!("The form's part {part} can't be read.", part))?;
    if text.len() > limit {
        return Err(message!(
            "The form's part {part} has {length} bytes; at most {limit} are read.",
            part,
            length = text.len(),
            limit
        ));
    }
    Ok(text)
}

impl Form {
    /// Gives the file to the request, and what stands for it into its places among the variables, where null stands.
    pub fn put(&self, asked: &Request, request: &mut async_graphql::Request) -> Result<(), Message> {
        asked.bring(self.file.clone());
        for path in &self.paths {
            let place = place(request, path).filter(|place| **place == Value::Null);
            let place = place.ok_or_else(|| {
                message!("The form's map names a place where there is no null in operations, such as variables.file.")
            })?;
            *place = upload::placeholder();
        }
        Ok(())
    }
}

fn place<'a>(request: &'a mut async_graphql::Request, path: &str) -> Option<&'a mut Value> {
    let mut names = path.strip_prefix("variables.")?.split('.');
    let first = request.variables.get_mut(names.next()?)?;
    names.try_fold(first, |value, name| match value {
        Value::List(items) => items.get_mut(name.parse::<usize>().ok()?),
        Value::Object(members) => members.get_mut(name),
        _ => None,
    })
}
