//! Headless Chromium, driven by the `WebDriver` of the W3C, with the virtual authenticators of WebAuthn's section 11; and the page it opens.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

pub struct Browser {
    http: reqwest::Client,
    session: String,
    _driver: Child,
}

impl Browser {
    pub async fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver is missing: run tests/run, which installs it");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = loop {
            let line = lines.next_line().await.unwrap().expect("chromedriver stopped");
            if let Some(port) = line.split("started successfully on port ").nth(1) {
                break port.trim_end_matches('.').to_owned();
            }
        };
        let http = reqwest::Client::new();
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": { "args": arguments } } } });
        let url = format!("http://127.0.0.1:{port}/session");
        let mut browser = Self { http, session: url, _driver: driver };
        let id = browser.post("", wanted).await["sessionId"].as_str().unwrap().to_owned();
        browser.session = format!("{}/{id}", browser.session);
        browser
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer: Value =
            self.http.post(format!("{}{path}", self.session)).json(&body).send().await.unwrap().json().await.unwrap();
        assert!(answer["value"]["error"].is_null(), "{path}: {}", answer["value"]["message"]);
        answer["value"].clone()
    }

    pub async fn open(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    /// A platform authenticator that verifies its user and keeps its keys; its id.
    pub async fn add_authenticator(&self) -> String {
        let options = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true, "isUserVerified": true,
        });
        self.post("/webauthn/authenticator", options).await.as_str().unwrap().to_owned()
    }

    pub async fn remove_authenticator(&self, id: &str) {
        self.http.delete(format!("{}/webauthn/authenticator/{id}", self.session)).send().await.unwrap();
    }

    /// Calls a function of the page, and gives what it returns once that is there; what it throws as `{ "thrown": … }`.
    pub async fn call(&self, call: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1]; (async () => {call})().then(done, error => done({{ thrown: String(error) }}));"
        );
        tokio::time::timeout(Duration::from_secs(30), self.post("/execute/async", json!({ "script": script, "args": [] })))
            .await
            .unwrap()
    }

    /// Types into a field and presses a button, as a person does.
    pub async fn click(&self, selector: &str) {
        let found = self.post("/element", json!({ "using": "css selector", "value": selector })).await;
        let id = found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
        self.post(&format!("/element/{id}/click"), json!({})).await;
    }

    /// What the page says, once it says something else than before.
    pub async fn said(&self) -> String {
        for _ in 0..200 {
            let text = self.call("document.getElementById('said').textContent").await.as_str().unwrap_or_default().to_owned();
            if !text.is_empty() {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the page says nothing");
    }

    /// Ends it. Dropped without, the browser would outlive its driver.
    pub async fn quit(self) {
        self.http.delete(&self.session).send().await.unwrap();
    }
}

/// Serves the page of `tests/browser`, for every path, and gives its origin.
pub async fn serve_page(api: &str) -> String {
    let page = include_str!("../../browser/page.html").replace("API_URL", api);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let page = page.clone();
            tokio::spawn(async move {
                let _ = connection.read(&mut [0; 4096]).await;
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\nconnection: close\r\n";
                let _ = connection.write_all(format!("{head}content-length: {}\r\n\r\n{page}", page.len()).as_bytes()).await;
            });
        }
    });
    origin
}
