import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { sizeOf, soakTimeoutMs } from '@rapport/testing';
import { v7 } from 'uuid';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  AuditKeys,
  findAuditHeads,
  recordAuditEvent,
  verifyAuditArchives,
  type ArchivedChain,
  type AuditHead,
} from '../src/index.js';
import { AuditedDatabase } from './audited-tenant.js';

let database: AuditedDatabase;

beforeAll(async () => {
  database = await AuditedDatabase.create();
});
afterAll(() => database.close());

/** Entries of the chain; 100 are verified at a time. */
const count = sizeOf('AUDIT_ENTRIES', { short: 500, long: 100_000 });
/** A random number of an entry. */
const at = (part: number) => Math.round(count * part);

describe(`a chain of ${count} entries`, { timeout: soakTimeoutMs }, () => {
  let tenantId: string;

  beforeAll(async () => {
    tenantId = await database.chainOf(count);
    await database.signHeads();
    await database.keep();
  }, soakTimeoutMs);
  afterEach(() => database.restore());

  test('is valid when unchanged', async () => {
    const { end, ...rest } = await database.verify(tenantId);

    expect(rest).toEqual({ fault: undefined, isComplete: true });
    expect(end).toEqual({ number: count, hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
  });

  const moved = `number = -number where tenant_id = $1 and number`;
  test.each([
    [
      'change',
      `update audit_entry set actor = 'apiKey:2' where tenant_id = $1 and number = ${at(0.5)}`,
      at(0.5),
      'CHANGED',
    ],
    [
      'change of a record',
      `update audit_entry set records[2] = 'customer/y' where tenant_id = $1 and number = 77`,
      77,
      'CHANGED',
    ],
    [
      'change of the last entry',
      `update audit_entry set detail = '{}' where tenant_id = $1 and number = ${count}`,
      count,
      'CHANGED',
    ],
    ['delete', `delete from audit_entry where tenant_id = $1 and number = ${at(0.7)}`, at(0.7), 'MISSING'],
    ['delete of the first', `delete from audit_entry where tenant_id = $1 and number = 1`, 1, 'MISSING'],
    [
      'insert',
      `update audit_entry set ${moved} > ${at(0.3)};
       update audit_entry set number = 1 - number where tenant_id = $1 and number < 0;
       insert into audit_entry select tenant_id, ${at(0.3) + 1}, time, kind, actor, origin, request_id, causation_id, records,
         operations, versions, detail, previous_hash, hash from audit_entry where tenant_id = $1 and number = ${at(0.3)}`,
      at(0.3) + 1,
      'CHANGED',
    ],
    [
      'swap',
      `update audit_entry set ${moved} in (${at(0.4)}, ${at(0.6)});
       update audit_entry set number = ${count} + number where tenant_id = $1 and number < 0`,
      at(0.4),
      'CHANGED',
    ],
    ['truncation', `delete from audit_entry where tenant_id = $1 and number > ${count - 10}`, count - 9, 'MISSING'],
    [
      'truncation of the chain and its end marker',
      `delete from audit_entry where tenant_id = $1 and number > ${count - 10};
       update audit_chain c set number = e.number, hash = e.hash from audit_entry e
       where c.tenant_id = $1 and e.tenant_id = $1 and e.number = ${count - 10}`,
      count - 9,
      'MISSING',
    ],
    [
      'append past the end',
      `insert into audit_entry select tenant_id, ${count + 1}, time, kind, actor, origin, request_id, causation_id, records,
         operations, versions, detail, hash, hash from audit_entry where tenant_id = $1 and number = ${count}`,
      count + 1,
      'CHANGED',
    ],
    [
      'head signed by another key',
      `update audit_head set signature = decode(repeat('00', 64), 'hex') where tenant_id = $1`,
      count,
      'HEAD_NOT_SIGNED',
    ],
  ])('reports the first invalid entry after a %s', async (_, sql, number, reason) => {
    const { superuser } = database;
    for (const statement of sql.split(';')) {
      await superuser.query(statement, statement.includes('$1') ? [tenantId] : []);
    }

    const { fault, end } = await database.verify(tenantId);

    expect(fault).toEqual({ number, reason });
    expect(end.number).toBe(number - 1);
  });

  test('that was rebuilt from an entry on does not match its signed head', async () => {
    const head = await headOf(tenantId);
    await remake(tenantId, at(0.9));

    const withHead = await database.verify(tenantId);
    await database.superuser.query('delete from audit_head where tenant_id = $1', [tenantId]);
    const withoutHead = await database.verify(tenantId);
    const withKept = await database.verify(tenantId, { head });

    expect(withHead.fault).toEqual({ number: count, reason: 'OTHER_HEAD' });
    expect(withoutHead.fault).toBeUndefined();
    expect(withKept.fault).toEqual({ number: count, reason: 'OTHER_HEAD' });
  });

  test('whose tail and heads are gone does not match a head that the caller stored', async () => {
    const head = await headOf(tenantId);
    for (const table of ['audit_entry', 'audit_head', 'audit_chain']) {
      await database.superuser.query(`delete from ${table} where tenant_id = $1 and number > $2`, [tenantId, at(0.9)]);
    }
    await database.superuser.query(
      `insert into audit_chain select tenant_id, number, hash from audit_entry where tenant_id = $1 and number = $2`,
      [tenantId, at(0.9)],
    );

    expect((await database.verify(tenantId)).fault).toBeUndefined();
    expect((await database.verify(tenantId, { head })).fault).toEqual({
      number: at(0.9) + 1,
      reason: 'MISSING',
    });
  });

  test('can be verified in parts, each starting where the one before ended', async () => {
    const ends: number[] = [];
    let after;
    for (;;) {
      const { end, fault, isComplete } = await database.verify(tenantId, { after, endMs: 0 });
      expect(fault).toBeUndefined();
      ends.push(end.number);
      if (isComplete) break;
      after = end;
    }

    expect(ends.length).toBeGreaterThan(2);
    expect(ends.at(-1)).toBe(count);
  });
});

test('8 parallel writers extend one chain without forks', async () => {
  const tenantId = v7();
  const each = 50;
  await Promise.all(
    Array.from({ length: 8 }, async (_, writer) => {
      for (let done = 0; done < each; done += 1) {
        await recordAuditEvent(database.em(tenantId), { kind: 'EXPORT', actor: `writer:${writer}` });
      }
    }),
  );

  const { rows } = await database.superuser.query<{ entries: number; followed: number }>(
    `select count(*)::int as entries, count(distinct previous_hash)::int as followed from audit_entry where tenant_id = $1`,
    [tenantId],
  );
  expect(rows).toEqual([{ entries: 8 * each, followed: 8 * each }]);
  expect(await database.verify(tenantId)).toMatchObject({ fault: undefined, end: { number: 8 * each } });
});

test('a rolled back entry leaves no gap', async () => {
  const tenantId = v7();
  await recordAuditEvent(database.em(tenantId), { kind: 'EXPORT' });
  const failing = database.em(tenantId).transactional(async (em) => {
    await recordAuditEvent(em, { kind: 'EXPORT' });
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  await recordAuditEvent(database.em(tenantId), { kind: 'EXPORT' });

  expect(await database.verify(tenantId)).toMatchObject({ fault: undefined, end: { number: 2 } });
});

/** What a client has stored. */
async function headOf(tenantId: string): Promise<AuditHead | undefined> {
  const [head] = await findAuditHeads(database.em(tenantId), tenantId, { most: 1 });
  return head;
}

/** Acts as an attacker with every privilege in the database and knowledge of the hash. */
async function remake(tenantId: string, from: number): Promise<void> {
  const { superuser } = database;
  await superuser.query(`update audit_entry set actor = 'nobody' where tenant_id = $1 and number = $2`, [
    tenantId,
    from,
  ]);
  await superuser.query(
    `update audit_chain c set number = e.number, hash = e.hash from audit_entry e
     where c.tenant_id = $1 and e.tenant_id = $1 and e.number = $2`,
    [tenantId, from - 1],
  );
  await superuser.query(
    `with gone as (delete from audit_entry where tenant_id = $1 and number >= $2 returning *)
     select append_audit_entries(array_agg(gone::audit_entry order by number)) from gone`,
    [tenantId, from],
  );
}

describe('archives of adjoining periods', () => {
  let tenantId: string;
  let first: string[];
  let second: string[];
  const begins = (line: string) => line.startsWith('{"tenantId"');

  beforeAll(async () => {
    tenantId = await database.chainOf(30);
    await database.signHeads();
    // Times of entries are in milliseconds, so that the next ones get a later one.
    await database.superuser.query('select pg_sleep(0.01)');
    await database.chainOf(120, tenantId);
    await database.signHeads();
    await database.chainOf(5, tenantId);
    const { rows } = await database.superuser.query<{ time: Date }>(
      'select time from audit_entry where tenant_id = $1 and number = 31',
      [tenantId],
    );
    const time = rows[0]?.time.toISOString() ?? '';
    const ofTenant = (lines: string[]) => lines.filter((line) => line.includes(tenantId));
    first = ofTenant(await database.archive({ until: time }));
    second = ofTenant(await database.archive({ from: time, until: '2999-01-01' }));
  });

  async function verified(...archives: string[][]): Promise<ArchivedChain | undefined> {
    const [chain] = await verifyAuditArchives(
      archives.map((lines) => Readable.from(lines)),
      database.keys,
    );
    return chain;
  }

  test('are valid without the database, up to the last signed head, and one of them from where it begins', async () => {
    const whole = await verified(first, second);
    expect(whole).toMatchObject({ tenantId, after: { number: 0 }, end: { number: 150 }, fault: undefined });
    expect(await database.verify(tenantId, { after: whole!.end })).toMatchObject({ end: { number: 155 } });
    expect(await verified(second)).toMatchObject({ after: { number: 30 }, end: { number: 150 }, fault: undefined });
  });

  test('a change, a missing entry, archive or end, and a foreign head are faults', async () => {
    const changed = first.with(7, first[7]!.replace('apiKey:1', 'apiKey:2'));
    expect(await verified(changed, second)).toMatchObject({ fault: { number: 7, reason: 'CHANGED' } });
    expect(await verified(first.toSpliced(12, 1))).toMatchObject({ fault: { number: 12, reason: 'MISSING' } });
    expect(await verified(first.slice(0, -1))).toMatchObject({ fault: { number: 30, reason: 'MISSING' } });
    expect(await verified(first, first)).toMatchObject({ fault: { number: 0, reason: 'OTHER_HEAD' } });
    const [third, ...rest] = second.filter((line) => begins(line));
    expect(rest).toEqual([]);
    const gap = (third ?? '').replace('"number":30', '"number":31');
    expect(await verified(first, [gap])).toMatchObject({ fault: { number: 31, reason: 'MISSING' } });
    const others = new AuditKeys('other', randomBytes(32));
    expect(await verifyAuditArchives([Readable.from(first)], others)).toMatchObject([
      { fault: { number: 30, reason: 'HEAD_NOT_SIGNED' } },
    ]);
    const unsigned = first.with(-1, JSON.stringify({ ...(JSON.parse(first.at(-1)!) as object), head: undefined }));
    expect(await verified(unsigned)).toMatchObject({ fault: { number: 30, reason: 'HEAD_NOT_SIGNED' } });
  });
});
