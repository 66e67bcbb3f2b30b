import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { contractErrorCodes, platformContract, statusOfError } from '@rapport/contracts';
import { expect, test } from 'vitest';
import { contractFile } from '../../tools/contract-facts.ts';
import { labelsOf } from '../app/labels.ts';

type Texts = Record<string, string>;

function catalog(language: string): Map<string, Texts> {
  const files = globSync(join(import.meta.dirname, language, '**/*.json'));
  return new Map(
    files.map((file) => [
      relative(join(import.meta.dirname, language), file),
      JSON.parse(readFileSync(file, 'utf8')) as Texts,
    ]),
  );
}

const [english, chinese] = [catalog('en'), catalog('zh-CN')];
const zh: Texts = Object.fromEntries([...chinese.values()].flatMap((texts) => Object.entries(texts)));
const contract = contractFile(platformContract());

/** Texts of what the contract has, whose English is made of its names unless the catalog has one. */
const isOfContract = (key: string) => /^(?:field|enum|op|verb|resource|singular|group|error)\./.test(key);

test('both languages have each text of the screens, with the same values in it', () => {
  const own = (all: Texts) =>
    Object.keys(all)
      .filter((key) => !isOfContract(key))
      .toSorted();
  const en: Texts = Object.fromEntries([...english.values()].flatMap((texts) => Object.entries(texts)));
  expect(own(zh)).toEqual(own(en));
  // A name of English alone would win over the general one of Chinese.
  expect(Object.keys(en).filter((key) => !(key in zh))).toEqual([]);
  const valuesOf = (text: string) => [...new Set([...text.matchAll(/\{(\w+)/g)].map(([, name]) => name))].toSorted();
  for (const key of own(en)) expect(valuesOf(zh[key] ?? ''), key).toEqual(valuesOf(en[key] ?? ''));
});

test('Chinese has a name for every field, value, operation and resource of the contract', () => {
  const { messages, enums, operations, resources } = contract;
  const fields = Object.entries(messages).flatMap(([message, list]) =>
    list.map(({ name }) => [message, name] as const),
  );
  const parameters = operations.flatMap((operation) => operation.parameters.map(({ name }) => ['', name] as const));
  const values = Object.entries(enums).flatMap(([type, list]) => list.map(({ name }) => [type, name] as const));
  const lacking = [
    ...[...fields, ...parameters].filter(([message, name]) => !zh[`field.${message}.${name}`] && !zh[`field.${name}`]),
    ...values.filter(([type, name]) => !zh[`enum.${type}.${name}`] && !zh[`enum.${name}`]),
    ...resources.filter(({ name }) => !zh[`resource.${name}`]).map(({ name }) => name),
    ...operations.filter(({ id }) => !zh[`op.${id}`] && !isComposed(id)).map(({ id }) => id),
  ];
  expect([...new Set(lacking.map(String))]).toEqual([]);
});

test('Chinese has a sentence for every code of an error', () => {
  /** Where all codes of a status have one sentence: what is missing, has changed, or needs another session or a service. */
  const isGeneral = (status: number) => [401, 404, 412].includes(status) || status >= 499;
  const lacking = [...contractErrorCodes(platformContract())].filter(([code, meaning]) => {
    const status = statusOfError(code, meaning);
    // The record engine makes these of each type. The values that fail a validation have sentences of their own.
    if (/_(?:NOT_DELETED|CREATED_BEFORE)$/.test(code))
      return labelsOf((key) => zh[key]).error(code, status) === undefined;
    if (code === 'VALIDATION_FAILED') return false;
    return !zh[`error.${code}`] && !(isGeneral(status) && zh[`error.${status >= 500 ? 500 : status}`]);
  });
  expect(lacking.map(([code]) => code)).toEqual([]);
});

test('Chinese has a sentence for what can be wrong with a value by the rules of the contract', () => {
  const validator = join(import.meta.dirname, '../../../../libs/contracts/src/rules/message-validator.ts');
  const codes = [...readFileSync(validator, 'utf8').matchAll(/reason: '([A-Z_]+)'/g)].map(([, code]) => code ?? '');
  expect(codes).toContain('TOO_LONG');
  expect(codes.filter((code) => !zh[`error.value.${code}`])).toEqual([]);
});

test('no text of the contract is what would be shown without it', () => {
  const en: Texts = Object.fromEntries([...english.values()].flatMap((texts) => Object.entries(texts)));
  const needless = [
    ...Object.keys(en).filter((key) => en[key] === shownWithout(en, key)),
    ...Object.keys(zh).filter((key) => !(key in en) && zh[key] === shownWithout(zh, key)),
  ];
  expect(needless).toEqual([]);
});

function shownWithout(texts: Texts, key: string): string | undefined {
  const labels = labelsOf((each) => (each === key ? undefined : texts[each]));
  const [kind, ...path] = key.split('.');
  const name = path.at(-1) ?? '';
  const of = path.slice(0, -1).join('.');
  if (kind === 'field') return labels.field(of, name);
  if (kind === 'enum') return labels.value(of, name);
  if (kind === 'resource') return labels.resource(name);
  if (kind === 'singular') return labels.singular(name);
  return undefined;
}

/** Whether the name is made of a verb and the name of a resource. */
function isComposed(id: string): boolean {
  const verb = Object.keys(zh).find(
    (key) => key.startsWith('verb.') && id.startsWith(key.slice(5)) && nounOf(id, key) !== undefined,
  );
  return verb !== undefined;
}

function nounOf(id: string, key: string): string | undefined {
  const noun = id.slice(key.length - 5).toLowerCase();
  const names = contract.resources.flatMap(({ name, message, items }) => [name, message, items]);
  return names.find((name) => name.toLowerCase() === noun);
}
