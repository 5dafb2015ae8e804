"""One young person's journey with the generated client. The same story, in the same order, is in ../typescript and ../rust.

    python journey.py URL_OF_THE_API
"""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from autrement import (
    AvatarInput,
    DataExportState,
    ErasedKind,
    ErrorCode,
    GameKind,
    GraphQLClientGraphQLMultiError,
    PictureType,
    SaveAbilitiesGameInput,
    SaveJobsGameInput,
    SaveRoomEnvGameInput,
    SaveScenarioGameInput,
    SaveShapeSequenceGameInput,
    SaveSkillsGameInput,
    SaveSpeedGameInput,
    SignInInput,
    SignUpInput,
    UpdateProfileInput,
    Upload,
)
from client import Client, Details, details

FIXTURES = Path(__file__).parent / "../../fixtures"
URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/graphql"
PASSWORD = "trois petits chats"


def refused(call: Callable[[], object]) -> Details:
    """What the service says where it refuses."""
    try:
        answer = call()
    except GraphQLClientGraphQLMultiError as error:
        return details(error)
    raise AssertionError(f"it was not refused: {answer}")


def same(back: object, sent: object) -> None:
    """As text, so that the order of keys counts."""
    back, sent = json.dumps(back), json.dumps(sent)
    assert back == sent, f"{back} came back for {sent}"


session = json.loads((FIXTURES / "session-1.json").read_text(encoding="utf-8"))
profile, username, avatar, passions, games = (session[it] for it in ("detail", "username", "avatar", "passions", "games"))
email = profile["email"]

# Sign up.
client = Client(URL)
sign_up = client.sign_up(SignUpInput(email=email, password=PASSWORD)).sign_up
assert sign_up.access_token_expires > datetime.fromtimestamp(0, UTC)
client.access_token, client.refresh_token = sign_up.access_token, sign_up.refresh_token

# Say who one is.
updated = client.update_profile(
    UpdateProfileInput(
        username=username,
        first_name=profile["firstName"],
        last_name=profile["lastName"],
        age=profile["age"],
        phone_number=profile["phoneNumber"],
        address=profile["address"],
        onboarding_complete=True,
    )
).update_profile
assert updated.username == username
client.set_avatar(AvatarInput.model_validate(avatar))
client.set_passions([it["passionText"] for it in passions])

# Accept the terms.
to_accept = client.terms_to_accept()
assert to_accept.terms and to_accept.me and to_accept.me.must_accept_terms
client.accept_terms(to_accept.terms.version)

# What is wrong is said in a way that code can read.
invalid = refused(lambda: client.save_scenario_game(SaveScenarioGameInput(completion=140)))
assert invalid.code is ErrorCode.INVALID_INPUT
assert [problem.pointer for problem in invalid.problems] == ["/completion"]

# Play the seven games. A save that is sent again, because its answer was lost, counts once.
scenario, shape_sequence, jobs, speed = (games[it] for it in ("scenario", "shapeSequence", "jobs", "speed"))
abilities, skills, room_env = (games[it] for it in ("abilities", "skills", "roomEnv"))
scenario_save = SaveScenarioGameInput(
    save_id=str(uuid4()),
    completion=scenario["completion"],
    current_level=scenario["currentLevel"],
    traits=scenario["traits"],
    penalties=scenario["penalties"],
)
client.save_scenario_game(scenario_save)
assert client.save_scenario_game(scenario_save).save_scenario_game.revision == 1
client.save_shape_sequence_game(
    SaveShapeSequenceGameInput(
        save_id=str(uuid4()),
        completion=shape_sequence["completion"],
        current_level=shape_sequence["currentLevel"],
        level_results=shape_sequence["levelResults"],
    )
)
client.save_jobs_game(
    SaveJobsGameInput(save_id=str(uuid4()), completion=jobs["completion"], job_choices=jobs["jobChoices"])
)
client.save_speed_game(
    SaveSpeedGameInput(
        save_id=str(uuid4()),
        completion=speed["completion"],
        current_level=speed["currentLevel"],
        level_stats=speed["levelStats"],
    )
)
client.save_abilities_game(
    SaveAbilitiesGameInput(
        save_id=str(uuid4()), completion=abilities["completion"], skill_assessment=abilities["skillAssessment"]
    )
)
client.save_skills_game(
    SaveSkillsGameInput(
        save_id=str(uuid4()), completion=skills["completion"], skills_assessment=skills["skillsAssessment"]
    )
)
client.save_room_env_game(
    SaveRoomEnvGameInput(save_id=str(uuid4()), completion=room_env["completion"], room_data=room_env["roomData"])
)

