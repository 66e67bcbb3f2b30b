import { randomUUID } from 'node:crypto';
import { soakTimeoutMs } from '@rapport/testing';
import { vi } from 'vitest';
import type { DealsTable, Deal } from '../deals-table.ts';
import type { Content, Person, Side } from './edits.ts';

type Json = Record<string, unknown>;

const patience = { timeout: soakTimeoutMs, interval: 100 };

/** What is edited of deals: a text and an amount of money, each value of which comes once. */
export const dealContent: Content = {
  fields: ['reason', 'amount'],
  isUnique: () => true,
  value: (field, key, edit) => (field === 'reason' ? `${key} ${edit}` : amountOf(`${key} ${edit}`)),
};

/** A number that is as good as never that of another text. */
function amountOf(text: string): string {
  let hash = 7;
  for (const letter of text) hash = (hash * 31 + letter.charCodeAt(0)) % 999_999_937;
  return `${hash}.${String(hash % 100).padStart(2, '0')}`;
}

/** The deals, by REST. What a call that got no answer has done is found out by the same call again. */
export function dealSide({ tenant, pipelineId }: DealsTable): Side {
  const ask = async (method: string, path: string, body?: Json, etag?: string) => {
    const headers = { 'idempotency-key': randomUUID(), ...(etag !== undefined && { 'if-match': etag }) };
    const answered = async () => {
      const answer = await tenant.api.send(method, path, body, headers).catch(() => undefined);
      const isOver = answer && answer.status < 500 && answer.status !== 429;
      return isOver && !['IDEMPOTENCY_KEY_IN_USE', 'CONCURRENT_WRITE'].includes(String(answer.body['code']))
        ? answer
        : undefined;
    };
    return vi.waitUntil(answered, patience);
  };
  return {
    name: 'customers',
    all: async () => {
      const all: Deal[] = [];
      let token = '';
      do {
        const { body } = await ask('GET', `/v1/deals?pageSize=200&orderBy=createTime${token}`);
        all.push(...((body['deals'] ?? []) as Deal[]));
        const next = body['nextPageToken'] as string | undefined;
        token = next === undefined ? '' : `&pageToken=${encodeURIComponent(next)}`;
      } while (token);
      return all.map(personOf);
    },
    create: async (key, values) => {
      const deal = { title: key, pipelineId, stage: 'lead', ...contentOf(values) };
      const { status, body } = await ask('POST', '/v1/deals', deal);
      if (status > 201) throw new Error(`A deal was not created: ${JSON.stringify(body)}`);
    },
    edit: async ({ id, values }, field, value) => {
      const current = await ask('GET', `/v1/deals/${id}`);
      const deal = current.body as Deal;
      if (current.status !== 200 || personOf(deal).values[field] !== values[field]) return false;
      return (await ask('PATCH', `/v1/deals/${id}`, contentOf({ [field]: value }), deal.etag)).status === 200;
    },
    remove: async ({ id }) => (await ask('DELETE', `/v1/deals/${id}`)).status < 300,
  };
}

function contentOf({ reason, amount }: Record<string, string>): Json {
  return {
    ...(reason !== undefined && { lostReason: reason }),
    ...(amount !== undefined && { amount: { amount, currencyCode: 'EUR' } }),
  };
}

function personOf({ id, title, ...deal }: Deal): Person {
  const { lostReason = '', amount } = deal as { lostReason?: string; amount?: { amount: string } };
  return { id, key: title, values: { reason: lostReason, amount: amount?.amount ?? '' } };
}

/** The table of an independent application, which sets the time of each change. */
export function dealsTableSide({ database }: DealsTable): Side {
  const ask = (sql: string) => vi.waitUntil(() => database.run(sql).catch(() => undefined), patience);
  const literal = (field: string, value: string) => (field === 'amount' ? value : `'${value}'`);
  const change = async (id: string, set: string, condition: string) => {
    const key = randomUUID();
    await ask(
      `UPDATE deals SET ${set}, edit_key = '${key}', updated_at = clock_timestamp()
       WHERE id = ${id} AND deleted_at IS NULL AND ${condition}`,
    );
    return (await ask(`SELECT 1 FROM deals WHERE id = ${id} AND edit_key = '${key}'`)).length === 1;
  };
  return {
    name: 'peer',
    all: async () =>
      (
        await ask(
          `SELECT id, title, coalesce(reason, '') AS reason, coalesce(amount::text, '') AS amount FROM deals WHERE deleted_at IS NULL`,
        )
      ).map(([id = '', key = '', reason = '', amount = '']): Person => ({ id, key, values: { reason, amount } })),
    create: async (key, { reason = '', amount = '' }) => {
      await ask(
        `INSERT INTO deals (title, stage, reason, amount, edit_key) SELECT '${key}', 'lead', '${reason}', ${amount}, '${key}'
         WHERE NOT EXISTS (SELECT 1 FROM deals WHERE edit_key = '${key}' OR title = '${key}')`,
      );
    },
    edit: ({ id, values }, field, value) =>
      change(id, `${field} = ${literal(field, value)}`, `coalesce(${field}::text, '') = '${values[field]}'`),
    remove: ({ id }) => change(id, 'deleted_at = clock_timestamp()', 'TRUE'),
  };
}
