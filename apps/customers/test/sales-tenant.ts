import { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { Lead } from '@rapport/contracts/rapport/sales/v1/lead';
import {
  Guard,
  GuardKind,
  Pipeline,
  Stage,
  StageKind,
  StageTransitions,
} from '@rapport/contracts/rapport/sales/v1/pipeline';
import { Quota } from '@rapport/contracts/rapport/sales/v1/quota';
import type { StageEntry } from '@rapport/contracts/rapport/sales/v1/stage_entry';
import type { Assignment } from '@rapport/contracts/rapport/work/v1/assignment';
import { AssignmentMethod, AssignmentRule } from '@rapport/contracts/rapport/work/v1/assignment_rule';
import { newCaller, type SharedCustomers } from './running-customers.js';

/** A tenant of its own with deals, and the responses of its calls. */
export class SalesTenant {
  constructor(
    readonly service: SharedCustomers,
    readonly caller = newCaller(),
  ) {}

  createPipeline(given: Partial<Pipeline> = {}): Promise<Pipeline> {
    return this.service.call('createPipeline', { pipeline: pipeline(given) }, this.caller);
  }

  createDeal({ id: pipelineId }: Pipeline, given: Partial<Deal> = {}): Promise<Deal> {
    return this.service.call('createDeal', { deal: deal({ pipelineId, ...given }) }, this.caller);
  }

  createQuota(given: Partial<Quota> = {}): Promise<Quota> {
    const quota = { ...blankQuota, period: '2026', amount: { currencyCode: 'EUR', amount: '100' }, ...given };
    return this.service.call('createQuota', { quota }, this.caller);
  }

  updateDeal(id: string, changes: Partial<Deal>): Promise<Deal> {
    return this.service.call('updateDeal', { id, deal: deal(changes), updateMask: Object.keys(changes) }, this.caller);
  }

  async deals(filter: string, orderBy?: string): Promise<string[]> {
    const { deals } = await this.service.call('listDeals', { filter, orderBy, pageSize: 200 }, this.caller);
    return deals.map(({ title }) => title);
  }

  createLead(customerId: string, given: Partial<Lead> = {}): Promise<Lead> {
    return this.service.call('createLead', { lead: lead({ customerId, ...given }) }, this.caller);
  }

  updateLead(id: string, changes: Partial<Lead>): Promise<Lead> {
    return this.service.call('updateLead', { id, lead: lead(changes), updateMask: Object.keys(changes) }, this.caller);
  }

  async leads(): Promise<Lead[]> {
    return (await this.service.call('listLeads', { orderBy: 'createTime', pageSize: 200 }, this.caller)).leads;
  }

  createRule(userIds: readonly string[], given: Partial<AssignmentRule> = {}): Promise<AssignmentRule> {
    return this.service.call('createAssignmentRule', { assignmentRule: rule(userIds, given) }, this.caller);
  }

  /** Oldest first. */
  async assignments(filter = ''): Promise<Assignment[]> {
    const request = { filter, orderBy: 'createTime', pageSize: 200 };
    return (await this.service.call('listAssignments', request, this.caller)).assignments;
  }

  async entriesOf({ id }: Deal): Promise<StageEntry[]> {
    const request = { filter: `deal_id = ${id}`, orderBy: 'enter_time' };
    return (await this.service.call('listStageEntries', request, this.caller)).stageEntries;
  }
}

const blankDeal = Deal.decode(new Uint8Array());

const blankQuota = Quota.decode(new Uint8Array());
const blankStage = Stage.decode(new Uint8Array());

export function deal(given: Partial<Deal> = {}): Deal {
  return { ...blankDeal, title: 'A deal', stage: 'new', ...given };
}

const blankLead = Lead.decode(new Uint8Array());

export function lead(given: Partial<Lead> = {}): Lead {
  return { ...blankLead, ...given };
}

/** A round robin of leads. */
export function rule(userIds: readonly string[], given: Partial<AssignmentRule> = {}): AssignmentRule {
  return {
    ...AssignmentRule.decode(new Uint8Array()),
    ...{ name: 'Leads', recordType: 'lead', method: AssignmentMethod.ROUND_ROBIN },
    members: userIds.map((userId) => ({
      userId,
      weight: undefined,
      capacity: undefined,
      paused: false,
      calendarId: undefined,
    })),
    ...given,
  };
}

/** With the stages new, proposal, won and lost; a proposal requires an amount, and a lost deal a reason. */
export function pipeline(given: Partial<Pipeline> = {}): Pipeline {
  return {
    ...Pipeline.decode(new Uint8Array()),
    name: 'New business',
    stages: [
      stage('new', StageKind.OPEN),
      stage('proposal', StageKind.OPEN, ['amount']),
      stage('won', StageKind.WON, ['amount', 'closeDate']),
      stage('lost', StageKind.LOST, ['lostReason']),
    ],
    transitions: StageTransitions.ANY,
    ...given,
  };
}

export function stage(key: string, kind: StageKind, fields: string[] = []): Stage {
  const guards = fields.length === 0 ? [] : [guard(GuardKind.FIELDS, { fields })];
  return { ...blankStage, key, name: key, kind, guards };
}

export function guard(kind: GuardKind, given: Partial<Guard> = {}): Guard {
  return { ...Guard.decode(new Uint8Array()), kind, ...given };
}
