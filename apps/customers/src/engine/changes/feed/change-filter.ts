import { invalidArgument, permissionMissing, type FieldViolation, type ViolationCode } from '@rapport/platform';
import { allTenants } from '@rapport/contracts';
import type { ChangeEntry } from '../log/change-entry.js';
import type { LoggedTypes } from '../log/logged-types.js';

/** The changes that a reader requests. */
export interface ChangeFilter {
  /** Absent for the platform itself, which reads the changes of all tenants. */
  tenantId: string | undefined;
  types: readonly string[];
  /** JSON names. */
  fields: readonly string[];
  /** The types and permissions of the reader. Absent for the platform itself, which requests no fields. */
  reader?: { types: LoggedTypes; permissions: readonly string[] };
}

/** @throws AppError INVALID_ARGUMENT that names each unknown type and field */
export function checkFilter(
  { names, fieldNames }: LoggedTypes,
  { types, fields }: Pick<ChangeFilter, 'types' | 'fields'>,
): void {
  const violations: FieldViolation[] = [
    ...types.flatMap((type, index) =>
      names.includes(type) ? [] : [unknown(`types[${index}]`, 'RECORD_TYPE_UNKNOWN', names.join(', '))],
    ),
    ...fields.flatMap((field, index) =>
      fieldNames.has(field) ? [] : [unknown(`fields[${index}]`, 'UNKNOWN_FIELD', 'the name of a field of a record')],
    ),
  ];
  if (violations.length > 0) throw invalidArgument(violations);
}

/**
 * The types of a filter for a caller with `permissions`: by default, all that it can read.
 *
 * @throws AppError PERMISSION_DENIED for a type that the caller cannot read
 */
export function readableTypes(
  logged: LoggedTypes,
  types: readonly string[],
  permissions: readonly string[],
): readonly string[] {
  const mayRead = (type: string) => permissions.includes(logged.readPermission(type));
  const refused = types.find((type) => !mayRead(type));
  if (refused !== undefined) throw permissionMissing(logged.readPermission(refused));
  return types.length > 0 || logged.names.every(mayRead) ? types : logged.names.filter(mayRead);
}

/** Whether a change meets a filter. */
export function matcher({ tenantId, types, fields, reader }: ChangeFilter): (entry: ChangeEntry) => boolean {
  const wantedTypes = types.length > 0 ? new Set(types) : undefined;
  return (entry) => {
    if (tenantId !== undefined && entry.tenant_id !== tenantId && entry.tenant_id !== allTenants) return false;
    if (wantedTypes && !wantedTypes.has(entry.type)) return false;
    if (!reader) return true;
    if (!reader.types.isReadable(entry, reader.permissions)) return false;
    // Creating, removing or restoring a record affects all of its fields.
    if (fields.length === 0 || entry.operation !== 'UPDATE' || entry.changed_fields === null) return true;
    return reader.types.changedFields(entry.type, entry.changed_fields).some((field) => fields.includes(field));
  };
}

/** Equal for filters of equal meaning: the binding of a cursor. */
export function filterKey({ tenantId, types, fields }: ChangeFilter): string {
  return JSON.stringify(['changes', tenantId ?? null, [...new Set(types)].sort(), [...new Set(fields)].sort()]);
}

function unknown(field: string, reason: ViolationCode, choice: string): FieldViolation {
  return { field, reason, description: `must be ${choice.includes(',') ? 'one of ' : ''}${choice}` };
}
