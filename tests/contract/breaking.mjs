// Whether clients of the released schema could be broken by the one that is here: `node breaking.mjs RELEASED CURRENT`.
import { readFileSync } from 'node:fs';
import { CriticalityLevel, DiffRule, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

/// What was deprecated when it was released, with a day in the reason that is over, may go.
function letOldOnesGo({ changes, oldSchema }) {
  const today = new Date().toISOString().slice(0, 10);
  const isOver = (change) => {
    const [type, field] = change.path?.split('.') ?? [];
    const reason = change.type === 'FIELD_REMOVED' && oldSchema.getType(type).getFields()[field].deprecationReason;
    const day = reason && reason.match(/20\d\d-\d\d-\d\d/)?.[0];
    return day && day < today;
  };
  return changes.filter((change) => !isOver(change));
}

/// The changes from one schema to another, by how much they matter to clients.
export async function changes(released, current) {
  const rules = [DiffRule.ignoreDescriptionChanges, letOldOnesGo];
  const found = await diff(buildSchema(released), buildSchema(current), rules);
  const at = (level) => found.filter((change) => change.criticality.level === level).map((change) => change.message);
  return {
    breaking: at(CriticalityLevel.Breaking),
    dangerous: at(CriticalityLevel.Dangerous),
    harmless: at(CriticalityLevel.NonBreaking),
  };
}

if (process.argv[1] === import.meta.filename) {
  const [released, current] = process.argv.slice(2).map((path) => readFileSync(path, 'utf8'));
  const { breaking, dangerous, harmless } = await changes(released, current);
  console.log(`since the released schema: ${harmless.length} additions, ${dangerous.length} to look at, ${breaking.length} breaking`);
  for (const message of dangerous) console.log(`  look at: ${message}`);
  for (const message of breaking) console.error(`  breaking: ${message}`);
  if (breaking.length > 0) {
    console.error('Callers of the released schema would break. Keep what is there, deprecate it, and add beside it: docs/CONTRACT.md.');
    process.exitCode = 1;
  }
}
