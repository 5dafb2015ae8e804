//! A caller of the API.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::plain::Personal;

/// A caller, with an access token once it has one.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: Arc<str>,
    headers: Vec<(&'static str, String)>,
    secrets: Secrets,
    personal: Personal,
    pub access_token: Option<String>,
    pub refresh_token: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub request_id: String,
    pub text: String,
    pub body: Value,
    pub cookies: Vec<String>,
}

impl Answer {
    /// The data of an answer without errors.
    pub fn data(&self) -> &Value {
        assert!(self.body["errors"].is_null(), "{}", self.text);
        &self.body["data"]
    }

    /// The codes of the errors.
    pub fn codes(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().map(|error| error["extensions"]["code"].as_str().unwrap_or("none")).collect()
    }

    /// The pointers of the first error's problems.
    pub fn pointers(&self) -> Vec<&str> {
        let problems = self.body["errors"][0]["extensions"]["problems"].as_array().map(Vec::as_slice).unwrap_or_default();
        problems.iter().map(|problem| problem["pointer"].as_str().unwrap()).collect()
    }
}

/// What the log must not tell: filled in as it is used, looked for when a server stops.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Mutex<HashSet<String>>>);

/// Arguments and fields that hold secrets.
const SECRET: &[&str] =
    &["password", "current", "new", "token", "email", "address", "phoneNumber", "accessToken", "refreshToken"];

impl Secrets {
    /// Notes one.
    pub fn note(&self, secret: &str) {
        if secret.len() >= 8 {
            self.0.lock().unwrap().insert(secret.to_owned());
        }
    }

    fn note_all(&self, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    if let (true, Some(text)) = (SECRET.contains(&name.as_str()), value.as_str()) {
                        self.note(text);
                    }
                    // What lets whoever has it see a picture.
                    if let ("url", Some((_, signature))) = (name.as_str(), value.as_str().and_then(|url| url.split_once("&s="))) {
                        self.note(signature);
                    }
                    self.note_all(value);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.note_all(item)),
            _ => {}
        }
    }

    /// Those that are written out in a query.
    fn note_query(&self, query: &str) {
        for name in SECRET {
            for part in query.split(&format!("{name}: \"")).skip(1) {
                self.note(part.split('"').next().unwrap());
            }
        }
    }

    /// The first that a text holds.
    pub fn told_by(&self, text: &str) -> Option<String> {
        self.0.lock().unwrap().iter().find(|secret| text.contains(*secret)).cloned()
    }
}

impl Client {
    pub fn new(url: &str, secrets: Secrets, personal: Personal) -> Self {
        // A connection for each request: behind a proxy, each goes to another instance.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        Self { http, url: url.into(), headers: Vec::new(), secrets, personal, access_token: None, refresh_token: None }
    }

    /// The same caller with a further header.
    pub fn with_header(&self, name: &'static str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.retain(|(known, _)| *known != name);
        client.headers.push((name, value.to_owned()));
        client
    }

