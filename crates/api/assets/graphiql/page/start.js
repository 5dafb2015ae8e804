// Starts GraphiQL against the API beside it, and the panel. Scripts are files of their own, since the page's policy allows no inline one.
import { createElement, createRoot, GraphiQL } from './bundle.js';
import { post } from './api.js';
import { examples } from './examples.js';
import { FillHeaders, upToDate } from './headers.js';
import { startPanel } from './panel.js';
import { current, enter, keepAlive, renew, renewInTime } from './session.js';
import { storage } from './storage.js';

const ACCEPT = 'application/graphql-response+json, application/json;q=0.9';

/** The request with the name of an operation of its text: GraphiQL learns late that another tab is open, and gives one of the last. */
const named = ({ operationName, ...request }) => (request.query.includes(operationName ?? '') ? { ...request, operationName } : request);

/** Runs what was typed. */
async function fetcher(typed, { headers = {} } = {}) {
  const request = named(typed);
  await renewInTime();
  const answer = await post(request, { accept: ACCEPT, ...upToDate(headers) });
  follow(request, answer);
  return answer;
}

/** What was run may have signed somebody in or out, or changed what the panel says of them. */
async function follow({ query }, { data, errors = [] }) {
  const signedIn = Object.values(data ?? {}).find((field) => field?.accessToken);
  const token = signedIn?.accessToken ?? current().token;
  if (!token) return;
  try {
    if (errors.some(({ extensions }) => extensions?.code === 'UNAUTHENTICATED')) await renew();
    else if (query.includes('mutation')) await enter(token);
  } catch {
    // That token has ended; another one may be had.
    await renew().catch(() => {});
  }
}

const graphiql = createElement(GraphiQL, {
  fetcher,
  storage,
  defaultTabs: examples,
  defaultEditorToolsVisibility: true,
  // Into the storage above, which takes the token out.
  shouldPersistHeaders: true,
  showPersistHeadersSettings: false,
}, createElement(FillHeaders));

createRoot(document.getElementById('graphiql')).render(graphiql);
startPanel();
keepAlive();
