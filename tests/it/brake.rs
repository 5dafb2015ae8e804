//! How often something may be tried.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::authenticator::Authenticator;
use crate::harness::{Answer, Client, Engine, Home, Server, mailbox, on_both_engines_and_two_instances, unique_email};

on_both_engines_and_two_instances!(
    wrong_passwords_from_many_addresses_are_slowed_down_by_account,
    wrong_passwords_from_one_address_are_slowed_down_whatever_the_account,
    a_flood_of_wrong_passwords_leaves_the_passkey_and_recovery_open,
    right_passwords_do_not_count,
    mails_and_recoveries_are_bounded,
    guessed_tokens_are_bounded,
    an_address_that_a_stranger_writes_down_is_not_believed
);

/// How often one wrong password of a caller comes back.
const TEN_SECONDS: Duration = Duration::from_secs(10);

async fn try_password(client: &Client, email: &str, password: &str) -> Answer {
    let query = "mutation ($input: SignInInput!) { payload: signIn(input: $input) { accessToken refreshToken } }";
    client.send(query, json!({ "input": { "email": email, "password": password } })).await
}

/// A server that believes this machine's proxies, so that a test is many callers.
async fn behind_proxies(engine: Engine) -> Server {
    let home = std::sync::Arc::new(Home::migrated(engine).await);
    Server::start_on(home, &[("TRUSTED_PROXIES", "127.0.0.0/8")]).await
}

fn from(server: &Server, caller: usize) -> Client {
    server.client().with_header("x-forwarded-for", &format!("198.51.{}.{}", caller / 250, caller % 250 + 1))
}

/// Tries until the brake holds, and gives the answer of it. There are `burst` tries, and one more for each `every` that has passed
/// meanwhile: on a busy machine tries take their time.
async fn until_refused(burst: u64, every: Duration, attempt: impl AsyncFn(usize) -> Answer) -> Answer {
    let begun = Instant::now();
    for number in 0.. {
        let answer = attempt(number).await;
        if answer.codes() != ["UNAUTHENTICATED"] {
            let most = burst + begun.elapsed().as_secs() / every.as_secs() + 1;
            assert!((burst..=most).contains(&(number as u64)), "{number} tries, of {burst} to {most}: {}", answer.text);
            return answer;
        }
    }
    unreachable!("numbers do not end")
}

fn retry_after(answer: &Answer) -> i64 {
    assert_eq!(answer.codes(), ["RATE_LIMITED"], "{}", answer.text);
    answer.body["errors"][0]["extensions"]["retryAfter"].as_i64().unwrap()
}

