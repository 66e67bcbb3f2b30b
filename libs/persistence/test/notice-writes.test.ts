import type { MikroORM } from '@mikro-orm/postgresql';
import { v7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createOrm, pipeline, settingStatement, withConnection } from '../src/index.js';
import { asTenant, entities, noteDatabase } from './note-database.js';
import { Note } from './note.entity.js';

let orm: MikroORM;
let calls = 0;

beforeAll(async () => {
  const database = await noteDatabase();
  await database.orm.close();
  orm = createOrm({ databaseUrl: database.urls.appUrl, entities, onWritten: () => (calls += 1) });
});
afterAll(() => orm.close());
beforeEach(() => {
  calls = 0;
});

describe('onWritten of createOrm is called', () => {
  test('not after a read', async () => {
    await asTenant(orm, v7(), (em) => em.find(Note, {}));

    expect(calls).toBe(0);
  });

  test('once after the commit of a transaction with two writes', async () => {
    const tenantId = v7();
    let callsBefore: number | undefined;

    await asTenant(orm, tenantId, (em) =>
      em.transactional(async (transaction) => {
        await transaction.insert(Note, { tenantId, id: v7(), text: 'first' });
        await transaction.insert(Note, { tenantId, id: v7(), text: 'second' });
        callsBefore = calls;
      }),
    );

    expect(callsBefore).toBe(0);
    expect(calls).toBe(1);
  });

  test('once after a pipeline of two writes', async () => {
    const tenantId = v7();
    const insert = () => ({
      sql: 'insert into note (tenant_id, id, text) values ($1, $2, $3)',
      values: [tenantId, v7(), 'x'],
    });

    await asTenant(orm, tenantId, (em) =>
      withConnection(em, (client) =>
        pipeline(client, [settingStatement({ 'app.tenant_id': tenantId }), insert(), insert()]),
      ),
    );

    expect(calls).toBe(1);
  });
});
