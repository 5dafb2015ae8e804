// Whether a running service keeps to GraphQL over HTTP: `node audit.mjs http://127.0.0.1:8080/graphql` runs every audit of graphql-http,
// and fails where one does not pass, be it a MUST, a SHOULD or a MAY.
import { serverAudits } from 'graphql-http';

const url = process.argv[2];
if (!url) throw new Error('usage: node audit.mjs URL');

const counts = { MUST: [0, 0], SHOULD: [0, 0], MAY: [0, 0] };
let failed = 0;
for (const audit of serverAudits({ url })) {
  const level = audit.name.split(' ')[0];
  const result = await audit.fn();
  const passed = result.status === 'ok';
  counts[level][0] += Number(passed);
  counts[level][1] += 1;
  failed += Number(!passed);
  console.log(`${passed ? 'passed' : 'FAILED'} ${audit.id} ${audit.name}${passed ? '' : `: ${result.reason}`}`);
}
console.log(Object.entries(counts).map(([level, [passed, all]]) => `${level} ${passed} of ${all}`).join(', '));
if (failed > 0) process.exitCode = 1;
