// Writes the facts of the contract that the console is derived from, `nx run console:generate`: src/gen/contract.json, and apart
// from it src/gen/sentences.json, the sentences of the comments. They are half of it, and no first screen needs them.
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { platformContract } from '@rapport/contracts';
import { labelsOf } from '../src/app/labels.ts';
import type { Field, Sentences } from '../src/contract/contract.ts';
import { contractFile } from './contract-facts.ts';

const folder = join(import.meta.dirname, '../src/gen');
mkdirSync(folder, { recursive: true });

// The objectives of operations are in the table of docs/slo.md alone.
const objectives = readFileSync(join(import.meta.dirname, '../../../docs/slo.md'), 'utf8').matchAll(
  /^\| `(\w+)`\s*\| ([\d,]+) ms/gm,
);
const msOf = new Map(
  [...objectives].map(([, name = '', ms = '']) => [name.toLowerCase(), Number(ms.replace(',', ''))]),
);
const contract = contractFile(platformContract());
const operations = contract.operations.map((each) => ({ ...each, objectiveMs: msOf.get(each.id.toLowerCase()) }));
const texts = globSync(join(import.meta.dirname, '../src/locales/en/**/*.json')).map((file) =>
  readFileSync(file, 'utf8'),
);
const catalog = Object.assign({}, ...texts.map((text) => JSON.parse(text) as object)) as Record<string, string>;
const labels = labelsOf((key) => catalog[key]);
const sentences: Sentences = {
  summaries: Object.fromEntries(operations.map(({ id, summary }) => [id, summary])),
  parameters: Object.fromEntries(operations.map(({ id, parameters }) => [id, helpOf(parameters)])),
  fields: Object.fromEntries(Object.entries(contract.messages).map(([name, fields]) => [name, helpOf(fields)])),
};
write('sentences.json', sentences);
write('contract.json', { ...contract, operations }, ['help', 'summary']);

function helpOf(fields: readonly Field[]): Record<string, string> {
  return Object.fromEntries(
    fields.flatMap((field) => (field.help === undefined ? [] : [[field.name, inWords(field, field.help, fields)]])),
  );
}

/**
 * A sentence as forms say it: with the values of enums as their choices name them, such as `Unqualified` for `UNQUALIFIED`, and of a
 * record that is chosen by its name without its id. Code stays as it is.
 */
function inWords({ reference }: Field, help: string, fields: readonly Field[]): string {
  const sentence = reference === undefined ? help : help.replace(/^Ids? of t/, 'T');
  // A value can be of several enums: those beside the field come first.
  const types = [...fields.map(({ of }) => of ?? ''), ...Object.keys(contract.enums)];
  return sentence.replace(/`[^`]*`|\b[A-Z][A-Z_]+\b/g, (word) => {
    const type = types.find((each) => contract.enums[each]?.some(({ name }) => name === word));
    return type === undefined ? word : labels.value(type, word);
  });
}

/** @param without names of properties that are left out */
function write(name: string, value: object, without: readonly string[] = []): void {
  writeFileSync(
    join(folder, name),
    JSON.stringify(value, (key, each: unknown) => (without.includes(key) ? undefined : each)),
  );
}
