import { randomBytes } from 'node:crypto';
import { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { MasterKeys } from '@rapport/platform';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { v7 as uuidv7 } from 'uuid';
import { changeFacts } from '../../../src/flows/triggers/match-trigger.js';
import { ListenMatcher } from '../../../src/flows/triggers/match-listens.js';
import { SecretEnvelope } from '../../../src/storage/secret-envelope.js';
import { FlowEngine } from './flow-engine.ts';

/** Counts the events that it seals without letting anything else run. */
class CountingEnvelope extends SecretEnvelope {
  sealed = 0;
  most = 0;
  #ofTurn = 0;

  constructor() {
    super(new MasterKeys(randomBytes(32)));
  }

  override seal(secret: Buffer, owner: string): Buffer {
    if (this.#ofTurn === 0) setImmediate(() => (this.#ofTurn = 0));
    this.#ofTurn += 1;
    this.sealed += 1;
    this.most = Math.max(this.most, this.#ofTurn);
    return super.seal(secret, owner);
  }
}

let engine: FlowEngine;

beforeAll(async () => {
  engine = await FlowEngine.start();
});
afterAll(() => engine.stop());

test('a change for which 2,000 runs wait lets others work in between', async () => {
  const { tenantId } = engine;
  const ids = Array.from({ length: 2_000 }, () => uuidv7());
  await engine.query(
    `with runs as (
       insert into flow_run (tenant_id, id, flow_id, version, state, principal_id, cause_kind, cause_principal_id, cause_time,
         hop, chain, sealed_start, sealed_state, start_time, max_time)
       select $1, id, $1, 1, 'WAITING', 'user:1', 'MANUAL', 'user:1', now(), 0, '[]', '', '', now(), now()
       from unnest($2::uuid[]) id),
     jobs as (
       insert into flow_job (run_id, tenant_id, flow_id, due_time) select id, $1, $1, now() from unnest($2::uuid[]) id)
     insert into flow_wait (tenant_id, run_id, step_key, event_key, kind, record_type, match, since_time)
     select $1, id, 'heard', 'changed', 'CHANGE', 'customer', 'change.actor == "user:1"', '-infinity'
     from unnest($2::uuid[]) id`,
    [tenantId, ids],
  );
  const change = Change.fromPartial({
    id: '1',
    type: 'customer',
    recordId: uuidv7(),
    actor: 'user:1',
    time: '2026-01-01T00:00:00Z',
  });
  const envelope = new CountingEnvelope();

  const due = await engine.transaction(async (client) => {
    const listens = await ListenMatcher.of(client, envelope, tenantId);
    return listens.take(change, changeFacts(change));
  });

  expect({ due, sealed: envelope.sealed }).toEqual({ due: 2_000, sealed: 2_000 });
  expect(envelope.most).toBeLessThanOrEqual(200);
  expect(await engine.query('select from flow_event where tenant_id = $1', [tenantId])).toHaveLength(2_000);
});
