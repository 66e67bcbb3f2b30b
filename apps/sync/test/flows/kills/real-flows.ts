import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MikroORM } from '@mikro-orm/postgresql';
import { ScriptedRelay, type SharedPlatform } from '@rapport/testing';
import { HttpEffect } from '../../../src/flows/effects/http-effect.js';
import { resolveStep } from '../../../src/flows/effects/resolve-step.js';
import { RunEffects } from '../../../src/flows/effects/run-effects.js';
import { OutgoingHttp } from '../../../src/outgoing-http/outgoing-http.js';
import { MailTenant } from '../../mail/mail-tenant.ts';
import { createSyncDatabase } from '../../sync-databases.ts';
import { until } from '../../until.ts';
import { EffectBench, type Json } from '../effect-bench.ts';
import { FlowEngine } from '../engine/flow-engine.ts';
import { SteppedClock } from '../engine/stepped-clock.ts';
import { CutLink } from './cut-link.ts';
import { ExchangeStarts } from './exchange-starts.ts';

/** Least size of a request or an answer of gRPC with TLS; pieces below it are frames that acknowledge. */
const callBytes = 120;

/** The engine, with its effects in the customers of a platform, in a mailbox and in another system, over links that can be cut. */
export class RealFlows {
  readonly http = new OutgoingHttp(['127.0.0.1']);
  /** Effect keys that the other system has received, one for each request. */
  readonly keys: string[] = [];

  private constructor(
    readonly engine: FlowEngine,
    readonly bench: EffectBench,
    readonly clock: SteppedClock,
    readonly exchanges: ExchangeStarts,
    /** Between sync and its database, customers, and the other system. */
    readonly links: Readonly<Record<'database' | 'customers' | 'http', CutLink>>,
    private readonly other: Server,
    private readonly relay: ScriptedRelay,
    private readonly mailboxId: string,
    private readonly pipelineId: string,
    private readonly ownerId: string | undefined,
  ) {
    engine.parts.resolve = resolveStep;
    other.on('request', (request, response) => {
      this.keys.push(String(request.headers['idempotency-key']));
      request.resume().once('end', () => response.writeHead(204).end());
    });
  }

  static async on(platform: SharedPlatform): Promise<RealFlows> {
    const relay = await ScriptedRelay.start();
    const mail = await MailTenant.create(platform, relay);
    const urls = await createSyncDatabase();
    const clock = await SteppedClock.of(urls);
    const engine = await FlowEngine.start(urls);
    const exchanges = await ExchangeStarts.in(engine, mail.api.tenant.tenantId);
    await exchanges.open();
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const links = {
      database: await CutLink.to(new URL(engine.urls.appUrl).host),
      customers: await CutLink.to(platform.serviceAddresses['customers'] ?? '', callBytes),
      http: await CutLink.to(`127.0.0.1:${(other.address() as AddressInfo).port}`),
    };
    const serviceAddresses = { ...platform.serviceAddresses, customers: links.customers.address };
    const bench = await EffectBench.of({ ...platform, serviceAddresses }, mail.api);
    const stages = ['lead', 'proposal'].map((key) => ({ key, name: key, kind: 'OPEN' }));
    const pipeline = await mail.api.ok<{ id: string }>('POST', '/v1/pipelines', { name: 'Sales', stages });
    const [ownerId, ...others] = await bench.users(3);
    const members = others.map((userId) => ({ userId }));
    const rule = { name: 'Deals', recordType: 'deal', method: 'ROUND_ROBIN', filter: 'stage = proposal', members };
    await mail.api.ok('POST', '/v1/assignmentRules', rule);
    const { mailboxId } = mail;
    return new RealFlows(engine, bench, clock, exchanges, links, other, relay, mailboxId, pipeline.id, ownerId);
  }

  /** What the steps of a process do, on its own connections. */
  effects(orm: MikroORM): RunEffects {
    const { bench, engine, exchanges, http } = this;
    const secrets = { read: () => Promise.resolve(undefined) };
    return new RunEffects(
      bench.calls,
      new HttpEffect(http, secrets, engine.parts.envelope),
      exchanges.effect(orm),
      bench.evaluator,
    );
  }

