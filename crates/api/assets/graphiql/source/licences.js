// Writes down the licences of every package of which something is in the bundle. (Vite's `build.license` leaves out the workers.)
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

// Their helpers are in what they write. Vite's file goes on with what only the tool itself consists of.
const BUILDERS = ['node_modules/rolldown', 'node_modules/vite'];
const OF_THE_TOOL = '\n# Licenses of bundled dependencies';
// In monaco-editor, which does not say so.
const ICONS = {
  title: 'codicon.ttf (CC-BY-4.0)',
  text: 'Icons of Visual Studio Code, Copyright (c) Microsoft Corporation: https://github.com/microsoft/vscode-codicons\n'
    + 'Unmodified, under the Creative Commons Attribution 4.0 International licence: https://creativecommons.org/licenses/by/4.0/',
};
const LEGAL = /^(licen[cs]e|notice|third-?party-?notices|copying)/i;

/** The folder of the package that a file belongs to. */
function packageOf(file) {
  for (let folder = dirname(file); folder.includes('node_modules'); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    // A package.json without a version only says how its folder is to be read.
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version) return folder;
  }
  return null;
}

function chapter(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const texts = readdirSync(folder).filter((file) => LEGAL.test(file)).sort();
  const read = (file) => readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').split(OF_THE_TOOL)[0].trim();
  const text = texts.map(read).join('\n\n');
  const title = `${name} ${version} (${license})`;
  return { title, text: text || 'The package names its licence, and has no text of it.' };
}

export function licences(fileName) {
  const folders = new Set(BUILDERS);
  const collect = () => ({
    name: 'licences-collect',
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((chunk) => chunk.moduleIds ?? []);
      // Styles are taken out of their modules, so what is imported is asked for too.
      for (const id of [...modules, ...this.getModuleIds()]) {
        const folder = packageOf(id.replace(/^\0/, '').split('?')[0]);
        if (folder) folders.add(folder);
      }
    },
  });
  const write = () => ({
    name: 'licences-write',
    enforce: 'post',
    generateBundle() {
      const chapters = [ICONS, ...[...folders].map(chapter)].sort((one, other) => (one.title < other.title ? -1 : 1));
      const line = '='.repeat(100);
      const source = chapters.map(({ title, text }) => `${line}\n${title}\n${line}\n\n${text}\n`).join('\n');
      this.emitFile({ type: 'asset', fileName, source });
    },
  });
  return { collect, write };
}
