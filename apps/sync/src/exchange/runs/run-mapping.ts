import { Logger } from '@nestjs/common';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import type { ContractClient } from '@rapport/contracts';
import type { Peer } from '../../connectors/connector.js';
import type { RunJob } from '../../storage/job-queue.js';
import { rowOwner } from '../../storage/sealed-row.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { ConflictResolver } from '../conflicts/resolve-conflicts.js';
import { Connection } from '../connections/connection.entity.js';
import type { Peers } from '../connections/open-connection.js';
import { ActingRecords, type Taken } from '../customers/acting-records.js';
import type { CustomFieldTypes } from '../customers/custom-field-types.js';
import type { PrincipalTokens } from '../customers/principal-tokens.js';
import type { TenantUsers } from '../customers/tenant-users.js';
import { noCounts, type ExchangeContext } from '../exchange-context.js';
import { Exchange } from '../exchange.js';
import { ConflictStore } from '../links/conflict-store.js';
import { Fingerprints } from '../links/fingerprints.js';
import { HintStore } from '../links/hint-store.js';
import { LinkStore } from '../links/link-store.js';
import type { Intent, Link } from '../links/link.js';
import { ReferenceStore } from '../links/reference-store.js';
import { checkPeerFields } from '../mappings/check-peer-fields.js';
import { EvaluationError, type Evaluate, type JsonataEvaluator } from '../mappings/jsonata-evaluator.js';
import type { ValueTypes } from '../mappings/lenses/value-conversion.js';
import { MappingViews } from '../mappings/mapping-views.js';
import { Mapping } from '../mappings/mapping.entity.js';
import { exchangedType } from '../mappings/records/exchanged-types.js';
import { exchangeOrigin } from '../origin.js';
import { MatchStore } from '../pairing/match-store.js';
import { PairingConflicts } from '../pairing/pairing-conflicts.js';
import { FailedPairs } from '../pairs/failed-pairs.js';
import { Reconciliation, type Findings } from '../reconciliation.js';
import { goOn, stopOrHold } from './after-run.js';
import { ProgressStore } from './progress-store.js';
import {
  isInterruption,
  MappingChangedError,
  runFailure,
  SlowExpressionsError,
  type RunFailure,
} from './run-failure.js';
import { RunRecords } from './run-records.js';
import { mayRunPaused, RunStore, type RunRow } from './run-store.js';

export interface RunnerParts {
  orm: MikroORM;
  peers: Peers;
  envelope: SecretEnvelope;
  evaluator: JsonataEvaluator;
  customers: Pick<ContractClient, 'unary'>;
  tokens: PrincipalTokens;
  customFields: CustomFieldTypes;
  users: TenantUsers;
}

/** Delay after which a failed pair is retried. */
const failedPairSeconds = 30;

/** With more timeouts of evaluations than this in a run, the expression itself is too slow. */
const maxSlowEvaluations = 10;

/** Executes runs of mappings. An interrupted run continues from its stored progress. */
export class MappingRunner {
  readonly #logger = new Logger('MappingRunner');

  constructor(private readonly parts: RunnerParts) {}

  /** @throws the reason of `signal` when it aborts, or an interruption by the database: the queue repeats the run */
  async run({ tenantId, mappingId, runId }: RunJob, signal: AbortSignal): Promise<void> {
    const em = this.parts.orm.em.fork({ session: { variables: { 'app.tenant_id': tenantId } } });
    const runs = new RunStore(em, tenantId);
    const run = await runs.begin(runId);
    const mapping = await em.findOne(Mapping, { tenantId, id: mappingId });
    const connection = mapping && (await em.findOne(Connection, { tenantId, id: mapping.connectionId }));
    if (!run || !connection) return;
    if (
      connection.state === 'DISABLED' ||
      (mapping.state === 'PAUSED' && !mayRunPaused(run)) ||
      (run.is_automatic && mapping.state !== 'ENABLED')
    ) {
      return runs.end(run, {
        reason: 'MAPPING_DISABLED',
        message: 'The mapping or its connection was disabled in the meantime.',
      });
    }
    try {
      const { failed } = await this.#exchange(em, run, runs, mapping, connection, signal);
      await runs.end(run);
      // It has exchanged nothing, so due mappings stay due.
      if (run.dry_run) return;
      const { pollSeconds } = connection;
      await goOn(em, mapping, failed.count > 0 ? Math.min(pollSeconds, failedPairSeconds) : pollSeconds);
    } catch (error) {
      signal.throwIfAborted();
      // A deleted mapping has nothing left to do or to report.
      if ((await em.count(Mapping, { tenantId, id: mappingId })) === 0) return;
      // Its secrets may have been replaced meanwhile, or its principal.
      const { id, version } = connection;
      const isChanged = async () => (await em.count(Connection, { tenantId, id, version })) === 0;
      if (error instanceof MappingChangedError || (await isChanged())) {
        return this.run({ tenantId, mappingId, runId }, signal);
      }
      const failure = this.#failureOf(mappingId, error);
      await runs.end(run, failure);
      await stopOrHold(em, mapping, connection, failure);
    }
  }

