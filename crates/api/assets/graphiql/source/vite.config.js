import { defineConfig } from 'vite';
import { licences } from './licences.js';

// Names without a hash: the service gives each file an ETag, and a new version of GraphiQL shows as changed files, not as other ones.
const output = (prefix) => ({ entryFileNames: `${prefix}[name].js`, chunkFileNames: `${prefix}[name].js`, assetFileNames: '[name][extname]' });
const { collect, write } = licences('THIRD_PARTY_LICENSES.txt');
// "use client" and the like mean nothing here.
const checks = { moduleLevelDirective: false };

export default defineConfig({
  base: './',
  publicDir: false,
  plugins: [collect(), write()],
  worker: {
    format: 'es',
    plugins: () => [collect()],
    rolldownOptions: { output: output('worker-'), checks },
  },
  build: {
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4096,
    cssCodeSplit: false,
    modulePreload: false,
    reportCompressedSize: false,
    target: 'es2022',
    rolldownOptions: { input: 'bundle.js', preserveEntrySignatures: 'strict', output: output(''), checks },
  },
});
