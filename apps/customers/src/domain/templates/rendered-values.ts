import type { EntityManager } from '@mikro-orm/postgresql';
import type { RenderedRecord } from '@rapport/contracts/rapport/content/v1/template_actions_service';
import { readForTenant } from '@rapport/persistence';
import { currentCaller, invalidField, permissionMissing } from '@rapport/platform';
import { permissionOf } from '../../engine/fields/record-names.js';
import { recordTypes, type RecordType } from '../../engine/fields/record-type.js';
import { recordValue } from '../../engine/query/record-json.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';

/**
 * Records as values of templates, by the names of their types, as the caller sees them.
 *
 * @throws AppError INVALID_ARGUMENT for a record that there is not, PERMISSION_DENIED without the permission to read it
 */
export async function valuesOf(
  em: EntityManager,
  records: readonly RenderedRecord[],
): Promise<Record<string, Record<string, unknown>>> {
  const values: Record<string, Record<string, unknown>> = {};
  for (const [index, { type: plural, id }] of records.entries()) {
    const field = `rendering.records[${index}]`;
    const type = readableType(plural, `${field}.type`);
    if (type.singular in values) throw invalidField(`${field}.type`, 'DUPLICATE', 'must not be there twice');
    const stored = await readForTenant<StoredRecord>(em, liveRecords(type, [id]));
    const [record] = await openStored(type, stored);
    if (!record) throw invalidField(`${field}.id`, 'RECORD_NOT_FOUND', `must be the id of a live ${type.singular}`);
    values[type.singular] = recordValue(type, record);
  }
  return values;
}

function readableType(plural: string, field: string): RecordType {
  const type = [...recordTypes()].find((each) => each.plural === plural && each.contract.parent === undefined);
  if (!type) throw invalidField(field, 'RECORD_TYPE_UNKNOWN', 'must be the plural of a type of records');
  const permission = permissionOf(type, 'read');
  if (!currentCaller().permissions.includes(permission)) throw permissionMissing(permission);
  return type;
}
