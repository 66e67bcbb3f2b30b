import { queryDatabase } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Workspace, type Json } from './workspace.ts';

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

let workspace: Workspace;

beforeAll(async () => {
  workspace = await Workspace.create();
});

afterAll(() => workspace.close());

/** Conflicts over rows of a table whose level the workspace has no field for. */
async function makeConflicts(names: readonly string[]): Promise<void> {
  const { superuserUrl } = workspace.platform.postgres;
  const user = `levels_${crypto.randomUUID().slice(0, 8)}`;
  const password = crypto.randomUUID();
  const rows = names.map((name) => `('${name}', 'gold')`).join(', ');
  await queryDatabase(
    superuserUrl,
    `CREATE ROLE ${user} LOGIN PASSWORD '${password}'; CREATE SCHEMA AUTHORIZATION ${user};
     CREATE TABLE ${user}.people (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, level text,
       updated_at timestamptz NOT NULL DEFAULT clock_timestamp());
     INSERT INTO ${user}.people (name, level) VALUES ${rows}; ALTER TABLE ${user}.people OWNER TO ${user}`,
  );
  const { port, pathname } = new URL(superuserUrl);
  const settings = {
    ...{ engine: 'POSTGRESQL', host: '127.0.0.1', port: Number(port), database: pathname.slice(1), user, tls: 'OFF' },
    ...{ schema: user, table: 'people', idColumn: 'id', updatedColumn: 'updated_at', lateCommitSeconds: 0 },
  };
  const body = { connector: 'sql', displayName: 'Levels', settings, secrets: { password } };
  const { id: connectionId } = await workspace.api('POST', '/v1/connections', body);
  const fields = [
    { customerField: 'displayName', peerField: 'name' },
    { customerField: 'customFields.level', peerField: 'level' },
  ];
  const mapping = { connectionId, customerKind: 'PERSON', recordType: 'people', direction: 'TO_CUSTOMERS', fields };
  await workspace.api('POST', '/v1/mappings', mapping);
  const listed = async () => (await workspace.api<{ syncConflicts: Json[] }>('GET', '/v1/syncConflicts')).syncConflicts;
  await expect.poll(async () => (await listed()).length, { timeout: 60_000 }).toBe(names.length);
}

test('a conflict is skipped by a tap, and the first one comes after the last', async () => {
  await makeConflicts(['Ada', 'Grace']);
  const page = await workspace.open('/conflicts', undefined, phone);
  const chosen = page.getByRole('grid').getByRole('row', { selected: true });
  const first = await chosen.textContent();
  const skip = page.getByRole('button', { name: 'Skip' });

  await skip.tap();
  await expect.poll(() => chosen.textContent()).not.toBe(first);
  await skip.tap();
  await expect.poll(() => chosen.textContent()).toBe(first);
});