  async #exchange(
    em: EntityManager,
    run: RunRow,
    runs: RunStore,
    mapping: Mapping,
    connection: Connection,
    signal: AbortSignal,
  ): Promise<ExchangeContext> {
    // A principal without permissions exchanges nothing, even when there is nothing to write.
    await this.parts.tokens.of(mapping.tenantId, connection.principalId);
    const links = new LinkStore(em, mapping.tenantId, mapping.id, mapping.version);
    const peer = readWhile(this.parts.peers.open(connection), () => links.checkMapping());
    const endSessions = peer.keepSessions?.();
    try {
      const context = await this.#begin(em, run, mapping, connection, { peer, signal });
      const tell = (findings?: Findings) => runs.tell(run.id, context, findings);
      const progress = new ProgressStore(em, mapping.tenantId, mapping.id, mapping.version);
      const exchange = new Exchange(context, progress, tell);
      await context.references.wake();
      if (run.kind === 'RESOLVE' && run.request) await new ConflictResolver(em, context).resolve(run.request, tell);
      await this.#do(run, context, exchange, tell);
      // Records that waited for pairs which this run has made.
      await context.references.wake();
      context.counts.conflicts = (await context.conflicts.linkIds()).size;
      await tell();
      return context;
    } finally {
      await endSessions?.();
    }
  }

  async #begin(
    em: EntityManager,
    run: RunRow,
    mapping: Mapping,
    connection: Connection,
    { peer, signal }: Pick<ExchangeContext, 'peer' | 'signal'>,
  ): Promise<ExchangeContext> {
    const customFields = await this.parts.customFields.of(mapping.object, mapping.tenantId, connection.principalId);
    const users = await this.parts.users.ofMapping(mapping.fields, mapping.tenantId, connection.principalId);
    const { fields, capabilities } = await checkPeerFields(peer, mapping, signal);
    const createsRecords = capabilities.create;
    const ofPeer = { peer, createsRecords, fields, type: exchangedType(mapping.object) };
    const context = this.#context(em, run, mapping, connection, { ...ofPeer, customFields, users, signal });
    // An interrupted exchange continues; a reconciliation starts over.
    if (run.kind === 'EXCHANGE' && !run.dry_run) {
      Object.assign(context, { pairing: run.pairing ?? undefined });
      Object.assign(context.counts, run.counts);
      context.issues.push(...run.issues);
    }
    return context;
  }

  async #do(
    run: RunRow,
    context: ExchangeContext,
    exchange: Exchange,
    tell: (findings?: Findings) => Promise<void>,
  ): Promise<void> {
    const { mapping } = context;
    const maxDeletes = run.allow_mass_delete ? Number.POSITIVE_INFINITY : mapping.maxDeletes;
    if (run.kind === 'PAIR') await exchange.pair(run.dry_run);
    if (run.kind !== 'RECONCILE' && !run.dry_run && mapping.state !== 'PAUSED') return exchange.run(maxDeletes);
    if (run.kind === 'PAIR' || run.kind === 'RESOLVE') return;
    if (!run.dry_run) {
      await exchange.recover();
      await exchange.pairFirst();
    } else if (!(await exchange.isPaired())) await exchange.pair(true);
    await tell(await new Reconciliation(context, exchange).run(run.dry_run, tell));
    if (!run.dry_run) await exchange.delete(maxDeletes);
  }

  #context(
    em: EntityManager,
    run: RunRow,
    mapping: Mapping,
    connection: Connection,
    {
      peer,
      createsRecords,
      signal,
      ...types
    }: ValueTypes & Pick<ExchangeContext, 'peer' | 'createsRecords' | 'signal'>,
  ): ExchangeContext {
    const { envelope, evaluator, customers, tokens } = this.parts;
    const { tenantId, id } = mapping;
    const fingerprintKey = envelope.open(Buffer.from(mapping.sealedFingerprintKey), rowOwner('mapping', tenantId, id));
    const fingerprints = new Fingerprints(fingerprintKey);
    const intentOwner = (link: Link) => rowOwner('sync_link', tenantId, link.id);
    const token = () => tokens.of(tenantId, connection.principalId);
    const references = new ReferenceStore(em, tenantId, id);
    return {
      mapping,
      peer,
      createsRecords,
      customers: new ActingRecords({ client: customers, token, origin: exchangeOrigin(id), signal }, takenBy(mapping)),
      links: new LinkStore(em, tenantId, id, mapping.version),
      conflicts: new ConflictStore(em, envelope, tenantId, id),
      hints: new HintStore(em, tenantId, id),
      references,
      records: new RunRecords(em, tenantId, run.id),
      matches: new MatchStore(em, tenantId, id, run.id),
      pairingConflicts: new PairingConflicts(em, tenantId, id),
      fieldViews: new MappingViews(mapping.fields, {
        ...{ types, defaults: mapping.defaults, evaluate: endingSlow(evaluator.of(tenantId)) },
        findOther: (target) => references.otherOf(target),
      }),
      fingerprint: (value) => fingerprints.of(value),
      sealIntent: (link, intent) => envelope.seal(Buffer.from(JSON.stringify(intent)), intentOwner(link)),
      openIntent: (link) =>
        link.sealedIntent === null
          ? undefined
          : (JSON.parse(envelope.open(Buffer.from(link.sealedIntent), intentOwner(link)).toString()) as Intent),
      counts: noCounts(),
      issues: [],
      failed: new FailedPairs(),
      signal,
    };
  }

  /** @throws an interruption: the queue repeats the run */
  #failureOf(mappingId: string, error: unknown): RunFailure {
    if (isInterruption(error)) {
      this.#logger.warn(`A run of the mapping ${mappingId} was interrupted, and is repeated.`, error);
      throw error;
    }
    const failure = runFailure(error);
    if (failure.reason === 'INTERNAL') this.#logger.error(`A run of the mapping ${mappingId} has failed.`, error);
    return failure;
  }
}

