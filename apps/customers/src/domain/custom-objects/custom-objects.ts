import type { CustomObject } from '@rapport/contracts/rapport/objects/v1/custom_object';
import { CustomObjectsServiceService } from '@rapport/contracts/rapport/objects/v1/custom_objects_service';
import { isRefusal, type TransactionStatement } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { limitRecords } from '../../engine/write/limit-records.js';

const limit = { table: 'custom_object', most: 100, reason: 'TOO_MANY_OBJECTS', noun: 'custom objects' };

/** Custom objects: record types that a tenant defines. */
export const customObjects = defineRecord<CustomObject>('rapport/CustomObject', CustomObjectsServiceService, {
  indexVersion: 1,
  also: (changes) => {
    const live = changes.filter(({ before, after }) => isLive(after) && (!before || !isLive(before)));
    return live.length === 0 ? [] : [...limitRecords(live, limit), refuseKeptKeys(live)];
  },
});

export const CustomObjectsController = recordController(customObjects, CustomObjectsServiceService);

function isLive({ deleteTime }: CustomObject): boolean {
  return deleteTime === undefined;
}

/** Records of a deleted object can only be restored with it: another object cannot take its key. */
function refuseKeptKeys(changes: readonly RecordChange<CustomObject>[]): TransactionStatement {
  const reason = 'OBJECT_KEY_KEPT';
  const made = changes.map(({ after: { id, key } }) => ({ id, key }));
  return {
    name: 'refuse_kept_object_keys',
    sql: `select refuse_unless(not exists (
        select from jsonb_to_recordset($2) as made (id uuid, key text)
        join custom_object on custom_object.tenant_id = $1 and custom_object.key = made.key and custom_object.id <> made.id
      ), '${reason}')`,
    values: [currentCaller().tenantId, JSON.stringify(made)],
    explain: (error) =>
      isRefusal(error, reason)
        ? new AppError(
            'FAILED_PRECONDITION',
            reason,
            'A deleted object has this key. Restore it, or choose another key.',
          )
        : error,
  };
}