    /// The same caller, of another service over the same database.
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.into(), ..self.clone() }
    }

    /// The same caller with another token, or none.
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { access_token: token.map(str::to_owned), ..self.clone() }
    }

    /// A request to be sent as it is.
    pub fn raw(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// Sends a query.
    pub async fn send(&self, query: &str, variables: Value) -> Answer {
        let body = json!({ "query": query, "variables": variables });
        self.secrets.note_all(&variables);
        self.secrets.note_query(query);
        self.personal.note_all(&variables);
        self.personal.note_query(query);
        self.send_as(self.raw(reqwest::Method::POST, "/graphql").json(&body)).await
    }

    /// Sends a query whose variable `file` is a file: its name, the media type that is declared, its bytes.
    pub async fn send_file(&self, query: &str, file: (&str, &str, &[u8])) -> Answer {
        self.send_file_with(query, json!({ "file": null }), file).await
    }

    /// The same with further variables beside `file`, which is null in them.
    pub async fn send_file_with(&self, query: &str, variables: Value, (name, media_type, bytes): (&str, &str, &[u8])) -> Answer {
        let operations = json!({ "query": query, "variables": variables }).to_string();
        let file = format!("name=\"0\"; filename=\"{name}\"\r\ncontent-type: {media_type}");
        let map = br#"{"0":["variables.file"]}"#.as_slice();
        let body = form(&[("name=\"operations\"", operations.as_bytes()), ("name=\"map\"", map), (&file, bytes)]);
        self.send_as(self.form(body).header("graphql-require-preflight", "1")).await
    }

    /// A form to be sent as it is.
    pub fn form(&self, body: Vec<u8>) -> reqwest::RequestBuilder {
        let content_type = "multipart/form-data; boundary=between-the-parts";
        self.raw(reqwest::Method::POST, "/graphql").header("content-type", content_type).body(body)
    }

    /// Follows a link that the service gave.
    pub fn follow(&self, method: reqwest::Method, link: &str) -> reqwest::RequestBuilder {
        let path = link.splitn(4, '/').nth(3).unwrap();
        self.raw(method, &format!("/{path}"))
    }

    /// Sends a request as this caller.
    pub async fn send_as(&self, mut request: reqwest::RequestBuilder) -> Answer {
        if let Some(token) = &self.access_token {
            request = request.bearer_auth(token);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let answer = answer(request).await;
        self.secrets.note_all(&answer.body);
        for cookie in &answer.cookies {
            let value = cookie.split(';').next().and_then(|pair| pair.split_once('='));
            self.secrets.note(value.map_or("", |(_, value)| value));
        }
        answer
    }

    /// Sends a query without variables and gives its data.
    pub async fn data(&self, query: &str) -> Value {
        self.send(query, Value::Null).await.data().clone()
    }

    /// Signs up by password, and accepts the terms.
    pub async fn sign_up(&self, email: &str) -> Self {
        self.sign_up_only(email).await.accepting().await
    }

    /// The same person, who accepts the active terms.
    pub async fn accepting(self) -> Self {
        let version = self.data("{ terms { version } }").await["terms"]["version"].clone();
        let accept = "mutation ($version: String!) { acceptTerms(version: $version) { id } }";
        self.send(accept, json!({ "version": version })).await.data();
        self
    }

    /// Signs up by password, and no more.
    pub async fn sign_up_only(&self, email: &str) -> Self {
        let query = "mutation ($input: SignUpInput!) { payload: signUp(input: $input) { accessToken refreshToken } }";
        let input = json!({ "input": { "email": email, "password": "trois petits chats" } });
        self.signed_in(&self.send(query, input).await)
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Self {
        let query = "mutation ($input: SignInInput!) { payload: signIn(input: $input) { accessToken refreshToken } }";
        self.signed_in(&self.send(query, json!({ "input": { "email": email, "password": password } })).await)
    }

    /// Looks at everybody, as an administrator. The first look of a day costs a statement more, which writes it down.
    pub async fn look_at_everybody(&self) {
        self.data("{ users(first: 100) { nodes { id } } }").await;
    }

    /// With the tokens of a `payload`.
    pub fn signed_in(&self, answer: &Answer) -> Self {
        let payload = &answer.data()["payload"];
        let token = |name: &str| payload[name].as_str().map(str::to_owned);
        Self { access_token: token("accessToken"), refresh_token: token("refreshToken"), ..self.clone() }
    }
}

/// A form's body: of each part what follows `form-data; `, and its content.
pub fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (head, content) in parts {
        body.extend(format!("--between-the-parts\r\ncontent-disposition: form-data; {head}\r\n\r\n").bytes());
        body.extend_from_slice(content);
        body.extend(b"\r\n");
    }
    body.extend(b"--between-the-parts--\r\n");
    body
}

/// Sends a request, however it was made, and reads the answer.
pub async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let header =
        |name: &str| response.headers().get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>();
    let (request_id, cookies) = (header("x-request-id").join(""), header("set-cookie"));
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or_default();
    Answer { status, request_id, text, body, cookies }
}