async fn wrong_passwords_from_many_addresses_are_slowed_down_by_account(engine: Engine) {
    let server = behind_proxies(engine).await;
    let email = unique_email("many");
    from(&server, 0).sign_up(&email).await;
    let unknown = unique_email("nobody");
    for address in [&email, &unknown] {
        // At once, and over both instances where there are two.
        let tries = (1..=30).map(|caller| {
            let (client, address) = (from(&server, caller), address.clone());
            tokio::spawn(async move { try_password(&client, &address, "wrong wrong wrong").await })
        });
        let mut answers = Vec::new();
        for answer in tries.collect::<Vec<_>>() {
            answers.push(answer.await.unwrap());
        }
        let refused = answers.iter().filter(|answer| answer.codes() == ["UNAUTHENTICATED"]).count();
        assert_eq!((refused, answers.len() - refused), (10, 20), "known or not, it looks alike");
        let limited = answers.iter().find(|answer| answer.codes() != ["UNAUTHENTICATED"]).unwrap();
        assert!((1..=121).contains(&retry_after(limited)), "{}", limited.text);
    }
    // Time gives tries back: two minutes one.
    let later = Server::start_on(server.home.clone(), &[("CLOCK_OFFSET", "125"), ("TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    try_password(&from(&later, 40), &email, "trois petits chats").await.data();
}

async fn wrong_passwords_from_one_address_are_slowed_down_whatever_the_account(engine: Engine) {
    let server = behind_proxies(engine).await;
    let email = unique_email("neighbour");
    from(&server, 2).sign_up(&email).await;
    let refused = until_refused(50, TEN_SECONDS, async |number| {
        let unknown = format!("person{number}@example.net");
        try_password(&from(&server, 1), if number < 50 { &unknown } else { &email }, "password password").await
    });
    assert!((1..=11).contains(&retry_after(&refused.await)));
    try_password(&from(&server, 2), &email, "trois petits chats").await.data();
}

async fn a_flood_of_wrong_passwords_leaves_the_passkey_and_recovery_open(engine: Engine) {
    let server = behind_proxies(engine).await;
    let mut authenticator = Authenticator::new(&server.origin);
    let client = crate::passkey::sign_up(&server, &mut authenticator).await;
    let email = unique_email("owner");
    crate::unverified_detail::change_email(&client, &email).await.data();
    let token = server.mails(&email, 1).await.remove(0).token.unwrap();
    crate::unverified_detail::verify(&client, &token).await.data();
    client.data("mutation { changePassword(new: \"trois petits chats\") }").await;
    // From the owner's own address, even.
    for _ in 0..60 {
        try_password(&server.client(), &email, "wrong wrong wrong").await;
    }
    retry_after(&try_password(&from(&server, 9), &email, "trois petits chats").await);
    crate::passkey::sign_in(&server, &mut authenticator).await.data();
    let request = "mutation ($email: String!) { requestAccountRecovery(email: $email) }";
    server.client().send(request, json!({ "email": email })).await.data();
}

async fn right_passwords_do_not_count(engine: Engine) {
    let server = Server::start(engine).await;
    let email = unique_email("right");
    server.client().sign_up(&email).await;
    for _ in 0..15 {
        try_password(&server.client(), &email, "trois petits chats").await.data();
    }
}

async fn mails_and_recoveries_are_bounded(engine: Engine) {
    let server = behind_proxies(engine).await;
    let (email, unknown) = (unique_email("flooded"), unique_email("nobody"));
    let client = from(&server, 1).sign_up(&email).await;
    for _ in 0..5 {
        client.data("mutation { resendVerification }").await;
    }
    retry_after(&client.send("mutation { resendVerification }", Value::Null).await);
    let sign_up = "mutation ($input: SignUpInput!) { signUp(input: $input) { accessToken } }";
    // However often somebody's address is named, they can sign up themselves; only the mails have a bound.
    for number in 0..6 {
        let input = json!({ "input": { "email": email, "password": format!("trois petits chats {number}") } });
        from(&server, 2).send(sign_up, input).await.data();
    }
    server.queue_is_empty().await;
    // One of the first sign-up, those resent (but for those that a newer one took the place of in time), two of further sign-ups.
    assert!((3..=1 + 5 + 2).contains(&mailbox::to(&email).len()), "{}", mailbox::to(&email).len());
    let request = "mutation ($email: String!) { requestAccountRecovery(email: $email) }";
    for address in [&email, &unknown] {
        for caller in 3..6 {
            from(&server, caller).send(request, json!({ "email": address })).await.data();
        }
        assert!((1..=601).contains(&retry_after(&from(&server, 6).send(request, json!({ "email": address })).await)));
    }
}

async fn guessed_tokens_are_bounded(engine: Engine) {
    let server = Server::start(engine).await;
    let (_, email) = crate::unverified_detail::verified(&server, "classmate").await;
    let request = "mutation ($email: String!) { requestAccountRecovery(email: $email) }";
    server.client().send(request, json!({ "email": email })).await.data();
    let token = server.mails(&email, 2).await.remove(1).token.unwrap();
    let guess = |number: usize| format!("mutation {{ startPasskeyRecovery(token: \"guess {number}\") {{ ceremonyId }} }}");
    let minute = Duration::from_mins(1);
    retry_after(&until_refused(20, minute, async |number| server.client().send(&guess(number), Value::Null).await).await);
    // Who has a right one is not kept out by who guesses on the same network.
    let right = "mutation ($token: String!) { startPasskeyRecovery(token: $token) { ceremonyId } }";
    server.client().send(right, json!({ "token": token })).await.data();
}

async fn an_address_that_a_stranger_writes_down_is_not_believed(engine: Engine) {
    let server = Server::start(engine).await;
    let refused = until_refused(50, TEN_SECONDS, async |caller| {
        try_password(&from(&server, caller), &format!("other{caller}@example.net"), "password password").await
    });
    retry_after(&refused.await);
}
