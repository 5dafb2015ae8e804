//! One young person's journey with the generated client. The same story, in the same order, is in ../../typescript and ../../python.

#![allow(clippy::expect_used, reason = "a test stops where something is not as it should be")]

use chrono::DateTime;
use serde_json::{Value, json};

use crate::api::{
    AcceptTerms, DeleteAccount, History, Home, Opening, RequestDataExport, SaveAbilitiesGame, SaveJobsGame, SaveRoomEnvGame,
    SaveScenarioGame, SaveShapeSequenceGame, SaveSkillsGame, SaveSpeedGame, SetAvatar, SetPassions, SignIn, SignOut, SignUp,
    TermsToAccept, UpdateProfile, accept_terms, delete_account, errors::ErrorCode, history, home, opening, request_data_export,
    save_abilities_game, save_jobs_game, save_room_env_game, save_scenario_game, save_shape_sequence_game, save_skills_game,
    save_speed_game, set_avatar, set_passions, sign_in, sign_out, sign_up, terms_to_accept, update_profile,
};
use crate::{Client, Error, Extensions};

const PASSWORD: &str = "trois petits chats";

/// Goes all the way, with the API at this address, as the person of `session`.
///
/// # Panics
/// Where something is not as it should be.
pub async fn journey(url: &str, session: &Value) -> Result<(), Error> {
    let mut client = Client::new(url);

    // Sign up.
    let email = text(&session["detail"]["email"]);
    let input = sign_up::SignUpInput { email: email.clone(), password: PASSWORD.to_owned(), ..Default::default() };
    let signed_up = client.send::<SignUp>(sign_up::Variables { input }).await?.sign_up;
    assert!(signed_up.access_token_expires > DateTime::UNIX_EPOCH);
    client.access_token = Some(signed_up.access_token.clone());
    client.refresh_token = signed_up.refresh_token.clone();

    say_who_one_is(&mut client, session).await?;

    // Accept the terms.
    let to_accept = client.send::<TermsToAccept>(terms_to_accept::Variables).await?;
    let version = to_accept.terms.expect("active terms").version;
    assert!(to_accept.me.expect("a person").must_accept_terms);
    client.send::<AcceptTerms>(accept_terms::Variables { version: version.clone() }).await?;

    // What is wrong is said in a way that code can read.
    let input = save_scenario_game::SaveScenarioGameInput { completion: Some(140.0), ..Default::default() };
    let invalid = refused(client.send::<SaveScenarioGame>(save_scenario_game::Variables { input }).await);
    assert_eq!(invalid.code, ErrorCode::INVALID_INPUT);
    assert_eq!(invalid.problems.iter().map(|problem| problem.pointer.as_str()).collect::<Vec<_>>(), ["/completion"]);

    play(&mut client, &session["games"]).await?;
    let me = client.send::<Opening>(opening::Variables).await?.me.expect("a person");
    assert_eq!(me.terms_agreements.iter().map(|it| &it.terms.version).collect::<Vec<_>>(), [&version]);
    everything_came_back(me, session);
    read_pages(&mut client).await?;

    // The access token is not good any more: a new one comes for the refresh token.
    client.access_token = Some("spent".to_owned());
    let home = client.send::<Home>(home::Variables).await?.me.expect("a person");
    assert_eq!(home.progress.games_started, 7);
    assert!(client.access_token != Some("spent".to_owned()) && client.access_token != Some(signed_up.access_token));
    assert_ne!(client.refresh_token, signed_up.refresh_token);

    // Everything that is held on the person, as a file: it is made in the background.
    let export = client.send::<RequestDataExport>(request_data_export::Variables).await?.request_data_export;
    assert_ne!(export.state, request_data_export::DataExportState::FAILED);
    assert!(export.date_requested > DateTime::UNIX_EPOCH);

    // Sign out: the tokens are good no more.
    assert!(client.send::<SignOut>(sign_out::Variables).await?.sign_out);
    assert_eq!(refused(client.send::<Opening>(opening::Variables).await).code, ErrorCode::UNAUTHENTICATED);
    client = Client::new(url);

    // Sign in again, and leave for good.
    let credentials = sign_in::Variables { input: sign_in::SignInInput { email, password: PASSWORD.to_owned() } };
    let signed_in = client.send::<SignIn>(credentials.clone()).await?.sign_in;
    (client.access_token, client.refresh_token) = (Some(signed_in.access_token), signed_in.refresh_token);
    let confirm = text(&session["username"]);
    let receipt = client.send::<DeleteAccount>(delete_account::Variables { confirm }).await?.delete_account;
    let plays = receipt.erased.iter().find(|erased| erased.kind == delete_account::ErasedKind::PLAYS);
    assert_eq!(plays.map(|plays| plays.count), Some(7));
    assert_eq!(refused(Client::new(url).send::<SignIn>(credentials).await).code, ErrorCode::UNAUTHENTICATED);
    Ok(())
}

