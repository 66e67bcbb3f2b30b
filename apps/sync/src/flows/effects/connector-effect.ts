import { randomUUID } from 'node:crypto';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { platformContract, type PrincipalVerifier } from '@rapport/contracts';
import {
  SyncRun,
  SyncRunKind,
  SyncRunsServiceService as Methods,
  type CreateSyncRunRequest,
} from '@rapport/contracts/rapport/sync/v1/sync_runs_service';
import { callVariables } from '@rapport/persistence';
import { allows, callContext, flowOrigin, permissionMissing } from '@rapport/platform';
import type { JobQueue } from '../../storage/job-queue.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { writeCall } from '../../storage/write-call.js';
import type { EffectCall, EffectOutcome } from './effect-port.js';
import type { RunTokens } from './record-calls.js';
import { requestIdOf, textIn } from './record-values.js';

const permission = platformContract().method(Methods.createSyncRun.path)?.policy.permission ?? '';

/** Creates runs of mappings, in a transaction of the caller. */
export abstract class SyncRunStarter {
  abstract create(em: EntityManager, jobs: JobQueue, request: CreateSyncRunRequest): Promise<SyncRun>;
}

interface Parts {
  orm: MikroORM;
  jobs: JobQueue;
  starter: SyncRunStarter;
  envelope: SecretEnvelope;
  tokens: RunTokens;
  principals: PrincipalVerifier;
}

/** Starts the run of a mapping for a step `connector`, once, as the principal of the run. */
export class ConnectorEffect {
  constructor(private readonly parts: Parts) {}

  /** @throws AppError */
  async perform({ tenantId, principalId, runId, effectKey, hop, input }: EffectCall): Promise<EffectOutcome> {
    const { orm, jobs, starter, envelope, tokens, principals } = this.parts;
    const caller = await principals.verify(await tokens.of(tenantId, principalId));
    if (!allows(caller.permissions, permission)) throw permissionMissing(permission);
    const cause = { origin: flowOrigin, causationId: runId, hop: Math.max(hop, 1) };
    return callContext.run({ requestId: randomUUID(), caller, cause }, async () => {
      const em = orm.em.fork({ session: { variables: callVariables() } });
      const request: CreateSyncRunRequest = {
        syncRun: SyncRun.fromPartial({ mappingId: textIn(input, 'mappingId'), kind: SyncRunKind.EXCHANGE }),
        requestId: requestIdOf(effectKey),
      };
      const run = await writeCall(em, envelope, Methods.createSyncRun, request, (transaction) =>
        starter.create(transaction, jobs, request),
      );
      return { output: { syncRunId: run.id }, undo: { kind: 'CONNECTOR' } };
    });
  }
}
