import { ForecastCategory } from '@rapport/contracts/rapport/sales/v1/forecast_category';
import type { Quota } from '@rapport/contracts/rapport/sales/v1/quota';
import { QuotasServiceService } from '@rapport/contracts/rapport/sales/v1/quotas_service';
import { normaliserOf } from '../../engine/fields/normalise-record.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { ownerOfNew } from '../../engine/records/scope/record-owner.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { recordContract } from '../../engine/values/contract.js';

const normalise = normaliserOf<Quota>(recordContract('rapport/Quota'));

/** Quotas: the amounts that owners, teams or the workspace are to sell in a period. */
export const quotas = defineRecord<Quota>('rapport/Quota', QuotasServiceService, {
  indexVersion: 1,
  // An upsert finds its quota by the key, so that a normalized quota already has it.
  normalise(sent, customFields, before) {
    const { record, violations } = normalise(sent, customFields, before);
    return { record: { ...record, key: keyOf(before ? record : { ...record, ...ownerOfNew(record) }) }, violations };
  },
  stamp: ({ before, after }) => (before ? { key: keyOf(after) } : {}),
});

export const QuotasController = recordController(quotas, QuotasServiceService);

function keyOf({ period, ownerId, ownerTeamId, category, amount }: Quota): string {
  const named = category === ForecastCategory.UNSPECIFIED ? undefined : ForecastCategory[category];
  return [period, ownerId, ownerTeamId, named, amount?.currencyCode].map((part) => part ?? '-').join('/');
}