async fn say_who_one_is(client: &mut Client, session: &Value) -> Result<(), Error> {
    let (profile, avatar) = (&session["detail"], &session["avatar"]);
    let input = update_profile::UpdateProfileInput {
        username: Some(text(&session["username"])),
        first_name: Some(text(&profile["firstName"])),
        last_name: Some(text(&profile["lastName"])),
        age: profile["age"].as_i64(),
        phone_number: Some(text(&profile["phoneNumber"])),
        address: Some(text(&profile["address"])),
        onboarding_complete: Some(true),
        ..Default::default()
    };
    let updated = client.send::<UpdateProfile>(update_profile::Variables { input }).await?.update_profile;
    assert_eq!(updated.username, Some(text(&session["username"])));
    let input = set_avatar::AvatarInput {
        avatar_gender: Some(text(&avatar["avatarGender"])),
        avatar_accessories: Some(text(&avatar["avatarAccessories"])),
        avatar_color: Some(text(&avatar["avatarColor"])),
        avatar_passions: Some(text(&avatar["avatarPassions"])),
        avatar_expression: Some(text(&avatar["avatarExpression"])),
    };
    client.send::<SetAvatar>(set_avatar::Variables { input }).await?;
    let passions = session["passions"].as_array().expect("a list").iter().map(|it| text(&it["passionText"])).collect();
    client.send::<SetPassions>(set_passions::Variables { passions }).await?;
    Ok(())
}

/// Plays the seven games. A save that is sent again, because its answer was lost, counts once.
async fn play(client: &mut Client, games: &Value) -> Result<(), Error> {
    // Any text that no other save of the person has; a UUID where there are more of them.
    let save_id = |game: &str| Some(format!("first save of {game}"));
    let game = &games["scenario"];
    let input = save_scenario_game::SaveScenarioGameInput {
        save_id: save_id("scenario"),
        completion: game["completion"].as_f64(),
        current_level: game["currentLevel"].as_i64(),
        traits: Some(game["traits"].clone()),
        penalties: Some(game["penalties"].clone()),
        ..Default::default()
    };
    let variables = save_scenario_game::Variables { input };
    client.send::<SaveScenarioGame>(variables.clone()).await?;
    assert_eq!(client.send::<SaveScenarioGame>(variables).await?.save_scenario_game.revision, 1);
    let game = &games["shapeSequence"];
    let input = save_shape_sequence_game::SaveShapeSequenceGameInput {
        save_id: save_id("shapeSequence"),
        completion: game["completion"].as_f64(),
        current_level: game["currentLevel"].as_i64(),
        level_results: Some(game["levelResults"].clone()),
        ..Default::default()
    };
    client.send::<SaveShapeSequenceGame>(save_shape_sequence_game::Variables { input }).await?;
    let game = &games["jobs"];
    let input = save_jobs_game::SaveJobsGameInput {
        save_id: save_id("jobs"),
        completion: game["completion"].as_f64(),
        job_choices: Some(game["jobChoices"].clone()),
        ..Default::default()
    };
    client.send::<SaveJobsGame>(save_jobs_game::Variables { input }).await?;
    let game = &games["speed"];
    let input = save_speed_game::SaveSpeedGameInput {
        save_id: save_id("speed"),
        completion: game["completion"].as_f64(),
        current_level: game["currentLevel"].as_i64(),
        level_stats: Some(game["levelStats"].clone()),
        ..Default::default()
    };
    client.send::<SaveSpeedGame>(save_speed_game::Variables { input }).await?;
    let game = &games["abilities"];
    let input = save_abilities_game::SaveAbilitiesGameInput {
        save_id: save_id("abilities"),
        completion: game["completion"].as_f64(),
        skill_assessment: Some(game["skillAssessment"].clone()),
        ..Default::default()
    };
    client.send::<SaveAbilitiesGame>(save_abilities_game::Variables { input }).await?;
    let game = &games["skills"];
    let input = save_skills_game::SaveSkillsGameInput {
        save_id: save_id("skills"),
        completion: game["completion"].as_f64(),
        skills_assessment: Some(game["skillsAssessment"].clone()),
        ..Default::default()
    };
    client.send::<SaveSkillsGame>(save_skills_game::Variables { input }).await?;
    let game = &games["roomEnv"];
    let input = save_room_env_game::SaveRoomEnvGameInput {
        save_id: save_id("roomEnv"),
        completion: game["completion"].as_f64(),
        room_data: Some(game["roomData"].clone()),
        ..Default::default()
    };
    client.send::<SaveRoomEnvGame>(save_room_env_game::Variables { input }).await?;
    Ok(())
}

