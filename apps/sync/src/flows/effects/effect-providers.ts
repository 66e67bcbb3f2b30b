import type { Provider } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { ContractClient, PrincipalVerifier } from '@rapport/contracts';
import { tenantSession } from '@rapport/persistence';
import { PrincipalTokens } from '../../exchange/customers/principal-tokens.js';
import { JsonataEvaluator } from '../../exchange/mappings/jsonata-evaluator.js';
import type { OutgoingHttp } from '../../outgoing-http/outgoing-http.js';
import { JobQueue } from '../../storage/job-queue.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { findFlowSecret } from '../secrets/find-secret.js';
import { CalendarClock } from './calendar-clock.js';
import { ConnectorEffect, SyncRunStarter } from './connector-effect.js';
import { HttpEffect } from './http-effect.js';
import { RecordCalls } from './record-calls.js';
import { RunEffects } from './run-effects.js';

export interface EffectOptions {
  auth: Pick<ContractClient, 'unary' | 'close'>;
  customers: Pick<ContractClient, 'unary'>;
  envelope: SecretEnvelope;
  http: OutgoingHttp;
  principals: PrincipalVerifier;
  rightsKeptMs: number;
}

/** What steps of runs do outside of their run. */
export function effectProviders(options: EffectOptions): Provider[] {
  const { auth, customers, envelope, http, principals, rightsKeptMs } = options;
  // A run may act as any principal that exists: each call checks its permissions.
  const tokens = new PrincipalTokens(auth, principals, rightsKeptMs, () => undefined);
  const calls = new RecordCalls(customers, tokens);
  return [
    { provide: RecordCalls, useValue: calls },
    { provide: CalendarClock, useValue: new CalendarClock(calls) },
    {
      provide: RunEffects,
      useFactory: (orm: MikroORM, jobs: JobQueue, evaluator: JsonataEvaluator, starter: SyncRunStarter) => {
        const read = (tenantId: string, name: string) =>
          findFlowSecret(orm.em.fork({ session: tenantSession(tenantId) }), envelope, tenantId, name);
        const connector = new ConnectorEffect({ orm, jobs, starter, envelope, tokens, principals });
        return new RunEffects(calls, new HttpEffect(http, { read }, envelope), connector, evaluator);
      },
      inject: [MikroORM, JobQueue, JsonataEvaluator, SyncRunStarter],
    },
  ];
}
