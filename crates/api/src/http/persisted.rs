//! Documents that are known by an id: trusted ones, which a setting lists, and those that clients had remembered (automatic persisted
//! queries, as Apollo's clients do it). A request names one in `extensions.persistedQuery.sha256Hash`, or in `documentId` as the
//! specification of persisted documents has it: `sha256:` and the hash of the text, or an id of the list.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Value;
use lru::LruCache;
use sha2::{Digest, Sha256};

/// The most documents that are remembered: the rest is sent again by who needs it.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1000).unwrap();
/// The largest of them, in bytes.
const REMEMBERED_BYTES: usize = 16 * 1024;

/// Known documents.
pub struct Documents {
    trusted: Option<HashMap<String, Arc<str>>>,
    remembered: Mutex<LruCache<String, Arc<str>>>,
}

/// Why a document is not run.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// The id is not known; sent along with the document once, it may be.
    NotFound,
    /// Only documents of the list run, and it is none.
    NotTrusted,
    /// The id is not as it is taken here.
    Malformed,
    /// The hash is of another text.
    OtherHash,
}

impl Documents {
    /// These, if there is a list, are the only ones.
    pub fn new(trusted: Option<BTreeMap<String, String>>) -> Self {
        let trusted = trusted.map(|listed| {
            let mut documents = HashMap::new();
            for (id, text) in listed {
                let text: Arc<str> = text.into();
                documents.insert(hash(&text), text.clone());
                documents.insert(id, text);
            }
            documents
        });
        Self { trusted, remembered: Mutex::new(LruCache::new(REMEMBERED)) }
    }

    /// Puts the text that is meant into the request. The answer is the hash under which to [`remember`](Self::remember) it.
    pub fn find(&self, request: &mut async_graphql::Request, document_id: Option<&str>) -> Result<Option<String>, Fault> {
        let named = match (document_id, request.extensions.get("persistedQuery")) {
            (Some(id), _) => Some(id.to_owned()),
            (None, Some(Value::Object(named))) => match (named.get("version"), named.get("sha256Hash")) {
                (Some(Value::Number(version)), Some(Value::String(hash))) if version.as_i64() == Some(1) => {
                    Some(hash.to_lowercase())
                }
                _ => return Err(Fault::Malformed),
            },
            (None, Some(_)) => return Err(Fault::Malformed),
            (None, None) => None,
        };
        let named = named.map(|id| id.strip_prefix("sha256:").map_or(id.clone(), str::to_lowercase));
        if let Some(trusted) = &self.trusted {
            let as_given = document_id.filter(|id| trusted.contains_key(*id)).map(str::to_owned);
            let id = as_given.or(named).filter(|_| request.query.is_empty());
            let found = trusted.get(&id.clone().unwrap_or_else(|| hash(&request.query)));
            request.query = found.ok_or(if id.is_some() { Fault::NotFound } else { Fault::NotTrusted })?.to_string();
            return Ok(None);
        }
        let Some(named) = named else { return Ok(None) };
        if request.query.is_empty() {
            let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            request.query = remembered.get(&named).ok_or(Fault::NotFound)?.to_string();
            return Ok(None);
        }
        if hash(&request.query) == named { Ok(Some(named)) } else { Err(Fault::OtherHash) }
    }

    /// Remembers a document for who names it without sending it.
    pub fn remember(&self, hash: String, document: &str) {
        if document.len() <= REMEMBERED_BYTES {
            self.remembered.lock().unwrap_or_else(PoisonError::into_inner).put(hash, document.into());
        }
    }
}

/// The SHA-256 of a text, in hexadecimal.
pub fn hash(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
