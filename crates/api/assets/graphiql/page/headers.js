// The text of the headers editor: JSON, with comments. Its Authorization is kept up to date while somebody is signed in.
import { applyEdits, modify, parse, useEffect, useGraphiQL, useRef, useSyncExternalStore } from './bundle.js';
import { current, isSpent, subscribe } from './session.js';

const AUTHORIZATION = 'Authorization';

/** The headers of a text; null where it is (still) no JSON object. */
function read(text) {
  const faults = [];
  const headers = parse(text, faults, { allowTrailingComma: true, allowEmptyContent: true }) ?? {};
  return faults.length === 0 && typeof headers === 'object' && !Array.isArray(headers) ? headers : null;
}

const find = (headers) => Object.keys(headers).find((name) => name.toLowerCase() === AUTHORIZATION.toLowerCase());
const isOurs = (value) => isSpent(String(value).replace(/^Bearer\s+/i, ''));
const bearer = (token) => `Bearer ${token}`;

/** The text with this Authorization, or without any. */
function change(text, value) {
  const name = find(read(text));
  if (!value && !name) return text;
  const formattingOptions = { insertSpaces: true, tabSize: 2 };
  const changed = applyEdits(text, modify(text, [name ?? AUTHORIZATION], value ?? undefined, { formattingOptions }));
  return /^{\s*}$/.test(changed.trim()) ? '' : changed;
}

/** The text as it may be stored: without Authorization. */
export const withoutToken = (text) => (read(text) ? change(text, null) : '');

/** Headers to be sent, with the token of now in place of one that has ended. */
export function upToDate(headers) {
  const name = find(headers);
  if (!name || !isOurs(headers[name])) return headers;
  const { [name]: _, ...others } = headers;
  const { token } = current();
  return token ? { ...others, [name]: bearer(token) } : others;
}

/**
 * The text with the token of now in place of one of ours that has ended; where there is none it is added if `adds`. What somebody wrote
 * there themselves stays.
 */
function authorised(text, adds) {
  const headers = read(text);
  if (!headers) return text;
  const { token } = current();
  const name = find(headers);
  if (name ? isOurs(headers[name]) : adds && token) return change(text, token && bearer(token));
  return text;
}

/** A part of GraphiQL that shows nothing: it fills the headers editor of each tab, once for each signing in. */
export function FillHeaders() {
  const [editor, tab] = useGraphiQL(({ headerEditor, tabs, activeTabIndex }) => [headerEditor, tabs[activeTabIndex].id]);
  const { token } = useSyncExternalStore(subscribe, current);
  const filled = useRef(new Set());
  useEffect(() => {
    if (!editor) return undefined;
    const fill = (adds) => {
      const text = authorised(editor.getValue(), adds);
      if (text !== editor.getValue()) editor.setValue(text);
    };
    if (!token) filled.current.clear();
    fill(!filled.current.has(tab));
    if (token) filled.current.add(tab);
    // The history brings headers back as they were. Not while the editor is still at it.
    const listening = editor.onDidChangeModelContent(() => queueMicrotask(() => fill(false)));
    return () => listening.dispose();
  }, [editor, tab, token]);
  return null;
}
