// Where GraphiQL keeps its tabs, headers and history: in the tab's own storage, which ends with the tab. GraphiQL would take
// localStorage, which stays on the disk; but what is typed here may be personal. Tokens are not stored at all (see session.js):
// GraphiQL's history would take them along with the headers.
import { withoutToken } from './headers.js';

const TABS = 'graphiql:tabState';
const WITH_HEADERS = [TABS, 'graphiql:queries', 'graphiql:favorites'];
// What is in the open tab. GraphiQL stores it here and in the tabs, one after the other; where they differ, because the page was left
// in between, it would open the tab a second time. So it is in the tabs alone.
const OF_OPEN_TAB = ['graphiql:query', 'graphiql:variables', 'graphiql:headers'];

const withoutTokens = (json) =>
  JSON.stringify(JSON.parse(json), (name, value) => (name === 'headers' && value ? withoutToken(value) : value));

function ofOpenTab(key) {
  const { tabs, activeTabIndex } = JSON.parse(sessionStorage.getItem(TABS) ?? '{"tabs":[]}');
  return tabs[activeTabIndex]?.[key.replace('graphiql:', '')] ?? null;
}

export const storage = {
  getItem: (key) => (OF_OPEN_TAB.includes(key) ? ofOpenTab(key) : sessionStorage.getItem(key)),
  setItem(key, value) {
    if (OF_OPEN_TAB.includes(key)) return;
    sessionStorage.setItem(key, WITH_HEADERS.includes(key) ? withoutTokens(value) : value);
  },
  removeItem: (key) => sessionStorage.removeItem(key),
  clear: () => sessionStorage.clear(),
  get length() {
    return sessionStorage.length;
  },
};
