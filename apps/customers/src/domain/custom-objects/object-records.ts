import type { ObjectRecord } from '@rapport/contracts/rapport/objects/v1/object_record';
import { ObjectRecordsServiceService } from '@rapport/contracts/rapport/objects/v1/object_records_service';
import { AppError, currentCaller } from '@rapport/platform';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** The records of custom objects. For callers, each object's records are a type of their own. */
export const objectRecords = defineRecord<ObjectRecord>('rapport/ObjectRecord', ObjectRecordsServiceService, {
  indexVersion: 1,
  parent: {
    find: (key) => ({
      name: 'custom_object_of_key',
      // Only live objects claim unique values.
      sql: `select true as live from custom_object_key where tenant_id = $1 and type = 'KEY' and value = $2`,
      values: [currentCaller().tenantId, key],
      isQuick: true,
    }),
    list: () => ({
      name: 'keys_of_custom_objects',
      sql: `select value as key from custom_object_key where tenant_id = $1 and type = 'KEY'`,
      values: [currentCaller().tenantId],
    }),
    missing: () => new AppError('NOT_FOUND', 'OBJECT_NOT_FOUND', 'There is no such object, or it is deleted.'),
  },
});

export const ObjectRecordsController = recordController(objectRecords, ObjectRecordsServiceService);
