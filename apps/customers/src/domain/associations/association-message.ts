import {
  AssociationsServiceService,
  type Association as AssociationMessage,
} from '@rapport/contracts/rapport/customers/v1/associations_service';
import { formatEtag } from '@rapport/persistence';
import { invalidArgument, type FieldViolation } from '@rapport/platform';
import { loggedColumns, type NamedRecord, type LoggedType } from '../../engine/changes/log/logged-types.js';
import type { StoredValues } from '../../engine/changes/log/stored-values.js';
import { recordName } from '../../engine/fields/record-names.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { customerLinks, recordLinks } from '../../engine/records/referring/link-tables.js';
import { methodDescriptor } from '../../engine/values/contract.js';
import type { StoredAssociation } from './stored-associations.js';

const descriptor = methodDescriptor(AssociationsServiceService.getAssociation.path).output;

const ends = ['from', 'to'] as const;

/** Associations in the change log. */
export const loggedAssociations: LoggedType = {
  name: 'association',
  table: customerLinks.table,
  tableBeside: recordLinks.table,
  descriptor,
  columns: loggedColumns(descriptor),
  scope: { by: 'RECORD', of: (values) => ends.flatMap((end) => recordAt(values, end) ?? []) },
  alsoRead: (values) => ends.flatMap((end) => recordAt(values, end) ?? []),
  withMade: (values) => ({
    ...values,
    ...Object.fromEntries(
      ends.filter((end) => hasEnd(values, end)).map((end) => [end, nameOf(recordAt(values, end)) ?? null]),
    ),
  }),
  empty: {},
};

/** Whether stored values, or names of changed columns, include the record at an end. */
function hasEnd(values: StoredValues, end: (typeof ends)[number]): boolean {
  return [customerLinks[end], recordLinks[end]].some((column) => Object.hasOwn(values, column));
}

function recordAt(values: StoredValues, end: (typeof ends)[number]): NamedRecord | undefined {
  const [customerId, id, type] = [customerLinks[end], recordLinks[end], `${end}_type`].map((column) => values[column]);
  if (typeof customerId === 'string') return { type: customerType().table, id: customerId };
  return typeof id === 'string' && typeof type === 'string' ? { type, id } : undefined;
}

function nameOf(record: NamedRecord | undefined): string | undefined {
  return record && recordName(record.type, record.id);
}

/** A stored association as its message of the contract. */
export function associationMessage(association: StoredAssociation): AssociationMessage {
  const { fromType, fromId, toType, toId } = association;
  const areCustomers = association.table === customerLinks.table;
  return {
    id: association.id,
    fromCustomerId: areCustomers ? fromId : undefined,
    type: association.type,
    toCustomerId: areCustomers ? toId : undefined,
    role: association.role ?? undefined,
    labels: association.labels,
    etag: formatEtag(association.version),
    createTime: new Date(association.createTime).toISOString(),
    updateTime: new Date(association.updateTime).toISOString(),
    from: recordName(fromType, fromId),
    to: recordName(toType, toId),
  };
}

/**
 * The role and labels of an association, ready to store: trimmed, without duplicate labels.
 *
 * @throws AppError INVALID_ARGUMENT that names each blank label
 */
export function associationContent({
  role,
  labels,
}: Pick<AssociationMessage, 'role' | 'labels'>): Pick<StoredAssociation, 'role' | 'labels'> {
  const trimmed = labels.map((label) => label.trim());
  const violations = trimmed.flatMap((label, index): FieldViolation[] =>
    label === ''
      ? [{ field: `association.labels[${index}]`, reason: 'REQUIRED', description: 'must not be blank' }]
      : [],
  );
  if (violations.length > 0) throw invalidArgument(violations);
  const trimmedRole = role?.trim();
  return { role: trimmedRole === '' ? null : (trimmedRole ?? null), labels: [...new Set(trimmed)] };
}
