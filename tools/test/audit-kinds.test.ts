import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { auditEntryKinds, securityEventKinds } from '@rapport/platform';
import { expect, it } from 'vitest';

const locales = join(import.meta.dirname, '../../apps/console/src/locales');
const [english, chinese] = [namesOfKinds('en'), namesOfKinds('zh-CN')];
// The compiler refuses to write an entry of another kind.
const kinds: readonly string[] = [...auditEntryKinds, ...securityEventKinds];

it('the console has a Chinese name for each kind of audit entry', () => {
  expect(kinds.filter((kind) => !/\p{Script=Han}/u.test(chinese[kind] ?? ''))).toEqual([]);
});

it('the console has an English name for each kind whose words are no name', () => {
  const unfit = kinds.filter((kind) => /API|OAUTH|TWO_FACTOR|SIGN_IN/.test(kind));
  expect(unfit.filter((kind) => english[kind] === undefined)).toEqual([]);
});

it('the console has no name for what is no kind', () => {
  expect([...Object.keys(english), ...Object.keys(chinese)].filter((kind) => !kinds.includes(kind))).toEqual([]);
});

function namesOfKinds(language: string): Readonly<Record<string, string>> {
  const texts = globSync('**/*.json', { cwd: join(locales, language) }).flatMap((file) =>
    Object.entries(JSON.parse(readFileSync(join(locales, language, file), 'utf8')) as Record<string, string>),
  );
  const prefix = 'enum.AuditKind.';
  return Object.fromEntries(
    texts.filter(([key]) => key.startsWith(prefix)).map(([key, name]) => [key.slice(prefix.length), name]),
  );
}
