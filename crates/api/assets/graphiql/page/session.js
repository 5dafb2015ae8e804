// Who is signed in. The access token is in this module's memory and in the headers editor, and in no storage: a script that comes
// later, a copy of the disk or a browser that restores its tabs finds none. When the page is loaded again, the refresh cookie gives
// another one; no script reads that cookie.
import { api } from './api.js';

// Access tokens last 15 minutes.
const RENEWED_AFTER = 12 * 60 * 1000;
const ME = '{ me { username role { roleName } mustAcceptTerms detail { email } } }';

const nobody = { token: null, user: null };
let now = nobody;
let since = 0;
let renewing = null;
const listeners = new Set();
const spent = new Set();

function become(next) {
  if (now.token !== next.token) {
    if (now.token) spent.add(now.token);
    since = Date.now();
  }
  now = next;
  for (const listener of listeners) listener();
}

/** `{ token, user }`, both null while nobody is signed in; another object after each change. */
export const current = () => now;

/** Calls back after each change; gives what ends that. */
export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether this was a token of ours, and is no more. */
export const isSpent = (token) => spent.has(token);

/** Signs in with a token that the API has just given; with the one of now: looks who that is again. */
export async function enter(token) {
  const { me } = await api(ME, {}, token);
  become({ token, user: me });
}

/** Another token by the refresh cookie; nobody is signed in where that is not good (any more). */
export function renew() {
  // One at a time: a refresh token is good once.
  renewing ??= refresh().finally(() => {
    renewing = null;
  });
  return renewing;
}

async function refresh() {
  try {
    const { refreshSession } = await api('mutation { refreshSession { accessToken } }');
    await enter(refreshSession.accessToken);
  } catch (error) {
    if (error.code !== 'UNAUTHENTICATED') throw error;
    become(nobody);
  }
}

/** The same, where the token is about to end. Where that fails, the token that is there may still do. */
export async function renewInTime() {
  if (now.token && Date.now() - since > RENEWED_AFTER) await renew().catch(() => {});
}

/** Ends the session, here and on the server. */
export async function signOut() {
  await renewInTime();
  try {
    await api('mutation { signOut }', {}, now.token);
  } catch (error) {
    if (error.code !== 'UNAUTHENTICATED') throw error;
  }
  become(nobody);
}

/** Renews in time from now on. Timers rest while a machine sleeps, so a page that is looked at again asks too. */
export function keepAlive() {
  setInterval(renewInTime, 30_000);
  document.addEventListener('visibilitychange', renewInTime);
}
