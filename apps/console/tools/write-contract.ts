// Writes src/gen/contract.json, the facts of the contract that the console is derived from: `nx run console:generate`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { platformContract } from '@rapport/contracts';
import { contractFile } from './contract-facts.ts';

const file = join(import.meta.dirname, '../src/gen/contract.json');
mkdirSync(dirname(file), { recursive: true });

// The objectives of operations are in the table of docs/slo.md alone.
const objectives = readFileSync(join(import.meta.dirname, '../../../docs/slo.md'), 'utf8').matchAll(
  /^\| `(\w+)`\s*\| ([\d,]+) ms/gm,
);
const msOf = new Map(
  [...objectives].map(([, name = '', ms = '']) => [name.toLowerCase(), Number(ms.replace(',', ''))]),
);
const contract = contractFile(platformContract());
const operations = contract.operations.map((each) => ({ ...each, objectiveMs: msOf.get(each.id.toLowerCase()) }));
writeFileSync(file, JSON.stringify({ ...contract, operations }));
