import type { MikroORM } from '@mikro-orm/postgresql';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IdempotencyKey, releaseEffects, runStatements } from '../src/index.js';
import { asTenant, noteDatabase } from './note-database.js';
import { Note } from './note.entity.js';
import { count, look, writeInStatements, writeInUnit, type NoteWrite } from './note-writes.js';

let orm: MikroORM;

beforeAll(async () => {
  ({ orm } = await noteDatabase());
});
afterAll(() => orm.close());

const styles: { style: string; write: (tenantId: string, note: NoteWrite) => Promise<string> }[] = [
  { style: 'a unit of work', write: (tenantId, note) => writeInUnit(orm, tenantId, note) },
  { style: 'statements in one round trip', write: (tenantId, note) => writeInStatements(orm, tenantId, note) },
  {
    style: 'statements in several round trips',
    write: (tenantId, note) => writeInStatements(orm, tenantId, { ...note, first: look }),
  },
];

describe.each(styles)('an idempotency key, with $style,', ({ write }) => {
  test('returns the first response to a repetition and writes nothing', async () => {
    const tenantId = v7();
    const first = await write(tenantId, { requestId: 'k' });

    const second = await write(tenantId, { requestId: 'k' });

    expect(second).toBe(first);
    expect(await count(orm, tenantId, Note)).toBe(1);
  });

  test('is refused for another request', async () => {
    const tenantId = v7();
    await write(tenantId, { requestId: 'k' });

    const reuse = write(tenantId, { requestId: 'k', text: 'other' });

    await expect(reuse).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await count(orm, tenantId, Note)).toBe(1);
  });

  test('lets one of twenty twins write, and the others get its response or a retryable error', async () => {
    const tenantId = v7();

    const twins = await Promise.allSettled(Array.from({ length: 20 }, () => write(tenantId, { requestId: 'k' })));

    const ids = twins.flatMap((twin) => (twin.status === 'fulfilled' ? [twin.value] : []));
    const refused = twins.flatMap((twin) => (twin.status === 'rejected' ? [twin.reason as unknown] : []));
    expect(new Set(ids).size).toBe(1);
    for (const reason of refused) {
      expect(reason).toMatchObject({ code: 'ABORTED', reason: 'IDEMPOTENCY_KEY_IN_USE', retryAfterSeconds: 1 });
    }
    expect(await count(orm, tenantId, Note)).toBe(1);
  });

  test('is separate for each tenant and principal', async () => {
    const [tenantId, otherTenantId] = [v7(), v7()];
    const ids = [
      await write(tenantId, { requestId: 'k' }),
      await write(otherTenantId, { requestId: 'k', text: 'other' }),
      await write(tenantId, { requestId: 'k', text: 'third', principalId: 'apiKey:second' }),
    ];

    expect(new Set(ids).size).toBe(3);
  });

  test('expires after a day, and one of later writes deletes expired keys', async () => {
    const tenantId = v7();
    for (const requestId of ['a', 'b', 'c']) await write(tenantId, { requestId });
    await asTenant(orm, tenantId, (em) =>
      em.execute(`update idempotency_key set create_time = now() - interval '24 hours'`),
    );

    await write(tenantId, { requestId: 'a', text: 'next day' });
    expect(await count(orm, tenantId, Note)).toBe(4);

    let fresh = 1;
    const kept = async () => {
      await write(tenantId, { requestId: `later-${(fresh += 1)}` });
      return (await count(orm, tenantId, IdempotencyKey)) - fresh;
    };
    await expect.poll(kept, { interval: 0 }).toBe(0);
  });

  test('of the effect of a flow never expires, and stands for one effect whatever a later attempt has read', async () => {
    const [tenantId, runId] = [v7(), v7()];
    const first = await write(tenantId, { requestId: 'k', runId });
    await write(tenantId, { requestId: 'other', runId });
    await asTenant(orm, tenantId, (em) =>
      em.execute(`update idempotency_key set create_time = create_time - interval '30 days'`),
    );
    for (const requestId of ['a', 'b', 'c']) await write(tenantId, { requestId });

    expect(await write(tenantId, { requestId: 'k', runId, text: 'with a newer etag' })).toBe(first);
    expect(await count(orm, tenantId, Note)).toBe(5);
  });

  test('of the effect of a flow is no key of the principal, nor of another run', async () => {
    const [tenantId, runId] = [v7(), v7()];
    const effect = await write(tenantId, { requestId: 'k', runId });
    const outside = await write(tenantId, { requestId: 'k', text: 'mine' });
    const other = await write(tenantId, { requestId: 'k', runId: v7() });

    expect(new Set([effect, outside, other]).size).toBe(3);
    expect(await write(tenantId, { requestId: 'k', runId })).toBe(effect);
    await expect(write(tenantId, { requestId: 'k' })).rejects.toMatchObject({ reason: 'IDEMPOTENCY_KEY_REUSED' });
  });

  test('of the effect of a flow is gone once its run is released, and those of others stay', async () => {
    const [tenantId, runId] = [v7(), v7()];
    for (const id of [runId, v7(), undefined]) await write(tenantId, { requestId: 'k', ...(id && { runId: id }) });
    await asTenant(orm, tenantId, (em) =>
      em.transactional((own) => runStatements(own, releaseEffects(tenantId, [runId]))),
    );

    expect(await count(orm, tenantId, IdempotencyKey)).toBe(2);
  });
});