  /** Steps of every kind with an effect, about the records of `input`. */
  steps(): object[] {
    const field = (name: string, value: string) => ({ field: name, value });
    const newDeal = [
      field('title', 'input.name'),
      field('pipelineId', `'${this.pipelineId}'`),
      field('stage', `'lead'`),
    ];
    const deal = { type: 'deal', id: 'input.dealId' };
    const matched = { type: 'deal', system: 'erp', value: 'input.name' };
    const url = `'http://${this.links.http.address}/orders'`;
    const steps = {
      found: { find: { type: 'deal', filter: `'id = ' + input.dealId` } },
      created: { create: { type: 'deal', fields: newDeal } },
      renamed: { update: { ...deal, fields: [field('title', `input.name + ' 1'`)] } },
      posted: { http: { url, body: `{'id': input.dealId}` } },
      moved: { moveStage: { dealId: 'input.dealId', stage: 'proposal', fields: [] } },
      made: { upsert: { ...matched, fields: newDeal } },
      matched: { upsert: { ...matched, fields: [...newDeal, field('tags', `['flow']`)] } },
      note: { addNote: { text: 'input.name' } },
      task: { addTask: { subject: 'input.name' } },
      linked: {
        link: {
          fromType: 'deal',
          fromId: 'input.dealId',
          toType: 'customer',
          toId: 'input.customerId',
          associationType: 'buyer',
        },
      },
      answered: { reply: { ticketId: 'input.ticketId', text: `'It is fixed.'` } },
      again: { update: { ...deal, fields: [field('title', `input.name + ' 2'`)] } },
      given: { assign: { ...deal, userId: `'${this.ownerId}'` } },
      turn: { assign: { ...deal, byRules: true } },
      sent: { send: { to: [`input.name + '@example.net'`], subject: 'input.name', text: `'Hello.'` } },
      once: { http: { url, isUnrepeatable: true } },
      computed: { transform: { expression: 'a + 1', input: `{'a': 1}` } },
      pulled: { connector: { mappingId: this.exchanges.mappingId } },
      deleted: { delete: deal },
    };
    return Object.entries(steps).map(([key, content]) => ({ key, ...content }));
  }

  /** What a run acts on. */
  async records(): Promise<{ name: string; dealId: string; customerId: string; ticketId: string }> {
    const create = async (path: string, body: Json) => (await this.bench.api.ok<{ id: string }>('POST', path, body)).id;
    const [name, { mailboxId, pipelineId }] = [`r${randomUUID().slice(0, 8)}`, this];
    const dealId = await create('/v1/deals', { title: name, pipelineId, stage: 'lead' });
    const emails = [{ address: `${name}@example.net` }];
    const customerId = await create('/v1/customers', { kind: 'COMPANY', displayName: name, emails });
    const ticketId = await create('/v1/tickets', { subject: name, customerId, mailboxId });
    return { name, dealId, customerId, ticketId };
  }

  /** The changes that a run has caused, once the log has all. */
  async changesOf(runId: string): Promise<Json[]> {
    const { tenantId } = this.bench.api.tenant;
    const { api } = this.bench;
    const open = () => api.query('select from outbox where tenant_id = $1', [tenantId], 'customers');
    await until(async () => (await open()).length === 0);
    return api.query<Json>(
      `select type, operation, changed_fields, count(*)::int as count from change_log
        where tenant_id = $1 and origin = 'flow' and causation_id = $2 group by 1, 2, 3 order by 1, 2, 3`,
      [tenantId, runId],
      'customers',
    );
  }

  /** A day passes, in the database of the engine and for what customers keeps. */
  async nextDay(): Promise<void> {
    await this.clock.step(1);
    await this.bench.api.query(
      // Without those in use: two of these statements could wait for each other.
      `update idempotency_key set create_time = create_time - interval '25 hours' where ctid = any (array(
        select ctid from idempotency_key where tenant_id = $1 for update skip locked))`,
      [this.bench.api.tenant.tenantId],
      'customers',
    );
  }

  async stop(): Promise<void> {
    this.http.close();
    for (const link of Object.values(this.links)) link.close();
    await this.bench.close();
    await this.exchanges.stop();
    await this.engine.stop();
    await this.relay.stop();
    this.other.close();
    this.other.closeAllConnections();
  }
}
