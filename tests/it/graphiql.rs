//! GraphiQL, in a real browser that finds no host but this one.

use std::io::Read;
use std::sync::Arc;

use flate2::read::GzDecoder;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::browser::Browser;
use crate::harness::{Client, Engine, Home, Server, unique_email};

const ENTER: char = '\u{E007}';
const DELETE: &str = "\u{E017}";
/// What the result pane shows, without any space.
const RESULT: &str = "document.querySelector('.result-window .view-lines').innerText.replaceAll(/\\s/g, '')";
const WHO: &str = "document.getElementById('who').textContent";
const MESSAGE: &str = "document.getElementById('message').textContent";
/// The text of the headers editor, and of the result pane.
const HEADERS: &str = "__MONACO.editor.getModels().find(model => model.uri.path.endsWith('request-headers.json')).getValue()";
const ANSWER: &str = "__MONACO.editor.getModels().find(model => model.uri.path.endsWith('response.json')).getValue()";

/// A browser with the page open, which notes what its policy refuses.
async fn open(server: &Server) -> Browser {
    let browser = Browser::start().await;
    let note = "globalThis.refused = []; addEventListener('securitypolicyviolation', event => refused.push(event.blockedURI));";
    browser.before_pages(note).await;
    browser.open(&format!("{}/", server.origin)).await;
    browser.wait_for("document.querySelector('.graphiql-query-editor .view-lines')").await;
    browser
}

/// Nothing was refused, failed or complained about, and no other host was asked.
async fn assert_clean(browser: &Browser, server: &Server) {
    assert_eq!(browser.call("globalThis.refused").await, json!([]), "the policy refused something");
    let console = browser.log("browser").await;
    assert!(console.iter().all(|line| line["level"] != "SEVERE" && line["level"] != "WARNING"), "{console:#?}");
    let mut asked = 0;
    for line in browser.log("performance").await {
        let event: Value = serde_json::from_str(line["message"].as_str().unwrap()).unwrap();
        let (method, told) = (event["message"]["method"].as_str().unwrap(), &event["message"]["params"]);
        assert_ne!(method, "Network.loadingFailed", "{told}");
        if method == "Network.responseReceived" {
            assert!(told["response"]["status"].as_u64().unwrap() < 400, "{told}");
        }
        if method == "Network.requestWillBeSent" {
            let url = told["request"]["url"].as_str().unwrap();
            assert!(url.starts_with(&server.origin) || url.starts_with("data:"), "{url}");
            asked += 1;
        }
    }
    assert!(asked > 10, "the log tells of {asked} requests");
}

/// Types a query into a new tab and runs it, by keys alone once the editor has the focus; what is answered.
async fn ask(browser: &Browser, query: &str, expected: &str) -> Value {
    browser.click(".graphiql-tab-add").await;
    browser.click(".graphiql-query-editor .view-lines").await;
    browser.press_with_control('a').await;
    browser.type_keys(DELETE).await;
    browser.type_keys(query).await;
    // GraphiQL knows what was typed a moment later; what is run before, its history does not have.
    let typed = format!(
        "(({{ tabs, activeTabIndex }}) => tabs[activeTabIndex].query === {})(JSON.parse(sessionStorage['graphiql:tabState']))",
        json!(query)
    );
    browser.wait_for(&typed).await;
    browser.press_with_control(ENTER).await;
    let text = browser.wait_for(&format!("{RESULT}.includes('{expected}') && {ANSWER}")).await;
    serde_json::from_str(text.as_str().unwrap()).unwrap()
}

async fn says(browser: &Browser, who: &str) {
    browser.wait_for(&format!("{WHO} === '{who}'")).await;
}

async fn sign_in_by_password(browser: &Browser, email: &str, password: &str) {
    browser.fill("#sign-in-email", email).await;
    browser.fill("#sign-in-password", password).await;
    browser.click("#password-sign-in button").await;
}

#[tokio::test]
async fn a_typed_query_is_answered_and_the_documentation_opens_without_another_host() {
    let server = Server::start(Engine::Sqlite).await;
    let browser = open(&server).await;
    says(&browser, "Nobody is signed in").await;
    let answer = ask(&browser, "{ terms { version isActive } }", "isActive").await;
    assert_eq!(answer, json!({ "data": { "terms": { "version": "1.0", "isActive": true } } }));

    browser.click("[aria-label='Show Documentation Explorer']").await;
    let docs = "document.querySelector('.graphiql-doc-explorer').innerText";
    browser.wait_for(&format!("{docs}.includes('UserPassion')")).await;
    browser
        .call("[...document.querySelectorAll('.graphiql-doc-explorer a')].find(a => a.innerText === 'UserPassion').click()")
        .await;
    browser.wait_for(&format!("{docs}.includes('Something a person loves.')")).await;
    // The editor's own help comes from its workers.
    browser.click(".graphiql-query-editor .view-lines").await;
    browser.press_with_control('a').await;
    browser.type_keys("{ gameCat").await;
    browser.wait_for("document.querySelector('.suggest-widget')?.innerText.includes('gameCatalogue')").await;
    assert_clean(&browser, &server).await;
    browser.quit().await;
}

