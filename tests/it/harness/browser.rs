//! Headless Chromium, driven by the `WebDriver` of the W3C, with the virtual authenticators of WebAuthn's section 11; and the page it opens.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
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
            "--window-size=1280,800",
            // No host but this one is found.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
        ];
        let capabilities = json!({
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let wanted = json!({ "capabilities": { "alwaysMatch": capabilities } });
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

    /// What an expression of the page gives, once it is neither null, false, 0 nor empty; it may be a promise.
    pub async fn wait_for(&self, expression: &str) -> Value {
        for _ in 0..400 {
            let value = self.call(&format!("{{ try {{ return await ({expression}) }} catch {{ return null }} }}")).await;
            if ![Value::Null, json!(false), json!(0), json!("")].contains(&value) {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never came: {expression}; the page says: {}", self.call("document.body.innerText").await);
    }

    /// Runs before the scripts of every page from now on.
    pub async fn before_pages(&self, script: &str) {
        let command = json!({ "cmd": "Page.addScriptToEvaluateOnNewDocument", "params": { "source": script } });
        self.post("/goog/cdp/execute", command).await;
    }

    /// The element, once a person could see and use it.
    async fn element(&self, selector: &str) -> String {
        let found = format!("document.querySelector({})", json!(selector));
        self.wait_for(&format!("{found}.checkVisibility() && !{found}.disabled")).await;
        let found = self.post("/element", json!({ "using": "css selector", "value": selector })).await;
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    /// Presses a button, or what else it is, as a person does: once it is there.
    pub async fn click(&self, selector: &str) {
        let id = self.element(selector).await;
        self.post(&format!("/element/{id}/click"), json!({})).await;
    }

    /// Types into a field, in place of what is there, once the field is there.
    pub async fn fill(&self, selector: &str, text: &str) {
        let id = self.element(selector).await;
        self.post(&format!("/element/{id}/clear"), json!({})).await;
        self.post(&format!("/element/{id}/value"), json!({ "text": text })).await;
    }

    /// Presses these keys one after the other, wherever the focus is.
    pub async fn type_keys(&self, keys: &str) {
        let presses =
            keys.chars().flat_map(|key| [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })]);
        self.perform(presses.collect()).await;
    }

    /// Presses a key while the control key is held.
    pub async fn press_with_control(&self, key: char) {
        let control = '\u{E009}';
        let press = |kind: &str, key: char| json!({ "type": kind, "value": key });
        self.perform(vec![press("keyDown", control), press("keyDown", key), press("keyUp", key), press("keyUp", control)]).await;
    }

    async fn perform(&self, presses: Vec<Value>) {
        self.post("/actions", json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": presses }] })).await;
    }

    /// What was logged since the last time: `browser` (the console), `performance` (the network).
    pub async fn log(&self, kind: &str) -> Vec<Value> {
        self.post("/se/log", json!({ "type": kind })).await.as_array().unwrap().clone()
    }

    /// Makes the window so large, and keeps what it shows as a PNG.
    pub async fn screenshot(&self, (width, height): (u32, u32), path: &Path) {
        self.post("/window/rect", json!({ "width": width, "height": height })).await;
        let answer: Value = self.http.get(format!("{}/screenshot", self.session)).send().await.unwrap().json().await.unwrap();
        std::fs::write(path, STANDARD.decode(answer["value"].as_str().unwrap()).unwrap()).unwrap();
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
