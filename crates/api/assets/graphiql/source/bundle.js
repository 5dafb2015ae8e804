// What is bundled: GraphiQL and what the page's own files (../page) need of it. Nothing of ours is in here but this list.
import JsonWorker from 'monaco-editor/esm/vs/language/json/json.worker.js?worker';
import GraphQLWorker from 'monaco-graphql/esm/graphql.worker.js?worker';
import EditorWorker from 'monaco-editor/esm/vs/editor/editor.worker.js?worker';
// The styles one by one: `graphiql/style.css` is these and half a megabyte of fonts, of which the system has its own.
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';

export { createElement, useEffect, useRef, useSyncExternalStore } from 'react';
export { createRoot } from 'react-dom/client';
export { GraphiQL } from 'graphiql';
export { useGraphiQL } from '@graphiql/react';
export { applyEdits, modify, parse } from 'jsonc-parser';

// As `graphiql/setup-workers/vite` does, which writes each start to the console as well.
globalThis.MonacoEnvironment = {
  getWorker(_id, label) {
    if (label === 'json') return new JsonWorker();
    if (label === 'graphql') return new GraphQLWorker();
    return new EditorWorker();
  },
};
