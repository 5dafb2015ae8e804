// One young person's journey with the generated client. The same story, in the same order, is in ../../python and ../../rust.
//
//     node build/journey.js URL_OF_THE_API

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { ApiError, Client } from "./client.js";
import { ErrorCode } from "./generated/enums.js";
import * as api from "./generated/graphql.js";

const fixtures = new URL("../../../fixtures/", import.meta.url);
const { detail, username, avatar, passions, games } = JSON.parse(readFileSync(new URL("session-1.json", fixtures), "utf8"));
const { email, ...profile } = detail;
const password = "trois petits chats";
const client = new Client(process.argv[2] ?? "http://127.0.0.1:8080/graphql");

/** The error that the service answers with. */
async function refused(answer: Promise<unknown>): Promise<ApiError> {
  const error = await answer.then(() => undefined, (error: unknown) => error);
  assert(error instanceof ApiError, `it was not refused: ${error}`);
  return error;
}

// Sign up.
const { signUp } = await client.send(api.SignUpDocument, { input: { email, password } });
assert(signUp.accessTokenExpires instanceof Date && signUp.accessTokenExpires > new Date(0));
client.tokens = signUp;

// Say who one is.
const { updateProfile } = await client.send(api.UpdateProfileDocument, {
  input: {
    username,
    firstName: profile.firstName,
    lastName: profile.lastName,
    age: profile.age,
    phoneNumber: profile.phoneNumber,
    address: profile.address,
    onboardingComplete: true,
  },
});
assert.equal(updateProfile.username, username);
await client.send(api.SetAvatarDocument, { input: avatar });
await client.send(api.SetPassionsDocument, { passions: passions.map((it: { passionText: string }) => it.passionText) });

// Accept the terms.
const { terms, me: newcomer } = await client.send(api.TermsToAcceptDocument);
assert(terms && newcomer?.mustAcceptTerms);
await client.send(api.AcceptTermsDocument, { version: terms.version });

// What is wrong is said in a way that code can read.
const invalid = await refused(client.send(api.SaveScenarioGameDocument, { input: { completion: 140 } }));
assert.equal(invalid.extensions.code, ErrorCode.InvalidInput);
assert.deepEqual(invalid.extensions.problems?.map((problem) => problem.pointer), ["/completion"]);

// Play the seven games. A save that is sent again, because its answer was lost, counts once.
const { scenario, shapeSequence, jobs, speed, abilities, skills, roomEnv } = games;
const scenarioSave = {
  input: {
    saveId: randomUUID(),
    completion: scenario.completion,
    currentLevel: scenario.currentLevel,
    traits: scenario.traits,
    penalties: scenario.penalties,
  },
};
await client.send(api.SaveScenarioGameDocument, scenarioSave);
const { saveScenarioGame } = await client.send(api.SaveScenarioGameDocument, scenarioSave);
assert.equal(saveScenarioGame.revision, 1);
await client.send(api.SaveShapeSequenceGameDocument, {
  input: {
    saveId: randomUUID(),
    completion: shapeSequence.completion,
    currentLevel: shapeSequence.currentLevel,
    levelResults: shapeSequence.levelResults,
  },
});
await client.send(api.SaveJobsGameDocument, {
  input: { saveId: randomUUID(), completion: jobs.completion, jobChoices: jobs.jobChoices },
});
await client.send(api.SaveSpeedGameDocument, {
  input: { saveId: randomUUID(), completion: speed.completion, currentLevel: speed.currentLevel, levelStats: speed.levelStats },
});
await client.send(api.SaveAbilitiesGameDocument, {
  input: { saveId: randomUUID(), completion: abilities.completion, skillAssessment: abilities.skillAssessment },
});
await client.send(api.SaveSkillsGameDocument, {
  input: { saveId: randomUUID(), completion: skills.completion, skillsAssessment: skills.skillsAssessment },
});
await client.send(api.SaveRoomEnvGameDocument, {
  input: { saveId: randomUUID(), completion: roomEnv.completion, roomData: roomEnv.roomData },
});

