// The check of breaking changes finds them: each is made in a copy of the released schema.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Kind, parse, parseType, print, visit } from 'graphql';
import { changes } from './breaking.mjs';

const released = readFileSync(new URL('released.graphql', import.meta.url), 'utf8');

/// The released schema with another node in the place of the one at `User.plays.first`; without it, where it becomes null.
function edited(path, edit) {
  const names = [];
  let found = 0;
  const isNamed = (node) => node.kind.endsWith('Definition') && node.name;
  const document = visit(parse(released), {
    enter(node) {
      if (isNamed(node)) names.push(node.name.value);
    },
    leave(node) {
      const here = names.join('.');
      if (!isNamed(node)) return undefined;
      names.pop();
      if (here !== path) return undefined;
      found += 1;
      return edit(node);
    },
  });
  assert.equal(found, 1, `${path} is in the released schema`);
  return print(document);
}

const gone = () => null;
const ofType = (type) => (node) => ({ ...node, type: parseType(type) });
const deprecated = (reason) => (node) => ({
  ...node,
  directives: parse(`type T { f: Int @deprecated(reason: "${reason}") }`).definitions[0].fields[0].directives,
});
const withField = (field) => (node) => ({ ...node, fields: [...node.fields, ...parse(`input T { ${field} }`).definitions[0].fields] });
const withValue = (value) => (node) => ({ ...node, values: [...node.values, ...parse(`enum T { ${value} }`).definitions[0].values] });

const broken = {
  'a field is removed': ['User.lastLogin', gone],
  'a query is removed': ['Query.terms', gone],
  'a mutation is removed': ['Mutation.signOut', gone],
  'an argument is removed': ['User.plays.game', gone],
  'an argument is made required': ['Query.terms.version', ofType('String!')],
  'an argument takes another type': ['Mutation.deletePlay.id', ofType('Int!')],
  'a field may be null': ['User.mustAcceptTerms', ofType('Boolean')],
  'a field has another type': ['UserDetail.age', ofType('Float')],
  'a field of an input is removed': ['SignUpInput.username', gone],
  'a field of an input is made required': ['SignUpInput.username', ofType('String!')],
  'a required field is added to an input': ['SignInInput', withField('code: String!')],
  'an enum value is removed': ['GameKind.SHAPE_SEQUENCE', gone],
  'a type is no node any more': ['TermsVersion', (node) => ({ ...node, interfaces: [] })],
};
for (const [what, [path, edit]] of Object.entries(broken)) {
  test(`breaking: ${what}`, async () => {
    const { breaking } = await changes(released, edited(path, edit));
    assert.notEqual(breaking.length, 0);
  });
}

const kept = {
  'nothing': ['User', (node) => node],
  'a field is added': ['User', (node) => ({ ...node, fields: [...node.fields, { ...node.fields[0], name: { kind: Kind.NAME, value: 'nickname' } }] })],
  'a field that may be left out is added to an input': ['SignInInput', withField('code: String')],
  'an enum value is added': ['GameKind', withValue('CHESS')],
  'a field is never null any more': ['User.username', ofType('String!')],
  'a field is deprecated': ['User.lastLogin', deprecated('Ask for `sessions`. May go after 2999-12-31.')],
  'a description is another one': ['User.lastLogin', (node) => ({ ...node, description: undefined })],
};
for (const [what, [path, edit]] of Object.entries(kept)) {
  test(`not breaking: ${what}`, async () => {
    const { breaking } = await changes(released, edited(path, edit));
    assert.deepEqual(breaking, []);
  });
}

test('what is deprecated may go after its day, and not before', async () => {
  const without = edited('User.lastLogin', gone);
  const past = edited('User.lastLogin', deprecated('Ask for `sessions`. May go after 2026-01-31.'));
  assert.deepEqual((await changes(past, without)).breaking, []);
  for (const reason of ['Ask for `sessions`. May go after 2999-12-31.', 'No day.']) {
    const early = edited('User.lastLogin', deprecated(reason));
    assert.equal((await changes(early, without)).breaking.length, 1, reason);
  }
});
