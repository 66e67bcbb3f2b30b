import { platformContract } from '@rapport/contracts';
import { isSoak, printedSeed, sizeOf } from '@rapport/testing';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FilterFact } from '../src/contract/contract.ts';
import { contractFile } from '../tools/contract-facts.ts';
import { Workspace } from './workspace.ts';

const { resources, enums } = contractFile(platformContract());
const facts = resources.find(({ name }) => name === 'customers')?.filters ?? [];

let workspace: Workspace;
let page: Page;

beforeAll(async () => {
  workspace = await Workspace.create();
  await workspace.api('POST', '/v1/customers', { kind: 'PERSON', givenName: '芳', familyName: '王' });
  await workspace.api('POST', '/v1/customFields', { key: 'plan', displayName: 'Plan', type: 'TEXT' });
  page = await workspace.open('/customers');
  await input().waitFor();
});

afterAll(() => workspace.close());

const input = () => page.locator('input[data-filter]');
const options = () => page.getByRole('option');

describe('the filter of a list', () => {
  test('offers fields that can be asked for, and the values of an enum', async () => {
    await input().fill('');
    await input().pressSequentially('lifecycle');
    await options().first().waitFor();
    const offered = await options().locator('code').allInnerTexts();
    expect(offered.length).toBeGreaterThan(0);
    for (const each of offered) expect(facts.map(({ path }) => path)).toContain(each.trim());

    await input().fill('');
    await input().pressSequentially('lifecycleStage = ');
    await page.getByRole('option', { name: /LEAD/ }).first().waitFor();
    const values = (enums['LifecycleStage'] ?? []).map(({ name }) => name);
    const codes = await options().locator('code').allInnerTexts();
    expect(codes.filter((code) => values.includes(code.trim())).length).toBeGreaterThan(3);

    await input().fill('');
    await input().pressSequentially('customFields.pl');
    await page.getByRole('option', { name: /plan/i }).first().waitFor();
  });

  test('says what is wrong where the server says it, and the address restores what was asked', async () => {
    await input().fill('kind = = PERSON');
    await input().press('Enter');
    await page.getByRole('alert').filter({ hasText: /./ }).first().waitFor();
    await expect.poll(() => input().getAttribute('aria-invalid')).toBe('true');

    await input().fill('kind = PERSON');
    await input().press('Escape');
    await input().press('Enter');
    await expect.poll(() => new URL(page.url()).searchParams.get('filter')).toBe('kind = PERSON');
    await page.reload();
    await input().waitFor();
    expect(await input().inputValue()).toBe('kind = PERSON');
  });

  test('keeps saying what is wrong while the list is asked again', async () => {
    await input().fill('kind = = PERSON');
    await input().press('Enter');
    await page.getByRole('alert').filter({ hasText: /./ }).first().waitFor();
    let asked = 0;
    const answer = Promise.withResolvers<void>();
    await page.route(
      (url) => url.pathname.endsWith('/v1/customers') && url.searchParams.get('filter') === 'kind = =',
      async (route) => {
        asked += 1;
        await answer.promise;
        await route.continue();
      },
    );
    await workspace.api('POST', '/v1/customers', { kind: 'COMPANY', displayName: 'Nordlys Energi' });
    await expect.poll(() => asked).toBeGreaterThan(0);
    expect(await input().getAttribute('aria-invalid')).toBe('true');
    answer.resolve();
    await page.unrouteAll({ behavior: 'wait' });
  });

  test('leaves what an input method composes alone', async () => {
    await input().fill('');
    await input().focus();
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Input.imeSetComposition', { text: 'wang', selectionStart: 4, selectionEnd: 4 });
    expect(await input().inputValue()).toBe('wang');
    await devtools.send('Input.insertText', { text: '王' });
    expect(await input().inputValue()).toBe('王');
    await input().press('Enter');
    await page.getByText('王', { exact: false }).first().waitFor();
  });

  test(
    'the server reads every filter that its facts allow',
    async () => {
      const random = randomOf(printedSeed('filters of the contract'));
      for (let count = 0; count < sizeOf('CONSOLE_FILTERS', { short: 40, long: 5_000 }); count += 1) {
        const filter = Array.from({ length: 1 + random(3) }, () =>
          restriction(facts[random(facts.length)], random),
        ).join(' AND ');
        const answer = await fetchFilter(filter);
        expect(answer, filter).not.toContain('FILTER_SYNTAX');
        expect(answer, filter).not.toContain('FILTER_FIELD_UNKNOWN');
        expect(answer, filter).not.toContain('FILTER_NOT_INDEXED');
      }
    },
    isSoak ? 3_600_000 : 120_000,
  );
});

async function fetchFilter(filter: string): Promise<string> {
  return page.evaluate(async (text) => {
    const response = await fetch(`/v1/customers?pageSize=1&filter=${encodeURIComponent(text)}`, {
      headers: { 'Rapport-Console': '1' },
    });
    return response.text();
  }, filter);
}

function restriction(fact: FilterFact | undefined, random: (below: number) => number): string {
  if (!fact) throw new Error('There is no field.');
  const operator = fact.operators[random(fact.operators.length)] ?? '=';
  const value = () => valueOf(fact, random);
  if (operator === 'IN') return `${fact.path} IN (${value()}, ${value()})`;
  if (operator === 'BETWEEN') return `${fact.path} BETWEEN ${value()} AND ${value()}`;
  return `${fact.path} ${operator} ${value()}`;
}

function valueOf({ type, of, path }: FilterFact, random: (below: number) => number): string {
  switch (type) {
    case 'enum':
      return enums[of ?? '']?.[random(enums[of ?? '']?.length ?? 1)]?.name ?? '';
    case 'id':
    case 'owner':
      return crypto.randomUUID();
    case 'time':
      return `2026-0${1 + random(9)}-1${random(9)}`;
    case 'value':
      return path === 'birthDate' ? `19${50 + random(50)}-01-01` : String(random(1_000));
    default:
      return `"${['Weiß', 'a b', '王', 'x@example.com', "O'Neill"][random(5)]}"`;
  }
}

/** Numbers below a bound, the same for each seed (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