#[tokio::test]
async fn people_sign_up_in_and_out_by_passkey_beside_it() {
    let server = Server::start(Engine::Sqlite).await;
    let browser = open(&server).await;
    let device = browser.add_authenticator().await;
    browser.fill("#sign-up-username", "camille").await;
    browser.click("#passkey-sign-up button").await;
    says(&browser, "Signed in as camille").await;
    assert_eq!(ask(&browser, "{ me { username } }", "data").await, json!({ "data": { "me": { "username": "camille" } } }));

    // Whoever loads the page again is still signed in, though no token was stored.
    browser.click("#graphiql-session-tab-1").await;
    browser.wait_for(&format!("{HEADERS}.includes('Bearer')")).await;
    browser.wait_for("sessionStorage['graphiql:queries'] && sessionStorage['graphiql:tabState'].includes('username }')").await;
    let stored = browser.call("JSON.stringify({ ...sessionStorage, ...localStorage }) + document.cookie").await;
    assert!(!stored.as_str().unwrap().contains("eyJ"), "{stored}");
    browser.open(&format!("{}/", server.origin)).await;
    says(&browser, "Signed in as camille").await;
    browser.wait_for(&format!("{HEADERS}.includes('Bearer')")).await;
    assert_eq!(browser.call("document.querySelectorAll('[role=tab]').length").await, 8, "the tabs are as they were");
    assert_eq!(ask(&browser, "{ me { isPasskey } }", "data").await, json!({ "data": { "me": { "isPasskey": true } } }));

    browser.click("#toggle").await;
    browser.click("#sign-out button").await;
    says(&browser, "Nobody is signed in").await;
    browser.wait_for(&format!("!{HEADERS}.includes('Bearer')")).await;
    assert_eq!(ask(&browser, "{ me { username } }", "data").await, json!({ "data": { "me": null } }));
    browser.click("#passkey-sign-in button").await;
    says(&browser, "Signed in as camille").await;
    assert_clean(&browser, &server).await;

    // A device without a passkey: what to do is said in words.
    browser.click("#sign-out button").await;
    says(&browser, "Nobody is signed in").await;
    browser.remove_authenticator(&device).await;
    browser.add_authenticator().await;
    browser.click("#passkey-sign-in button").await;
    browser.wait_for(&format!("{MESSAGE}.startsWith('No passkey was used')")).await;
    browser.quit().await;
}

#[tokio::test]
async fn people_sign_up_and_in_by_password_beside_it() {
    let server = Server::start(Engine::Sqlite).await;
    let browser = open(&server).await;
    says(&browser, "Nobody is signed in").await;
    let email = unique_email("graphiql");
    sign_in_by_password(&browser, &email, "not the password").await;
    browser.wait_for(MESSAGE).await;
    assert_eq!(browser.call("document.getElementById('sign-in-email').value").await, email, "what was typed is kept");
    browser.click("details summary").await;
    browser.fill("#sign-up-email", &email).await;
    browser.fill("#sign-up-password", "password").await;
    browser.click("#password-sign-up button").await;
    browser.wait_for(&format!("{MESSAGE}.startsWith('Password: ')")).await;
    assert_eq!(browser.call("document.activeElement.id").await, "sign-up-password", "the focus goes where the fault is");
    browser.fill("#sign-up-password", "trois petits chats").await;
    browser.click("#password-sign-up button").await;
    says(&browser, &format!("Signed in as {email}")).await;
    assert_eq!(browser.call(MESSAGE).await, "");
    browser.click("#sign-out button").await;
    says(&browser, "Nobody is signed in").await;
    sign_in_by_password(&browser, &email, "trois petits chats").await;
    says(&browser, &format!("Signed in as {email}")).await;
    let answer = ask(&browser, "{ me { detail { email } } }", "data").await;
    assert_eq!(answer["data"]["me"]["detail"]["email"], email);
    assert_clean(&browser, &server).await;
    browser.quit().await;
}

#[tokio::test]
async fn what_is_run_in_the_editors_shows_in_the_panel() {
    let server = Server::start(Engine::Sqlite).await;
    let browser = open(&server).await;
    says(&browser, "Nobody is signed in").await;
    let run_tab = async |title: &str| {
        browser.click(&format!("[role=tab] [title={title}]")).await;
        browser.wait_for(&format!("document.querySelector('.graphiql-query-editor').innerText.includes('{title}')")).await;
        browser.click(".graphiql-execute-button").await;
    };
    let terms = "document.getElementById('terms').hidden";
    run_tab("SignUp").await;
    says(&browser, "Signed in as camille").await;
    assert_eq!(browser.call(terms).await, false);
    run_tab("AcceptTerms").await;
    browser.wait_for(terms).await;
    run_tab("SaveGame").await;
    browser.wait_for(&format!("{RESULT}.includes('empathie')")).await;
    ask(&browser, "mutation { signOut }", "data").await;
    says(&browser, "Nobody is signed in").await;
    browser.quit().await;
}

