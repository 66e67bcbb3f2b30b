import { ChangeOperation, type Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { allTenants } from '@rapport/contracts';
import type { ChangeEntry } from '../log/change-entry.js';
import type { LoggedTypes } from '../log/logged-types.js';
import type { StoredValues } from '../log/stored-values.js';

type Values = Record<string, unknown> | undefined;

/** A change without its values, for the platform's own processes. Its cursor is that of its message. */
export function bareChange(entry: ChangeEntry): Change {
  return {
    cursor: '',
    id: entry.id,
    tenantId: entry.tenant_id,
    type: entry.type,
    recordId: entry.record_id,
    version: entry.version,
    operation: ChangeOperation[entry.operation],
    time: new Date(entry.time_ms).toISOString(),
    changedFields: [],
    before: undefined,
    after: undefined,
    actor: entry.actor,
    origin: entry.origin,
    requestId: entry.request_id ?? undefined,
    causationId: entry.causation_id ?? undefined,
    hop: entry.hop,
    traceparent: entry.traceparent ?? undefined,
  };
}

/** A change with the changed values, in the names and shapes of the record's REST form. */
export function fullChange(types: LoggedTypes, entry: ChangeEntry): Change {
  return {
    ...bareChange(entry),
    changedFields: types.changedFields(entry.type, entry.changed_fields ?? []),
    before: before(types, entry),
    after: after(types, entry),
  };
}

/**
 * A change for a tenant's reader.
 *
 * @param cursor that continues after it
 */
export function tenantChange(types: LoggedTypes, entry: ChangeEntry, tenantId: string, cursor: string): Change {
  const change = fullChange(types, entry);
  return { ...change, cursor, tenantId: entry.tenant_id === allTenants ? tenantId : change.tenantId };
}

function before(types: LoggedTypes, { type, operation, changed_fields, before: values }: ChangeEntry): Values {
  if (values === null) return undefined;
  const stored = JSON.parse(values) as StoredValues;
  // Without a list of changed fields, the whole record was removed.
  return operation === 'DELETE' && changed_fields === null
    ? types.recordJson(type, stored)
    : types.fieldsJson(type, stored);
}

function after(types: LoggedTypes, { type, operation, after: values }: ChangeEntry): Values {
  if (values === null) return undefined;
  const stored = JSON.parse(values) as StoredValues;
  return operation === 'CREATE' || operation === 'UNDELETE'
    ? types.recordJson(type, stored)
    : types.fieldsJson(type, stored);
}