// Everything comes back as it was sent: as text, so that the order of keys counts.
const { me } = await client.send(api.OpeningDocument);
assert(me?.dateCreated instanceof Date && me.lastLogin instanceof Date);
function same(back: unknown, sent: unknown): void {
  assert.equal(JSON.stringify(back), JSON.stringify(sent));
}
same(me.username, username);
same(me.onboardingComplete, true);
same(me.mustAcceptTerms, false);
same(
  [me.detail?.firstName, me.detail?.lastName, me.detail?.age, me.detail?.phoneNumber, me.detail?.address, me.detail?.email],
  [profile.firstName, profile.lastName, profile.age, profile.phoneNumber, profile.address, email],
);
assert.deepEqual(me.avatar, avatar);
same(me.passions.map(({ order, passionText }) => ({ order, passionText })), passions);
same(me.termsAgreements.map((agreement) => agreement.terms.version), [terms.version]);
same(
  [me.scenarioGame?.completion, me.scenarioGame?.currentLevel, me.scenarioGame?.traits, me.scenarioGame?.penalties],
  [scenario.completion, scenario.currentLevel, scenario.traits, scenario.penalties],
);
same(
  [me.shapeSequenceGame?.completion, me.shapeSequenceGame?.currentLevel, me.shapeSequenceGame?.levelResults],
  [shapeSequence.completion, shapeSequence.currentLevel, shapeSequence.levelResults],
);
same([me.jobsGame?.completion, me.jobsGame?.jobChoices], [jobs.completion, jobs.jobChoices]);
same(
  [me.speedGame?.completion, me.speedGame?.currentLevel, me.speedGame?.levelStats],
  [speed.completion, speed.currentLevel, speed.levelStats],
);
same([me.abilitiesGame?.completion, me.abilitiesGame?.skillAssessment], [abilities.completion, abilities.skillAssessment]);
same([me.skillsGame?.completion, me.skillsGame?.skillsAssessment], [skills.completion, skills.skillsAssessment]);
same([me.roomEnvGame?.completion, me.roomEnvGame?.roomData], [roomEnv.completion, roomEnv.roomData]);

// The plays, the newest first, three a page.
const played: api.GameKind[] = [];
let pages = 0;
let after: string | null = null;
do {
  const history: api.HistoryQuery = await client.send(api.HistoryDocument, { first: 3, after });
  assert(history.me);
  const { nodes, pageInfo } = history.me.plays;
  played.push(...nodes.map((play) => play.game));
  pages += 1;
  after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
} while (after !== null);
assert.equal(pages, 3);
assert.deepEqual(played, ["ROOM_ENV", "SKILLS", "ABILITIES", "SPEED", "JOBS", "SHAPE_SEQUENCE", "SCENARIO"]);

// A picture.
const picture = new File([readFileSync(new URL("picture.png", fixtures))], "picture.png", { type: "image/png" });
const { uploadPicture } = await client.send(api.UploadPictureDocument, { type: "PROFILE", file: picture });
assert.deepEqual([uploadPicture.type, uploadPicture.width, uploadPicture.height], ["PROFILE", 120, 100]);

// The access token is not good any more: a new one comes for the refresh token.
client.tokens = { ...signUp, accessToken: "spent" };
assert.equal((await client.send(api.HomeDocument)).me?.progress.gamesStarted, 7);
assert.notEqual(client.tokens.accessToken, signUp.accessToken);
assert.notEqual(client.tokens.refreshToken, signUp.refreshToken);

// Everything that is held on the person, as a file: it is made in the background.
const { requestDataExport } = await client.send(api.RequestDataExportDocument);
assert(requestDataExport.state !== "FAILED" && requestDataExport.dateRequested instanceof Date);

// Sign out: the tokens are good no more.
assert((await client.send(api.SignOutDocument)).signOut);
assert.equal((await refused(client.send(api.OpeningDocument))).extensions.code, ErrorCode.Unauthenticated);
client.tokens = undefined;

// Sign in again, and leave for good.
const { signIn } = await client.send(api.SignInDocument, { input: { email, password } });
client.tokens = signIn;
const { deleteAccount } = await client.send(api.DeleteAccountDocument, { confirm: username });
assert.equal(deleteAccount.erased.find((erased) => erased.kind === "PLAYS")?.count, 7);
client.tokens = undefined;
const gone = await refused(client.send(api.SignInDocument, { input: { email, password } }));
assert.equal(gone.extensions.code, ErrorCode.Unauthenticated);
console.log("The journey is done.");
