import { Operation_State as State, type Operation } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { OperationTenant } from './operation-tenant.js';
import { RecordTenant, type Answer, type SuiteSubject } from './record-tenant.js';
import type { RunningCustomers } from './running-customers.js';

/** Export and import of every record type. @param withLarge whether files of thousands of records are tested */
export function recordFiles(
  service: () => RunningCustomers,
  subject: SuiteSubject,
  { withLarge }: { withLarge: boolean },
): void {
  const { type, text } = subject;
  const { plural } = type;
  let tenant: RecordTenant;
  let operations: OperationTenant;

  describe(`files of ${plural}`, () => {
    beforeEach(async () => {
      tenant = await RecordTenant.create(service(), subject);
      operations = await OperationTenant.create(service(), tenant.caller);
    });
    afterEach(() => operations.close());

    test('round-trip through a file, and an edited file can be undone', async () => {
      const externalIds = [{ system: 'erp', value: '4711' }];
      const [first, second] = [await tenant.create(1), await tenant.create(2, { externalIds })];
      const rows = await tenant.exported();
      expect(rows.map(({ id }) => id)).toEqual([first.id, second.id]);
      expect((await run(rows)).counts).toMatchObject({ rows: 2, unchanged: 2, failed: 0 });

      const copy = contentOf(rows[0]!);
      const changed = await run([
        { ...copy, id: first.id, [text]: 'From a file' },
        { ...copy, [text]: 'New', externalIds: [{ system: 'erp', value: '4712' }] },
      ]);
      expect(changed.counts).toMatchObject({ rows: 2, created: 1, updated: 1, failed: 0 });
      const named = async () => (await tenant.list({})).map((record) => record[text]).sort();
      expect(await named()).toEqual([second[text], 'From a file', 'New'].sort());
      expect(await tenant.list({ filter: 'external_ids:erp/4712' })).toMatchObject([{ [text]: 'New' }]);

      expect(await operations.undo(changed.id)).toMatchObject({ counts: { undone: 2 } });
      expect(await named()).toEqual([first[text], second[text]]);
      const { updateTime: _, ...kept } = first;
      expect(await tenant.get(first.id)).toMatchObject({ ...kept, etag: '"3"' });
    });

    test.runIf(withLarge)('are imported once and undone completely over lost connections', async () => {
      const before = await tenant.create(1);
      const [row] = await tenant.exported();
      const rows = Array.from({ length: 1_100 }, (_, number) => ({
        ...contentOf(row!),
        ...{ [text]: `Row ${number}`, externalIds: [{ system: 'erp', value: String(number) }] },
      }));

      const imported = await amidLosses(await start(rows));
      expect(imported.counts).toMatchObject({ rows: 1_100, created: 1_100, failed: 0 });
      expect(await tenant.page({ pageSize: 1, total: 3 })).toMatchObject({ totalSize: 1_101 });

      await tenant.call('undoOperation', { id: imported.id });
      expect(await amidLosses(imported)).toMatchObject({ state: State.UNDONE, counts: { undone: 1_100 } });
      expect(await tenant.list({})).toEqual([before]);
    });
  });

  /**
   * Follows an operation to its end. Each time it makes progress, up to three times, the service loses all connections.
   */
  async function amidLosses({ id }: Operation): Promise<Operation> {
    const superuser = await service().connectAsSuperuser();
    const look = async () => {
      const sql = `select counts::text as counts, state in ('RUNNING', 'UNDOING') as "isAtWork" from operation where id = $1`;
      return (await superuser.query<{ counts: string; isAtWork: boolean }>(sql, [id])).rows[0]!;
    };
    const { username } = new URL(service().urls.appUrl);
    let losses = 0;
    for (let at = await look(); at.isAtWork && losses < 3; at = await look()) {
      const hasMoved = async () => {
        const { counts, isAtWork } = await look();
        return counts !== at.counts || !isAtWork;
      };
      await vi.waitUntil(hasMoved, { timeout: 60_000, interval: 2 });
      await superuser.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [username]);
      losses += 1;
    }
    await superuser.end();
    expect(losses).toBeGreaterThan(1);
    const operation = await operations.untilEnded(id);
    if (operation.state !== State.FAILED) return operation;
    // An import that was interrupted too often fails and has to be resumed.
    await tenant.call('resumeOperation', { id });
    return operations.untilEnded(id);
  }

  /** The parts of an exported record that create another one. */
  function contentOf(row: Answer): Answer {
    return Object.fromEntries(Object.keys(tenant.content(1)).map((name) => [name, row[name]]));
  }

  function start(rows: readonly Answer[]): Promise<Operation> {
    const data = rows.map((row) => JSON.stringify(row)).join('\n');
    return operations.start(data, { contentType: 'application/x-ndjson', recordType: tenant.recordType });
  }

  async function run(rows: readonly Answer[]): Promise<Operation> {
    const { id } = await start(rows);
    return operations.untilEnded(id);
  }
}
