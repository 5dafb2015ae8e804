// The panel beside the editors: signing up, in and out, in plain words. Its parts are in index.html.
import { current, enter, renew, signOut, subscribe } from './session.js';
import { signInByPasskey, signInByPassword, signUpByPasskey, signUpByPassword } from './ways-in.js';

const part = (id) => document.getElementById(id);
const panel = part('panel');
const ACTIONS = {
  'passkey-sign-in': async () => enter(await signInByPasskey()),
  'password-sign-in': async (fields) => enter(await signInByPassword(fields)),
  'passkey-sign-up': async (fields) => enter(await signUpByPasskey(fields)),
  'password-sign-up': async (fields) => enter(await signUpByPassword(fields)),
  'sign-out': signOut,
};

function open(isOpen) {
  panel.hidden = !isOpen;
  part('toggle').setAttribute('aria-expanded', String(isOpen));
}

/** What went wrong, for people. */
function words(error) {
  if (error.retryAfter) return `${error.message} (${error.retryAfter} seconds)`;
  switch (error.name) {
    case 'NotAllowedError':
      return 'No passkey was used: it was called off, took too long, or this device has none for this service.';
    case 'SecurityError':
      return `Passkeys of this service do not belong to the address of this page (${location.host}). Open it under the service's PUBLIC_URL.`;
    case 'InvalidStateError':
      return 'This device has a passkey of this account already: sign in with it.';
    case 'ApiError':
      return error.message;
    case 'TypeError':
      return navigator.onLine ? 'The service can not be reached. Is it running?' : 'There is no network.';
    default:
      return `Something went wrong (${error.name}): ${error.message}`;
  }
}

/** Says it, and leads to the fields that it is about. */
function tell(form, error) {
  const faults = (error.problems ?? []).map(({ pointer, message }) => [form.elements[pointer.split('/').pop()], message]);
  const sentences = faults.map(([field, message]) => (field ? `${field.labels[0].firstChild.data.trim()}: ${message}` : message));
  part('message').textContent = sentences.join(' ') || words(error);
  const fields = faults.flatMap(([field]) => field ?? []);
  for (const field of fields) {
    field.setAttribute('aria-invalid', 'true');
    field.setAttribute('aria-describedby', 'message');
  }
  fields[0]?.focus();
}

function forget(form) {
  part('message').textContent = '';
  for (const field of form.elements) {
    field.removeAttribute('aria-invalid');
    field.removeAttribute('aria-describedby');
  }
}

async function submit(event) {
  event.preventDefault();
  const form = event.currentTarget;
  // Not `disabled`: a button would lose the focus.
  if (panel.ariaBusy === 'true') return;
  panel.ariaBusy = 'true';
  forget(form);
  try {
    await ACTIONS[form.id](Object.fromEntries(new FormData(form)));
    form.reset();
    // What had the focus is gone.
    part('panel-title').focus();
  } catch (error) {
    tell(form, error);
  } finally {
    panel.ariaBusy = 'false';
  }
}

function show() {
  const { user } = current();
  part('nobody').hidden = Boolean(user);
  part('somebody').hidden = !user;
  part('panel-title').textContent = user ? 'Your account' : 'Sign in';
  part('toggle').textContent = user ? 'Account' : 'Sign in';
  part('who').textContent = user ? `Signed in as ${user.username ?? user.detail?.email ?? 'somebody without a name'}` : 'Nobody is signed in';
  if (!user) return;
  part('username').textContent = user.username ?? 'none';
  part('email').textContent = user.detail?.email ?? 'none';
  part('role').textContent = user.role.roleName;
  part('terms').hidden = !user.mustAcceptTerms;
}

/** Passkeys belong to a name: where this machine was called by its number, says under which address they work. */
function offerName() {
  if (!['127.0.0.1', '[::1]'].includes(location.hostname)) return;
  part('by-name').href = `${location.protocol}//localhost:${location.port}/`;
  part('by-number').hidden = false;
}

/** Sets it up, and resumes who was signed in. */
export async function startPanel() {
  for (const id of Object.keys(ACTIONS)) part(id).addEventListener('submit', submit);
  part('toggle').addEventListener('click', () => open(panel.hidden));
  offerName();
  subscribe(show);
  try {
    await renew();
  } catch (error) {
    show();
    part('message').textContent = words(error);
  }
  // Whoever is in wants the room for the editors.
  if (!current().user) open(true);
}