fn everything_came_back(me: opening::OpeningMe, session: &Value) {
    assert!(me.date_created > DateTime::UNIX_EPOCH && me.last_login > Some(DateTime::UNIX_EPOCH));
    assert_eq!(me.username, Some(text(&session["username"])));
    assert!(me.onboarding_complete && !me.must_accept_terms);
    let detail = me.detail.expect("details");
    same(
        json!([detail.first_name, detail.last_name, detail.age, detail.phone_number, detail.address, detail.email]),
        ["firstName", "lastName", "age", "phoneNumber", "address", "email"].map(|name| session["detail"][name].clone()),
    );
    let avatar = me.avatar.expect("an avatar");
    same(
        json!({
            "avatarGender": avatar.avatar_gender,
            "avatarAccessories": avatar.avatar_accessories,
            "avatarColor": avatar.avatar_color,
            "avatarPassions": avatar.avatar_passions,
            "avatarExpression": avatar.avatar_expression,
        }),
        session["avatar"].clone(),
    );
    let passions = me.passions.iter().map(|it| json!({ "order": it.order, "passionText": it.passion_text }));
    same(passions.collect::<Vec<_>>(), session["passions"].clone());

    let games = &session["games"];
    let game = me.scenario_game.expect("a play");
    came_back(
        &games["scenario"],
        game.completion,
        Some(game.current_level),
        &[("traits", game.traits), ("penalties", game.penalties)],
    );
    let game = me.shape_sequence_game.expect("a play");
    came_back(&games["shapeSequence"], game.completion, Some(game.current_level), &[("levelResults", game.level_results)]);
    let game = me.jobs_game.expect("a play");
    came_back(&games["jobs"], game.completion, None, &[("jobChoices", game.job_choices)]);
    let game = me.speed_game.expect("a play");
    came_back(&games["speed"], game.completion, Some(game.current_level), &[("levelStats", game.level_stats)]);
    let game = me.abilities_game.expect("a play");
    came_back(&games["abilities"], game.completion, None, &[("skillAssessment", game.skill_assessment)]);
    let game = me.skills_game.expect("a play");
    came_back(&games["skills"], game.completion, None, &[("skillsAssessment", game.skills_assessment)]);
    let game = me.room_env_game.expect("a play");
    came_back(&games["roomEnv"], game.completion, None, &[("roomData", game.room_data)]);
}

fn came_back(sent: &Value, completion: f64, current_level: Option<i64>, answers: &[(&str, Value)]) {
    assert_eq!(Some(completion), sent["completion"].as_f64());
    assert_eq!(current_level, sent["currentLevel"].as_i64());
    for (name, back) in answers {
        same(back, &sent[*name]);
    }
}

/// The plays, the newest first, three a page.
async fn read_pages(client: &mut Client) -> Result<(), Error> {
    use history::GameKind::{ABILITIES, JOBS, ROOM_ENV, SCENARIO, SHAPE_SEQUENCE, SKILLS, SPEED};

    let (mut played, mut pages, mut after) = (Vec::new(), 0, None);
    loop {
        let variables = history::Variables { game: None, first: Some(3), after };
        let history = client.send::<History>(variables).await?.me.expect("a person").plays;
        played.extend(history.nodes.into_iter().map(|play| play.game));
        pages += 1;
        after = history.page_info.end_cursor;
        if !history.page_info.has_next_page {
            break;
        }
    }
    assert_eq!(pages, 3);
    assert_eq!(played, [ROOM_ENV, SKILLS, ABILITIES, SPEED, JOBS, SHAPE_SEQUENCE, SCENARIO]);
    Ok(())
}

/// What the service says where it refuses.
fn refused<Data: std::fmt::Debug>(answer: Result<Data, Error>) -> Extensions {
    match answer {
        Err(Error::Api(error)) => error.extensions,
        other => panic!("it was not refused: {other:?}"),
    }
}

/// As text, so that the order of keys counts.
fn same(back: impl serde::Serialize, sent: impl serde::Serialize) {
    assert_eq!(json!(back).to_string(), json!(sent).to_string());
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
