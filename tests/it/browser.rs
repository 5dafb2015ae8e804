//! In a real browser, with its own passkeys: a front end on another origin, as `tests/browser/page.html` is one.

use std::sync::Arc;

use crate::harness::browser::{Browser, serve_page};
use crate::harness::{Engine, Home, Server, on_both_engines_and_two_instances, proxy, unique_email};

on_both_engines_and_two_instances!(people_sign_up_in_and_back_in_with_passkeys);

async fn people_sign_up_in_and_back_in_with_passkeys(engine: Engine) {
    let home = Arc::new(Home::migrated(engine).await);
    // The page has to know where the API is before that knows where the page is.
    let front = proxy::Proxy::bind().await;
    let api = front.url("localhost");
    let page = serve_page(&api).await;
    let settings = [("PUBLIC_URL", api.as_str()), ("ALLOWED_ORIGINS", page.as_str()), ("APP_URL", page.as_str())];
    let server = Server::start_on(home, &settings).await;
    front.serve(vec![server.url.clone()]);

    let browser = Browser::start().await;
    browser.open(&page).await;
    let first = browser.add_authenticator().await;
    let press = async |button: &str| {
        browser.click(&format!("#{button}")).await;
        browser.said().await
    };
    let person = press("sign-up").await;
    assert_eq!(server.sql("SELECT name FROM passkey_credentials").await, ["First"]);
    // The page forgets its tokens; the cookie resumes.
    browser.open(&format!("{page}/?again")).await;
    assert_eq!(press("resume").await, person);
    assert_eq!(press("sign-out").await, "signed out");
    assert!(press("resume").await.contains("UNAUTHENTICATED"));
    assert_eq!(press("sign-in").await, person, "no name was asked");
    // The same device has a passkey already; another one gets a second.
    assert!(press("add").await.starts_with("InvalidStateError"));
    browser.remove_authenticator(&first).await;
    browser.add_authenticator().await;
    assert_eq!(press("add").await, "added Second");
    assert_eq!(press("sign-out").await, "signed out");
    assert_eq!(press("sign-in").await, person, "with the second");

    // An address, and then every device is lost.
    let email = unique_email("browser");
    let api = |query: String| {
        let browser = &browser;
        async move { browser.call(&format!("api({query})")).await }
    };
    let changed = api(format!("'mutation {{ changeEmail(email: \"{email}\") {{ id }} }}'")).await;
    assert_eq!(changed["changeEmail"]["id"], person.as_str(), "{changed}");
    let verification = server.mails(&email, 1).await.remove(0);
    assert!(verification.link.starts_with(&format!("{page}/verify-email#token=")), "{}", verification.link);
    let verified = api(format!("'mutation {{ verifyEmail(token: \"{}\") {{ id }} }}'", verification.token.unwrap())).await;
    assert_eq!(verified["verifyEmail"]["id"], person.as_str(), "{verified}");
    assert_eq!(press("sign-out").await, "signed out");
    api(format!("'mutation {{ requestAccountRecovery(email: \"{email}\") }}'")).await;
    let recovery = server.mails(&email, 2).await.remove(1);
    browser.open(&recovery.link).await;
    // A new phone: nothing is on it yet.
    let third = Browser::start().await;
    third.open(&recovery.link).await;
    third.add_authenticator().await;
    third.click("#recover").await;
    assert_eq!(third.said().await, person);
    third.click("#sign-in").await;
    assert_eq!(third.said().await, person);
    assert_eq!(server.sql("SELECT name FROM passkey_credentials ORDER BY id").await, ["First", "Second", "Recovered"]);
    third.quit().await;
    browser.quit().await;
}