#[tokio::test]
async fn who_explores_for_long_is_not_cut_off() {
    let server = Server::start(Engine::Sqlite).await;
    let (home, origin, address) = (server.home.clone(), server.origin.clone(), server.url.replace("http://", ""));
    let browser = open(&server).await;
    browser.add_authenticator().await;
    browser.click("#passkey-sign-up button").await;
    says(&browser, "Signed in as somebody without a name").await;
    ask(&browser, "{ me { isPasskey } }", "data").await;
    let first = browser.wait_for(&format!("{HEADERS}.includes('Bearer') && {HEADERS}")).await;
    // Twenty minutes later, for both.
    server.kill().await;
    let later = Server::start_on(home, &[("BIND", &address), ("CLOCK_OFFSET", "1200")]).await;
    assert_eq!(later.origin, origin);
    browser.call("{ const { now } = Date; Date.now = () => now() + 1_200_000; }").await;
    assert_eq!(ask(&browser, "{ me { isPasskey } }", "data").await["data"]["me"]["isPasskey"], true);
    let second = browser.wait_for(&format!("{HEADERS}.includes('Bearer') && {HEADERS}")).await;
    assert_ne!(first, second);
    // The history brings the first token back; it is replaced.
    browser.click("[aria-label='Show History']").await;
    browser.wait_for("document.querySelector('.graphiql-history-item-label')").await;
    browser.call("[...document.querySelectorAll('.graphiql-history-item-label')].at(-1).click()").await;
    browser.wait_for(&format!("{HEADERS} === {second}")).await;
    // A session that ends elsewhere has ended here.
    later.sql("DELETE FROM sessions").await;
    ask(&browser, "{ me { isPasskey } }", "UNAUTHENTICATED").await;
    says(&browser, "Nobody is signed in").await;
    browser.wait_for(&format!("!{HEADERS}.includes('Bearer')")).await;
    browser.quit().await;
}

#[tokio::test]
async fn without_introspection_it_opens_all_the_same() {
    let server = Server::start(Engine::Sqlite).await;
    let browser = Browser::start().await;
    let refuse = "{ const { fetch } = globalThis; globalThis.fetch = (url, options) => options?.body?.includes('__schema') \
        ? Promise.resolve(Response.json({ errors: [{ message: 'No introspection here' }] })) : fetch(url, options); }";
    browser.before_pages(refuse).await;
    browser.open(&format!("{}/", server.origin)).await;
    says(&browser, "Nobody is signed in").await;
    browser.click("[aria-label='Show Documentation Explorer']").await;
    browser.wait_for("document.querySelector('.graphiql-doc-explorer-error').innerText").await;
    browser.wait_for("!document.querySelector('.graphiql-spinner, .graphiql-spin')").await;
    assert_eq!(ask(&browser, "{ me { id } }", "data").await, json!({ "data": { "me": null } }));
    browser.quit().await;
}

#[tokio::test]
async fn opened_by_its_number_it_says_where_passkeys_work() {
    let server = Server::start(Engine::Sqlite).await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/", server.url)).await;
    browser.wait_for("document.getElementById('by-number').checkVisibility()").await;
    assert_eq!(browser.call("document.getElementById('by-name').href").await, format!("{}/", server.origin));
    // A password works here as well.
    server.client().sign_up("number@example.org").await;
    sign_in_by_password(&browser, "number@example.org", "trois petits chats").await;
    says(&browser, "Signed in as number@example.org").await;
    browser.quit().await;
}

/// `tests/run graphiql::pictures --ignored --nocapture`
#[tokio::test]
#[ignore = "takes pictures, for people to look at"]
async fn pictures() {
    let server = Server::start(Engine::Sqlite).await;
    let folder = std::env::temp_dir();
    let browser = open(&server).await;
    let take = async |name: &str, size: (u32, u32)| {
        let path = folder.join(format!("graphiql-{name}.png"));
        browser.screenshot(size, &path).await;
        println!("{}", path.display());
    };
    says(&browser, "Nobody is signed in").await;
    take("nobody", (1280, 900)).await;
    browser.add_authenticator().await;
    browser.fill("#sign-up-username", "camille").await;
    browser.click("#passkey-sign-up button").await;
    says(&browser, "Signed in as camille").await;
    browser.click("[aria-label='Show Documentation Explorer']").await;
    browser.wait_for("document.querySelector('.graphiql-doc-explorer').innerText.includes('UserPassion')").await;
    browser.click("[data-name=headers]").await;
    browser.click(".graphiql-execute-button").await;
    browser.wait_for(&format!("{RESULT}.includes('camille')")).await;
    take("signed-in", (1280, 900)).await;
    take("narrow", (500, 1400)).await;
    browser.quit().await;
}

