// What schema.graphql and docs/operations keep to. Run from the top of the repository, as ./run does.
import graphql from '@graphql-eslint/eslint-plugin';

const language = {
  languageOptions: {
    parser: graphql.parser,
    parserOptions: { graphQLConfig: { schema: 'schema.graphql', documents: 'docs/operations/*.graphql' } },
  },
  plugins: { '@graphql-eslint': graphql },
};
const { configs } = graphql;
const rule = (name, setting) => ({ [`@graphql-eslint/${name}`]: setting });

// What is a value of something, not a thing of its own: it has no id, and is read anew with what it belongs to.
const values = [
  ...['Erased', 'ErasureReceipt', 'GameInfo', 'GameProgress', 'GameStatistics', 'Insights', 'JobInsights', 'LogicInsights', 'LogicLevel'],
  ...['PageInfo', 'PasskeyChallenge', 'PasskeySignal', 'Progress', 'RoomConditions', 'RoomInsights', 'RoomObject'],
  ...['SkillInsights', 'Statistics', 'TermsChange', 'TraitGroupInsight', 'TraitInsight', 'TraitInsights', 'TypingInsights', 'TypingLevel'],
  ...['UserAvatarInfo', 'UserDetail'],
];

export default [
  {
    files: ['**/schema.graphql'],
    ...language,
    rules: {
      ...configs['flat/schema-all'].rules,
      ...configs['flat/schema-relay'].rules,

      // Everything has one, not types and root fields alone.
      ...rule('require-description', [
        'error',
        {
          ...{ types: true, DirectiveDefinition: true, FieldDefinition: true, EnumValueDefinition: true, InputValueDefinition: true },
          // The arguments of `@skip` and the like are the specification's.
          ignoredSelectors: ['[type=InputValueDefinition][parent.kind=DirectiveDefinition]'],
        },
      ]),
      ...rule('strict-id-in-types', ['error', { exceptions: { types: values, suffixes: ['Connection', 'Edge', 'Payload'] } }]),
      // A new field comes with an operation in docs/operations that asks for it. But for what a front end does not need: the other half
      // of paging, an interface's fields, which are asked for on its types, whose a play is, and what is deprecated.
      ...rule('no-unused-fields', [
        'error',
        {
          ignoredFieldSelectors: [
            '[parent.name.value=PageInfo]',
            '[parent.name.value=/Edge$/]',
            '[parent.name.value=/Connection$/]',
            '[parent.name.value=/^(Node|GameData)$/]',
            '[parent.name.value=/GameData$/][name.value=user]',
            '[directives.0.name.value=deprecated]',
          ],
        },
      ]),
      // Lists that are short by nature (the seven games, passkeys) are plain, and a connection gives `nodes` beside `edges`. An entry of
      // the audit log is read with its person alone, so it is no `Node`; a `GameData` always is one.
      ...rule('relay-edge-types', [
        'error',
        { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false },
      ]),
      // The plugin wants an argument `deletionDate`, which the specification does not have: the date stands in the reason.
      ...rule('require-deprecation-date', 'off'),
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'Directive[name.value=deprecated] > Argument[name.value=reason] > StringValue:not([value=/20[0-9]{2}-[0-9]{2}-[0-9]{2}/])',
          message: 'Say in the reason from which day on the field may go, as 2030-12-31 (docs/CONTRACT.md).',
        },
      ],

      // Printed by the binary with names in order; arguments stand in the order in which they make sense.
      ...rule('alphabetize', 'off'),
      // There are mutations.
      ...rule('no-root-type', 'off'),
      // What takes one or two values takes them as arguments; an input object is for what is long or partly left out.
      ...rule('input-name', 'off'),
      // `true` says all there is to say of a sign-out or a removal.
      ...rule('no-scalar-result-type-on-mutation', 'off'),
      // Non-null where there is no answer without it: a mutation that failed has an error, and no data.
      ...rule('require-nullable-result-in-root', 'off'),
      // A habit of Relay Classic; who wants more sends a second request.
      ...rule('require-field-of-type-query-in-mutation-result', 'off'),
      // Let pass in suppressions.json, so that no other comes: `ErrorCode`, which stands in `extensions` that no type describes
      // (no-unreachable-types), and `Role.roleName` and `User.username`, as the data model calls them (no-typename-prefix).
    },
  },
  {
    files: ['**/operations/*.graphql'],
    ...language,
    rules: {
      ...configs['flat/operations-all'].rules,

      // A comment above each operation says what the screen is, and when to send it.
      ...rule('require-description', ['error', { OperationDefinition: true }]),
      // In the order in which a screen shows things.
      ...rule('alphabetize', 'off'),
      // A file is a screen, with all that it sends.
      ...rule('lone-executable-definition', 'off'),
      ...rule('match-document-filename', 'off'),
      // Tools take the folder as one; `#import` is no GraphQL.
      ...rule('require-import-fragment', 'off'),
    },
  },
];
