import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { printedSeed, printTally, sharedPlatform, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { expect, inject, test } from 'vitest';
import { ExchangeTenant } from '../exchange/exchange-tenant.ts';
import { PeopleTable } from '../exchange/people-table.ts';
import { drawsOf } from './engine/random-flow.ts';
import { FlowTenant } from './flow-tenant.ts';

const graphs = sizeOf('LOOP_GRAPHS', { short: 1, long: 30 });
/** Flows and webhooks that the change of a field starts, at most. */
const perField = sizeOf('LOOP_BRANCHES', { short: 1, long: 2 });
/** Records of a graph, at most. */
const records = sizeOf('LOOP_RECORDS', { short: 1, long: 3 });
/** Each nth graph has an exchange with a table that alters what is written to it; 0 for none. */
const exchanging = sizeOf('LOOP_EXCHANGING', { short: 0, long: 4 });
const maxHops = 8;

/** `jobTitle` is exchanged with the table. */
const fields = ['jobTitle', 'source', 'familyName', 'givenName'];

const platform = await sharedPlatform(inject('platformUrl'));

test(
  'random graphs of flows, webhooks and exchanges end, each reason has the path, and another flow goes on',
  async () => {
    const below = drawsOf(printedSeed('flow-graphs'));
    const tally = { flows: 0, webhooks: 0, exchanges: 0, runs: 0, braked: 0, refused: 0, echoed: 0 };
    for (let count = 1; count <= graphs; count += 1) {
      const graph = await Graph.draw(below, exchanging > 0 && count % exchanging === 0);
      const ids = await graph.change(1 + below(records));
      await graph.settle();
      await graph.check(ids, tally);
      await graph.stop();
    }
    printTally('flow-graphs', { graphs, ...tally });
  },
  soakTimeoutMs,
);

/** A webhook that its receiver answers with a call of a flow, for events about a field. */
interface Echo {
  field: string;
  hook: string;
}

/** Flows that start each other by changes of fields, by requests, by webhooks, and by an exchange. */
class Graph {
  readonly #writers: string[] = [];
  readonly #echoes: Echo[] = [];
  /** Reasons for which an address of a flow has started no run. */
  readonly #refused: string[] = [];
  #echoed = 0;
  #bystander = '';
  #exchange: { tenant: ExchangeTenant; mappingId: string } | undefined;
  readonly #receiver: Server;

  private constructor(
    private readonly flows: FlowTenant,
    private readonly below: (limit: number) => number,
  ) {
    this.#receiver = createServer((request, response) => {
      void json(request)
        .then((event) => this.#echo((event as { data: EventData }).data))
        .then(() => response.writeHead(204).end());
    }).listen(0, '127.0.0.1');
  }

  static async draw(below: (limit: number) => number, isExchanging: boolean): Promise<Graph> {
    const graph = new Graph(await FlowTenant.create(platform), below);
    await once(graph.#receiver, 'listening');
    const note = [{ key: 'note', addNote: { text: `'Welcome'` } }];
    graph.#bystander = await graph.flows.publish({
      trigger: { record: { type: 'customer', operations: ['CREATE'] } },
      steps: note,
    });
    const hooks = [await graph.#hook(), await graph.#hook()];
    for (const [index, from] of fields.entries()) {
      const branches = 1 + below(perField);
      for (let branch = 0; branch < branches; branch += 1) {
        const hook = hooks[below(hooks.length)]!;
        // The first fields have one of each kind.
        const kind = branch === 0 && index < 3 ? index : below(3);
        if (kind === 2) graph.#echoes.push({ field: from, hook });
        else await graph.#flow(from, kind === 0 ? graph.#write('record.id') : callOf(hook));
      }
    }
    const { port } = graph.#receiver.address() as AddressInfo;
    await graph.flows.api.endpoint(`http://127.0.0.1:${port}/hook`, { eventTypes: ['customer.updated'] });
    if (isExchanging) graph.#exchange = await alteringTable(graph.flows);
    return graph;
  }

  /** Creates customers, and changes each field of theirs, as a user does. @returns their ids */
  async change(count: number): Promise<string[]> {
    const { api } = this.flows;
    const ids = await Promise.all(Array.from({ length: count }, (_, index) => api.createCustomer(`Ada ${index}`)));
    for (const field of fields) {
      await Promise.all(ids.map((id) => api.updateCustomer(id, { [field]: `changed ${this.below(1_000)}` })));
    }
    return ids;
  }

  /** Waits until each run has ended, each change of the log is decided, and each event is delivered, twice in a row. */
  async settle(): Promise<void> {
    let last = '';
    const look = async () => {
      await this.#exchange?.tenant.run(this.#exchange.mappingId);
      const { tenantId, api } = this.flows;
      const [row] = await api.query<{ open: number; pending: number; decided: number }>(
        `select (select count(*)::int from webhook_delivery where tenant_id = $1 and state = 'PENDING') as pending,
           (select count(*)::int from flow_run where tenant_id = $1 and end_time is null) as open,
           coalesce((select last_number::int from flow_change_number where tenant_id = $1), 0) as decided`,
        [tenantId],
      );
      const { changes } = await this.flows.changes();
      const found = JSON.stringify({ ...row, left: changes.length - (row?.decided ?? 0) });
      const isSettled = found === last && row?.open === 0 && row.pending === 0 && changes.length === row.decided;
      last = found;
      return isSettled ? 'settled' : found;
    };
    await expect.poll(look, { timeout: 240_000, interval: 200 }).toBe('settled');
  }

  async check(ids: readonly string[], tally: Record<string, number>): Promise<void> {
    const { tenantId, api } = this.flows;
    const runs = await api.query<{ state: string; hop: number; count: number; flow_id: string }>(
      'select flow_id, state, hop, count(*)::int as count from flow_run where tenant_id = $1 group by 1, 2, 3',
      [tenantId],
    );
    expect(runs.filter(({ state, hop }) => state !== 'SUCCEEDED' || hop > maxHops)).toEqual([]);
    const others = runs.filter((run) => run.flow_id === this.#bystander);
    expect(others.reduce((sum, { count }) => sum + count, 0)).toBe(ids.length);
    const braked = (await this.flows.decisions()).filter(({ outcome }) => outcome === 'SUPPRESSED');
    for (const { reason, flowId, explanation = '' } of braked) {
      expect(['LOOP', 'HOP_LIMIT', 'CHAIN_LIMIT']).toContain(reason);
      expect(explanation).toContain(reason === 'LOOP' ? ' → ' : `flows/${flowId}`);
    }
    expect(this.#refused.filter((reason) => reason !== 'HOP_LIMIT')).toEqual([]);
    tally['flows']! += this.#writers.length;
    tally['webhooks']! += this.#echoes.length;
    tally['exchanges']! += this.#exchange ? 1 : 0;
    tally['runs']! += runs.reduce((sum, { count }) => sum + count, 0);
    tally['braked']! += braked.length;
    tally['refused']! += this.#refused.length;
    tally['echoed']! += this.#echoed;
  }

  async stop(): Promise<void> {
    this.#receiver.close();
    this.#receiver.closeAllConnections();
    const { id } = (await this.flows.api.ok<{ webhookEndpoints: { id: string }[] }>('GET', '/v1/webhookEndpoints'))
      .webhookEndpoints[0]!;
    await this.flows.api.ok('DELETE', `/v1/webhookEndpoints/${id}`);
  }

  async #flow(from: string, step: object): Promise<void> {
    const trigger = { record: { type: 'customer', operations: ['UPDATE'], changedFields: [from] } };
    const followsItself = this.below(3) === 0;
    this.#writers.push(await this.flows.publish({ trigger, steps: [step], followsItself }));
  }

  /** A flow that others call. @returns its address */
  async #hook(): Promise<string> {
    const id = await this.flows.publish({ trigger: { webhook: {} }, steps: [this.#write('input.body.id')] });
    this.#writers.push(id);
    const { token } = await this.flows.api.ok<{ token: string }>('POST', `/v1/flows/${id}:rotateHook`);
    return `${platform.edgeUrl}/v1/flowHooks/${token}`;
  }

  #write(id: string): object {
    const to = fields[this.below(fields.length)]!;
    return { key: 'write', update: { type: 'customer', id, fields: [{ field: to, value: 'string(now)' }] } };
  }

  /** Answers an event with calls of flows, as a system does that passes on how many automatic steps came before. */
  async #echo({ recordId, changedFields, hop }: EventData): Promise<void> {
    for (const { field, hook } of this.#echoes) {
      if (!changedFields.includes(field)) continue;
      this.#echoed += 1;
      const headers = { 'content-type': 'application/json', 'rapport-hop': String(hop) };
      const answer = await fetch(hook, { method: 'POST', headers, body: JSON.stringify({ id: recordId }) });
      const { reason } = (await answer.json()) as { reason?: string };
      if (reason !== undefined) this.#refused.push(reason);
    }
  }
}

interface EventData {
  recordId: string;
  changedFields: string[];
  hop: number;
}

function callOf(hook: string): object {
  return { key: 'call', http: { url: `'${hook}'`, body: `{'id': record.id}` } };
}

/** An exchange with a table that alters each title that is written to it. */
async function alteringTable({ api }: FlowTenant): Promise<{ tenant: ExchangeTenant; mappingId: string }> {
  const tenant = await ExchangeTenant.create(platform, api);
  const people = await PeopleTable.create(tenant);
  await people.database.run(
    `CREATE FUNCTION alter_title() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF NEW.title IS DISTINCT FROM OLD.title THEN NEW.title := left(NEW.title || '!', 60); END IF;
       NEW.updated_at := clock_timestamp();
       RETURN NEW; END $$`,
  );
  await people.database.run(
    'CREATE TRIGGER alter_title BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION alter_title()',
  );
  return { tenant, mappingId: await people.map() };
}
