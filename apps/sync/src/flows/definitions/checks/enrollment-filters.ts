import type { FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import { AppError, currentCaller } from '@rapport/platform';
import { lastingPrincipal } from '../../../exchange/connections/check-rights.js';
import type { RecordCalls } from '../../effects/record-calls.js';
import { isCode } from '../../effects/record-calls.js';
import { stepType } from '../../effects/record-methods.js';
import { enteringType } from '../../enrollments/enter-flow.js';
import type { Fault } from './faults.js';

const callMs = 10_000;

/** Checks what a definition says about customers and segments, as its caller sees them. */
export class EnrollmentFilters {
  constructor(private readonly calls: RecordCalls) {}

  /** @throws AppError PERMISSION_DENIED for records that the caller may not see */
  async faults(definition: FlowDefinition): Promise<Fault[]> {
    const { goal, exit } = definition.enrollment ?? {};
    const found = await Promise.all([
      this.#filterFaults('goal', goal),
      this.#filterFaults('exit', exit),
      this.#segmentFaults(definition),
    ]);
    return found.flat();
  }

  async #filterFaults(name: string, filter: string | undefined): Promise<Fault[]> {
    if (filter === undefined) return [];
    try {
      await this.#ask('list', enteringType, { filter, pageSize: 1 });
      return [];
    } catch (error) {
      if (!(error instanceof AppError) || error.violations.length === 0) throw error;
      return error.violations.map(({ reason, description }) => ({ path: ['enrollment', name], reason, description }));
    }
  }

  async #segmentFaults({ trigger }: FlowDefinition): Promise<Fault[]> {
    if (!trigger?.segment) return [];
    const { segmentId: id } = trigger.segment;
    try {
      await this.#ask('get', 'segment', { id });
      return [];
    } catch (error) {
      if (!isCode(error, 'NOT_FOUND')) throw error;
      const path = ['trigger', 'segment', 'segmentId'];
      return [{ path, reason: 'SEGMENT_UNKNOWN', description: 'must be the id of a segment' }];
    }
  }

  #ask(verb: 'get' | 'list', type: string, request: { id: string } | { filter: string; pageSize: number }) {
    const acting = { tenantId: currentCaller().tenantId, principalId: lastingPrincipal(), runId: '', hop: 0 };
    return this.calls.ask(stepType(type).method(verb), request, acting, AbortSignal.timeout(callMs));
  }
}
