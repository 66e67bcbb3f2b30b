import type { DealClone } from '@rapport/contracts/rapport/sales/v1/deal_copies_service';
import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { StageKind, type Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import type { StatementTransaction } from '@rapport/persistence';
import { invalidField } from '@rapport/platform';
import { CustomFields } from '../../engine/fields/custom-fields.js';
import type { RecordType } from '../../engine/fields/record-type.js';
import type { RecordMessage } from '../../engine/fields/record-definition.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { checkNamedOwners } from '../../engine/records/scope/named-owners.js';
import { checkRequest } from '../../engine/values/contract.js';
import { within } from '../../engine/values/within.js';
import { createRecord } from '../../engine/write/write-record.js';
import { withLiveProducts } from '../line-items/line-products.js';
import { pipelines } from '../pipelines/pipelines.js';
import { stageOfKind } from './close-deal.js';
import { deals } from './deals.js';
import { fieldsToSet } from './move-deal.js';

/** Creates a copy of a deal, which begins a life of its own: what happened to the deal stays with the deal. */
export async function cloneDeal(
  transaction: StatementTransaction,
  { id, clone }: { id: string; clone: DealClone | undefined },
): Promise<Deal> {
  if (!clone) throw invalidField('clone', 'REQUIRED', 'is required');
  const set = fieldsToSet(clone, 'clone');
  const source = await liveRecord(transaction, deals, id, await find(transaction, deals, id));
  const pipelineId = clone.pipelineId ?? source.pipelineId;
  const copied = await copyOf(transaction, source);
  const isCleared = 'customFields' in set && !set.customFields;
  const customFields = isCleared ? undefined : { ...copied.customFields, ...set.customFields };
  const stage = clone.stage ?? (await firstStage(transaction, pipelineId));
  const deal: Deal = { ...copied, ...set, customFields, pipelineId, stage };
  const places = { deal: 'clone.set', 'deal.pipelineId': 'clone.pipelineId', 'deal.stage': 'clone.stage' };
  return within(places, async () => {
    checkRequest(deals.method('create').path, { deal });
    await checkNamedOwners(deals, deal, { mask: Object.keys(set) });
    return createRecord(transaction, deals, { deal } as object);
  });
}

/** What a copy takes over. Other fields follow from these, or are of the deal alone. */
async function copyOf(transaction: StatementTransaction, source: Deal): Promise<Deal> {
  const { live } = await CustomFields.load(transaction, deals);
  const defined = new Set(live.map(({ key }) => key));
  const values = Object.entries(source.customFields ?? {}).filter(([key]) => defined.has(key));
  const given = deals.contract.fields.filter(({ writable }) => writable === 'ALWAYS').map(({ name }) => name);
  return {
    ...deals.empty(),
    ...Object.fromEntries(given.map((name) => [name, (source as unknown as Record<string, unknown>)[name]])),
    lineItems: await withLiveProducts(transaction, source.lineItems),
    customFields: values.length > 0 ? Object.fromEntries(values) : undefined,
    externalIds: [],
    lostReason: undefined,
  };
}

/** The first open stage of a pipeline. The creation refuses an empty key together with a pipeline that is missing. */
async function firstStage(transaction: StatementTransaction, pipelineId: string): Promise<string> {
  const pipeline = await find<Pipeline>(transaction, pipelines, pipelineId);
  if (!pipeline) return unknownStage;
  return stageOfKind(pipeline, StageKind.OPEN, { wanted: undefined, field: 'clone.stage' }).stage;
}

const unknownStage = 'new';

async function find<Message extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Message>,
  id: string,
): Promise<Message | undefined> {
  const [record] = await openStored(type, await transaction.rows<StoredRecord<Message>>(liveRecords(type, [id])));
  return record;
}
