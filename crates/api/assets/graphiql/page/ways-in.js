// Signing up and in, by passkey and by password. Each gives an access token.
import { api } from './api.js';

async function finish(mutation, { ceremonyId }, credential) {
  const query = `mutation ($input: FinishPasskeyInput!) { payload: ${mutation}(input: $input) { accessToken } }`;
  return (await api(query, { input: { ceremonyId, credential: credential.toJSON() } })).payload.accessToken;
}

export async function signUpByPasskey({ username }) {
  const query = 'mutation ($input: PasskeySignUpInput) { challenge: startPasskeySignUp(input: $input) { ceremonyId options } }';
  const { challenge } = await api(query, { input: { username: username || null } });
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(challenge.options);
  return finish('finishPasskeySignUp', challenge, await navigator.credentials.create({ publicKey }));
}

export async function signInByPasskey() {
  const { challenge } = await api('mutation { challenge: startPasskeySignIn { ceremonyId options } }');
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(challenge.options);
  return finish('finishPasskeySignIn', challenge, await navigator.credentials.get({ publicKey }));
}

export async function signUpByPassword({ email, password }) {
  const query = 'mutation ($input: SignUpInput!) { payload: signUp(input: $input) { accessToken } }';
  return (await api(query, { input: { email, password } })).payload.accessToken;
}

export async function signInByPassword({ email, password }) {
  const query = 'mutation ($input: SignInInput!) { payload: signIn(input: $input) { accessToken } }';
  return (await api(query, { input: { email, password } })).payload.accessToken;
}