/** A peer of which no page is read after a change that ends the run. @param check throws then */
function readWhile(peer: Peer, check: () => Promise<void>): Peer {
  async function* checked<Part>(pages: AsyncIterable<Part>): AsyncGenerator<Part> {
    for await (const page of pages) {
      await check();
      yield page;
    }
  }
  return {
    ...peer,
    read: (request) => checked(peer.read(request)),
    readKeys: (request) => checked(peer.readKeys(request)),
  };
}

/** The records of Rapport that a mapping covers. */
function takenBy({ object, customerKind, filter }: Mapping): Taken {
  const type = exchangedType(object);
  const kind = customerKind ? [['kind', customerKind] as const] : [];
  const fixed = kind.map(([name, text]) => [name, { text, value: type.fixed.get(name)?.get(text) ?? 0 }] as const);
  return { type, fixed: Object.fromEntries(fixed), filter: filter ?? null };
}

/** The same evaluator, which ends the run after too many timeouts. */
function endingSlow(evaluate: Evaluate): Evaluate {
  let slow = 0;
  return async (expression, input) => {
    try {
      return await evaluate(expression, input);
    } catch (error) {
      if (error instanceof EvaluationError && error.isSlow) slow += 1;
      throw slow > maxSlowEvaluations ? new SlowExpressionsError(slow, { cause: error }) : error;
    }
  };
}
