import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { LeadStatus, type Lead } from '@rapport/contracts/rapport/sales/v1/lead';
import type {
  DisqualifyLeadRequest,
  LeadQualification,
  QualifyLeadRequest,
  QualifyLeadResponse,
  ReopenLeadRequest,
} from '@rapport/contracts/rapport/sales/v1/lead_work_service';
import { StageKind, type Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { beyondScope, type StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller, invalidField } from '@rapport/platform';
import { liveRecord } from '../../engine/records/missing-record.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { checkNamedOwners } from '../../engine/records/scope/named-owners.js';
import { checkRequest } from '../../engine/values/contract.js';
import { changeRecord, createRecord, readForChange, type Known } from '../../engine/write/write-record.js';
import { deals } from '../deals/deals.js';
import { pipelines } from '../pipelines/pipelines.js';
import { within } from '../../engine/values/within.js';
import { leads } from './leads.js';

/**
 * Handles QualifyLead. The lead is locked until the deal is stored, so that parallel calls find its deal: a lead gets one deal, however
 * often the call is repeated.
 */
export async function qualifyLead(
  transaction: StatementTransaction,
  { id, qualification, etag }: QualifyLeadRequest,
): Promise<QualifyLeadResponse> {
  if (!qualification) throw invalidField('qualification', 'REQUIRED', 'is required');
  const { before, known } = await lockLead(transaction, id);
  if (before.status === LeadStatus.QUALIFIED) {
    const deal = before.dealId === undefined ? undefined : await findDeal(transaction, before.dealId);
    return { lead: before, deal, created: false };
  }
  if (before.status === LeadStatus.UNQUALIFIED) throw disqualified();
  const deal = await dealOf(transaction, before, qualification);
  const changes = { ...before, status: LeadStatus.QUALIFIED, dealId: deal.id };
  const lead = await changeRecord(transaction, leads, before, known, { changes, mask: ['status', 'dealId'], etag });
  return { lead, deal, created: qualification.dealId === undefined };
}

/** Handles DisqualifyLead. */
export async function disqualifyLead(
  transaction: StatementTransaction,
  { id, disqualification, etag }: DisqualifyLeadRequest,
): Promise<Lead> {
  const { before, known } = await lockLead(transaction, id);
  if (!disqualification) throw invalidField('disqualification', 'REQUIRED', 'is required');
  if (before.status === LeadStatus.QUALIFIED) throw qualified();
  const { reason: disqualifyReason } = disqualification;
  const changes = { ...before, status: LeadStatus.UNQUALIFIED, disqualifyReason };
  return changeRecord(transaction, leads, before, known, { changes, mask: ['status', 'disqualifyReason'], etag });
}

/** Handles ReopenLead. */
export async function reopenLead(transaction: StatementTransaction, { id, etag }: ReopenLeadRequest): Promise<Lead> {
  const { before, known } = await lockLead(transaction, id);
  const { status, dealId } = before;
  if (status !== LeadStatus.QUALIFIED && status !== LeadStatus.UNQUALIFIED) return before;
  if (dealId !== undefined && (await isLive(transaction, dealId))) throw qualified();
  const changes = { ...before, status: LeadStatus.WORKING, dealId: undefined, disqualifyReason: undefined };
  const mask = ['status', 'dealId', 'disqualifyReason'];
  return changeRecord(transaction, leads, before, known, { changes, mask, etag });
}

/** A live lead with its row locked, and its customer, which other writers lock first. */
async function lockLead(transaction: StatementTransaction, id: string): Promise<{ before: Lead; known: Known }> {
  transaction.later({
    name: 'lock_customer_of_lead',
    sql: `select from customer where tenant_id = $1 and id = (
      select customer_id from lead where tenant_id = $1 and id = $2) for share`,
    values: [currentCaller().tenantId, id],
  });
  const { record, ...known } = await readForChange(transaction, leads, id);
  return { before: await liveRecord(transaction, leads, id, record), known };
}

async function dealOf(
  transaction: StatementTransaction,
  lead: Lead,
  { deal: given, dealId }: LeadQualification,
): Promise<Deal> {
  if (given && dealId !== undefined) {
    throw invalidField('qualification.dealId', 'CONFLICTING_FIELDS', 'can not be set together with deal');
  }
  if (dealId !== undefined) {
    const found = await findDeal(transaction, dealId);
    if (found) return found;
    throw invalidField('qualification.dealId', 'DEAL_NOT_FOUND', 'must be the id of a live deal');
  }
  if (!given) throw invalidField('qualification.deal', 'REQUIRED', 'is required, unless dealId is set');
  // The stage has a default too, which needs the pipeline: only what the caller must send is reported.
  if (given.pipelineId === '') throw invalidField('qualification.deal.pipelineId', 'REQUIRED', 'is required.');
  const deal = await withDefaults(transaction, lead, given);
  return within({ deal: 'qualification.deal' }, async () => {
    checkRequest(deals.method('create').path, { deal });
    await checkNamedOwners(deals, given);
    return createRecord(transaction, deals, { deal } as object);
  });
}

async function withDefaults(transaction: StatementTransaction, lead: Lead, given: Deal): Promise<Deal> {
  const { pipelineId } = given;
  const stage = given.stage === '' && pipelineId !== '' ? await firstStage(transaction, pipelineId) : given.stage;
  return {
    ...given,
    stage,
    title: given.title === '' ? (lead.company ?? '') : given.title,
    customerId: lead.customerId,
    amount: given.amount ?? lead.expectedAmount,
    ownerId: given.ownerId ?? lead.ownerId,
    ownerTeamId: given.ownerTeamId ?? lead.ownerTeamId,
  };
}

/** The first open stage of a pipeline. Another key is refused like that of a pipeline that is missing. */
async function firstStage(transaction: StatementTransaction, pipelineId: string): Promise<string> {
  const rows = await transaction.rows<StoredRecord<Pipeline>>(liveRecords(pipelines, [pipelineId]));
  const [pipeline] = await openStored(pipelines, rows);
  return pipeline?.stages.find(({ kind }) => kind === StageKind.OPEN)?.key ?? 'new';
}

async function findDeal(transaction: StatementTransaction, id: string): Promise<Deal | undefined> {
  const [deal] = await openStored(deals, await transaction.rows<StoredRecord<Deal>>(liveRecords(deals, [id])));
  return deal;
}

/** Whether a deal is live, even one that the caller cannot see. */
async function isLive(transaction: StatementTransaction, dealId: string): Promise<boolean> {
  const [, rows = []] = await transaction.run(beyondScope, {
    name: 'deal_of_lead_is_live',
    sql: 'select from deal where tenant_id = $1 and id = $2 and delete_time is null for share',
    values: [currentCaller().tenantId, dealId],
  });
  return rows.length > 0;
}

function qualified(): AppError {
  const message = 'The lead is qualified. Delete its deal and reopen it first.';
  return new AppError('FAILED_PRECONDITION', 'LEAD_QUALIFIED', message);
}

function disqualified(): AppError {
  return new AppError('FAILED_PRECONDITION', 'LEAD_DISQUALIFIED', 'The lead is disqualified. Reopen it first.');
}
