// The lint finds faults of each kind: each is made in a copy of the schema, or in an operation.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ESLint } from 'eslint';

const top = new URL('../..', import.meta.url).pathname;
process.chdir(top);
const eslint = new ESLint({ overrideConfigFile: 'tests/contract/eslint.config.js' });
const schema = readFileSync('schema.graphql', 'utf8');

async function rules(text, filePath) {
  const [{ messages }] = await eslint.lintText(text, { filePath });
  return messages.map((message) => message.ruleId?.replace('@graphql-eslint/', '') ?? message.message);
}

const ofSchema = {
  'require-description': 'type Fault implements Node { "An id." id: ID! }',
  'naming-convention': '"A type." type fault implements Node { "An id." id: ID! }',
  'strict-id-in-types': '"A type." type Fault { "A name." name: String! }',
  'no-unreachable-types': '"A type." type Fault implements Node { "An id." id: ID! }',
  'relay-arguments': 'extend type Role { "People." people: UserConnection! }',
  'relay-connection-types': '"A part." type FaultConnection { "Its page." pageInfo: PageInfo! }',
  'no-unused-fields': 'extend type Role { "Its colour." colour: String }',
  'require-deprecation-reason': 'extend type Role { "Its name." old: String @deprecated }',
  'no-restricted-syntax': 'extend type Role { "Its name." old: String @deprecated(reason: "Ask for `roleName`.") }',
};
const known = await rules(schema, 'schema.graphql');
for (const [rule, fault] of Object.entries(ofSchema)) {
  test(`in the schema: ${rule}`, async () => {
    const count = (found) => found.filter((name) => name === rule).length;
    assert.ok(count(await rules(`${schema}\n${fault}`, 'schema.graphql')) > count(known));
  });
}
test('in the schema: a field that is deprecated as it should be is let pass', async () => {
  const field = 'extend type Role { """Its name.""" old: String @deprecated(reason: "Ask for `roleName`. May go after 2030-12-31.") }';
  assert.deepEqual(await rules(`${schema}\n${field}`, 'schema.graphql'), known);
});

const ofOperations = {
  'fields-on-correct-type': 'query Fault { me { id nickname } }',
  'known-argument-names': 'query Fault { terms(edition: "1.0") { id } }',
  'no-unused-variables': 'query Fault($unused: Int) { me { id } }',
  'unique-operation-name': 'query Opening { me { id } }',
  'require-selections': 'query Fault { me { username } }',
  'require-description': 'query Fault { me { id } }',
  'no-anonymous-operations': '{ me { id } }',
  'naming-convention': 'query getFault { me { id } }',
};
for (const [rule, fault] of Object.entries(ofOperations)) {
  test(`in an operation: ${rule}`, async () => {
    assert.ok((await rules(fault, 'docs/operations/fault.graphql')).includes(rule));
  });
}