#[tokio::test]
async fn every_example_runs() {
    let server = Server::start(Engine::Sqlite).await;
    let browser = open(&server).await;
    let examples = browser.call("(await import('/graphiql/examples.js')).examples").await;
    browser.quit().await;
    let (mut somebody, admin) = (server.client(), server.admin().await);
    let examples = examples.as_array().unwrap();
    for example in examples {
        let query = example["query"].as_str().unwrap();
        let variables: Value = serde_json::from_str(example["variables"].as_str().unwrap_or("null")).unwrap();
        let asks: &Client = if query.contains("administrators") { &admin } else { &somebody };
        let answer = asks.send(query, variables).await;
        if let Some(token) = answer.data()["signUp"]["accessToken"].as_str() {
            somebody = server.client().with_token(Some(token));
        }
    }
    assert_eq!(examples.len(), 7);
}

async fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = server.client().raw(Method::GET, path);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn its_files_come_from_the_binary_under_a_strict_policy() {
    let server = Server::start(Engine::Sqlite).await;
    let page = get(&server, "/", &[]).await;
    let policy = header(&page, "content-security-policy").to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    assert!(policy.contains("worker-src 'self';") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe-eval") && !policy.contains("blob:") && !policy.contains("http"), "{policy}");
    let html = page.text().await.unwrap();
    assert!(!html.contains("http://") && !html.contains("https://"), "another host is named");

    // What was built is what is served, packed or not; the sums are of the files unpacked.
    let sums = include_str!("../../crates/api/assets/graphiql/bundle/SHA256SUMS");
    for (sum, file) in sums.lines().map(|line| line.split_once("  ./").unwrap()) {
        let path = format!("/graphiql/{file}");
        let plain = get(&server, &path, &[]).await;
        assert_eq!((plain.status().as_u16(), header(&plain, "content-encoding")), (200, ""), "{file}");
        assert_eq!((header(&plain, "x-content-type-options"), header(&plain, "referrer-policy")), ("nosniff", "no-referrer"));
        assert_eq!(header(&plain, "content-security-policy"), policy);
        let plain = plain.bytes().await.unwrap();
        let expected: Vec<u8> = (0..64).step_by(2).map(|at| u8::from_str_radix(&sum[at..at + 2], 16).unwrap()).collect();
        assert_eq!(Sha256::digest(&plain).as_slice(), expected, "{file}");
        let packed = get(&server, &path, &[("accept-encoding", "br, gzip;q=0.5")]).await;
        if header(&packed, "content-encoding") == "gzip" {
            assert_eq!(header(&packed, "vary"), "accept-encoding");
            let mut unpacked = Vec::new();
            GzDecoder::new(&*packed.bytes().await.unwrap()).read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == plain, "{file}");
        } else {
            assert!(packed.bytes().await.unwrap() == plain, "{file}");
        }
    }
    let refusing = get(&server, "/graphiql/bundle.js", &[("accept-encoding", "gzip;q=0")]).await;
    assert_eq!(header(&refusing, "content-encoding"), "");

    // A browser keeps a file and asks whether it is still the one: so a new release is taken up.
    let gzip = ("accept-encoding", "gzip");
    let kept = get(&server, "/graphiql/bundle.js", &[gzip]).await;
    assert_eq!(header(&kept, "cache-control"), "no-cache");
    let again = get(&server, "/graphiql/bundle.js", &[gzip, ("if-none-match", header(&kept, "etag"))]).await;
    assert_eq!((again.status().as_u16(), again.bytes().await.unwrap().len()), (304, 0));
    let other = get(&server, "/graphiql/start.js", &[gzip, ("if-none-match", header(&kept, "etag"))]).await;
    assert_eq!(other.status(), 200);
    for path in ["/graphiql/", "/graphiql/SHA256SUMS", "/graphiql/none.js", "/graphiql/..%2fbuild", "/graphiql/bundle.js.gz"] {
        assert_eq!(get(&server, path, &[]).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn off_by_setting_there_is_nothing_but_the_api() {
    let home = Arc::new(Home::migrated(Engine::Sqlite).await);
    let server = Server::start_on(home, &[("GRAPHIQL", "off")]).await;
    for path in ["/", "/graphiql/start.js", "/graphiql/bundle.js"] {
        assert_eq!(get(&server, path, &[]).await.status(), 404, "{path}");
    }
    assert_eq!(server.client().data("{ terms { version } }").await["terms"]["version"], "1.0");
}