# Everything comes back as it was sent.
me = client.opening().me
assert me and isinstance(me.date_created, datetime) and isinstance(me.last_login, datetime)
same(me.username, username)
same(me.onboarding_complete, True)
same(me.must_accept_terms, False)
assert me.detail and me.avatar
detail = me.detail
same(
    [detail.first_name, detail.last_name, detail.age, detail.phone_number, detail.address, detail.email],
    [profile[it] for it in ("firstName", "lastName", "age", "phoneNumber", "address", "email")],
)
assert me.avatar.model_dump(by_alias=True) == avatar
same([{"order": it.order, "passionText": it.passion_text} for it in me.passions], passions)
same([agreement.terms.version for agreement in me.terms_agreements], [to_accept.terms.version])
assert me.scenario_game and me.shape_sequence_game and me.jobs_game and me.speed_game
assert me.abilities_game and me.skills_game and me.room_env_game
assert me.scenario_game.completion == scenario["completion"]
same(me.scenario_game.current_level, scenario["currentLevel"])
same(me.scenario_game.traits, scenario["traits"])
same(me.scenario_game.penalties, scenario["penalties"])
assert me.shape_sequence_game.completion == shape_sequence["completion"]
same(me.shape_sequence_game.current_level, shape_sequence["currentLevel"])
same(me.shape_sequence_game.level_results, shape_sequence["levelResults"])
assert me.jobs_game.completion == jobs["completion"]
same(me.jobs_game.job_choices, jobs["jobChoices"])
assert me.speed_game.completion == speed["completion"]
same(me.speed_game.current_level, speed["currentLevel"])
same(me.speed_game.level_stats, speed["levelStats"])
assert me.abilities_game.completion == abilities["completion"]
same(me.abilities_game.skill_assessment, abilities["skillAssessment"])
assert me.skills_game.completion == skills["completion"]
same(me.skills_game.skills_assessment, skills["skillsAssessment"])
assert me.room_env_game.completion == room_env["completion"]
same(me.room_env_game.room_data, room_env["roomData"])

# The plays, the newest first, three a page.
played: list[GameKind] = []
pages = 0
after: str | None = None
while True:
    history = client.history(first=3, after=after).me
    assert history
    played += [play.game for play in history.plays.nodes]
    pages += 1
    after = history.plays.page_info.end_cursor
    if not history.plays.page_info.has_next_page:
        break
assert pages == 3
assert [it.value for it in played] == [
    "ROOM_ENV",
    "SKILLS",
    "ABILITIES",
    "SPEED",
    "JOBS",
    "SHAPE_SEQUENCE",
    "SCENARIO",
]

# A picture.
with (FIXTURES / "picture.png").open("rb") as file:
    picture = client.upload_picture(PictureType.PROFILE, Upload("picture.png", file, "image/png")).upload_picture
assert (picture.type_, picture.width, picture.height) == (PictureType.PROFILE, 120, 100)

# The access token is not good any more: a new one comes for the refresh token.
client.access_token = "spent"
home = client.home().me
assert home and home.progress.games_started == 7
assert client.access_token not in ("spent", sign_up.access_token)
assert client.refresh_token != sign_up.refresh_token

# Everything that is held on the person, as a file: it is made in the background.
export = client.request_data_export().request_data_export
assert export.state is not DataExportState.FAILED and isinstance(export.date_requested, datetime)

# Sign out: the tokens are good no more.
assert client.sign_out().sign_out
assert refused(client.opening).code is ErrorCode.UNAUTHENTICATED
client = Client(URL)

# Sign in again, and leave for good.
credentials = SignInInput(email=email, password=PASSWORD)
sign_in = client.sign_in(credentials).sign_in
client.access_token, client.refresh_token = sign_in.access_token, sign_in.refresh_token
receipt = client.delete_account(username).delete_account
assert [it.count for it in receipt.erased if it.kind is ErasedKind.PLAYS] == [7]
assert refused(lambda: Client(URL).sign_in(credentials)).code is ErrorCode.UNAUTHENTICATED
print("The journey is done.")
