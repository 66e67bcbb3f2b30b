import { createPrivateKey, randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  ContractClient,
  PrincipalSigner,
  platformContract,
  ServiceCertificates,
  serviceDefinitions,
} from '@rapport/contracts';
import { AssociationsServiceService } from '@rapport/contracts/rapport/customers/v1/associations_service';
import { Step } from '@rapport/contracts/rapport/flows/v1/steps';
import { createLogger, MasterKeys, permissionForAll } from '@rapport/platform';
import type { SharedPlatform } from '@rapport/testing';
import type { ConnectorEffect } from '../../src/flows/effects/connector-effect.ts';
import type { EffectCall, EffectOutcome, JsonObject } from '../../src/flows/effects/effect-port.ts';
import { HttpEffect } from '../../src/flows/effects/http-effect.ts';
import { RecordCalls } from '../../src/flows/effects/record-calls.ts';
import { jsonMethod, stepType, type JsonMethod } from '../../src/flows/effects/record-methods.ts';
import { resolveStep } from '../../src/flows/effects/resolve-step.ts';
import { RunEffects } from '../../src/flows/effects/run-effects.ts';
import { TrialEffects } from '../../src/flows/effects/trial-effects.ts';
import { JsonataEvaluator } from '../../src/exchange/mappings/jsonata-evaluator.ts';
import { OutgoingHttp } from '../../src/outgoing-http/outgoing-http.ts';
import { SecretEnvelope } from '../../src/storage/secret-envelope.ts';
import { WebhookTenant } from '../sync-platform.ts';

export type Json = Record<string, unknown>;

/** The permissions of a principal that may do everything. */
export const allPermissions = [
  ...new Set(platformContract().methods.map(({ policy }) => permissionForAll(policy.permission))),
].filter((permission) => permission !== '');

/** Performs steps against the customers of a platform, as sync does: with its certificate, and as a principal of a tenant. */
export class EffectBench {
  readonly signal: AbortSignal = new AbortController().signal;

  private constructor(
    readonly api: WebhookTenant,
    readonly calls: RecordCalls,
    readonly evaluator: JsonataEvaluator,
    readonly customers: ContractClient,
  ) {}

  /** @param tenant a new one when absent */
  static async of(
    platform: Pick<SharedPlatform, 'serviceAddresses' | 'trust' | 'createTenant' | 'edgeUrl'>,
    tenant?: WebhookTenant,
  ) {
    const { serviceAddresses, trust } = platform;
    const certificates = new ServiceCertificates(await trust.certificatesOf('sync'), createLogger('test', 'silent'));
    const options = { certificates, serviceName: 'customers' };
    const customers = new ContractClient(serviceAddresses['customers'] ?? '', serviceDefinitions, options);
    const signer = await PrincipalSigner.of(createPrivateKey(await readFile(trust.signingKeyFile)));
    const api = tenant ?? (await WebhookTenant.create(platform as SharedPlatform));
    const token = (tenantId: string, principalId: string) =>
      signer.sign({ tenantId, principalId, permissions: allPermissions });
    const tokens = { of: (tenantId: string, principalId: string) => Promise.resolve(token(tenantId, principalId)) };
    return new EffectBench(api, new RecordCalls(customers, tokens), new JsonataEvaluator(), customers);
  }

  /** Steps of one run. */
  run(record?: EffectCall['record'], hop = 1): BenchRun {
    return new BenchRun(this, record, hop);
  }

  /** Past the cache of the edge, which learns of writes of other processes from the log. */
  async record(type: string, id: string): Promise<Json> {
    return this.#ask(stepType(type).method('get'), { id });
  }

  async records(type: string): Promise<Json> {
    return this.#ask(stepType(type).method('list'), { pageSize: 200 });
  }

  async links(record: string): Promise<Json> {
    return this.#ask(jsonMethod(AssociationsServiceService.listRecordAssociations.path), { record });
  }

  /** Ids of new users. */
  users(count: number): Promise<string[]> {
    const create = async () => {
      const user = { email: `${randomUUID()}@example.com`, displayName: 'Ada', roleIds: ['read-only'] };
      return (await this.api.ok<{ id: string }>('POST', '/v1/users', user)).id;
    };
    return Promise.all(Array.from({ length: count }, create));
  }

  async close(): Promise<void> {
    this.customers.close();
    await this.evaluator.onApplicationShutdown();
  }

  #ask(method: JsonMethod, request: JsonObject): Promise<Json> {
    const acting = { tenantId: this.api.tenant.tenantId, principalId: `apiKey:${randomUUID()}`, runId: '', hop: 0 };
    return this.calls.ask(method, request, acting, this.signal);
  }
}

const envelope = new SecretEnvelope(new MasterKeys(randomBytes(32)));
const noSecrets = { read: () => Promise.resolve(undefined) };
const noConnector: Pick<ConnectorEffect, 'perform'> = { perform: () => Promise.reject(new Error('No connection.')) };

/** A run whose steps are performed one by one. Expressions are names of values. */
export class BenchRun {
  readonly runId = randomUUID();
  readonly principalId = `apiKey:${randomUUID()}`;
  readonly done: { call: EffectCall; undo: JsonObject }[] = [];
  readonly effects: RunEffects;

  constructor(
    private readonly bench: EffectBench,
    private readonly record: EffectCall['record'],
    private readonly hop: number,
    other: { http?: HttpEffect } = {},
  ) {
    const { http = new HttpEffect(new OutgoingHttp(['127.0.0.1']), noSecrets, envelope) } = other;
    this.effects = new RunEffects(bench.calls, http, noConnector, bench.evaluator);
  }

  /** @param content of the step, such as `{ create: … }`, whose expressions are JSON texts */
  call(content: object, path = `steps/${this.done.length}`): EffectCall {
    const { runId, principalId, record, hop } = this;
    const step = Step.fromPartial({ key: 'one', ...content });
    const input = resolveStep(step, (expression) =>
      expression === 'record' ? record : (JSON.parse(expression) as unknown),
    );
    return {
      tenantId: this.bench.api.tenant.tenantId,
      principalId,
      runId,
      path,
      effectKey: `${runId}:${path}`,
      step,
      input,
      record,
      hop,
    };
  }

  async perform(content: object): Promise<Json> {
    return (await this.attempt(this.call(content))).output;
  }

  async attempt(call: EffectCall): Promise<EffectOutcome> {
    const outcome = await this.effects.perform(call, this.bench.signal);
    if (outcome.undo) this.done.push({ call, undo: outcome.undo });
    return outcome;
  }

  /** Undoes what the steps have done, latest first. @returns codes of what can not be undone */
  async undoAll(): Promise<string[]> {
    const refused: string[] = [];
    for (const { call, undo } of this.done.toReversed()) {
      await this.effects.undo(call, undo, this.bench.signal).catch((error: unknown) => {
        refused.push((error as { code: string }).code);
      });
    }
    return refused;
  }

  trial(): TrialEffects {
    return new TrialEffects(this.bench.calls, this.bench.evaluator);
  }
}

/** A field of a step with a value. */
export function field(name: string, value: unknown): { field: string; value: string } {
  return { field: name, value: JSON.stringify(value) };
}

/** An expression for a value. */
export function text(value: unknown): string {
  return JSON.stringify(value);
}
