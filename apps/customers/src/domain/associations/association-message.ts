import {
  AssociationsServiceService,
  type Association as AssociationMessage,
} from '@rapport/contracts/rapport/customers/v1/associations_service';
import { formatEtag } from '@rapport/persistence';
import { invalidArgument, type FieldViolation } from '@rapport/platform';
import { loggedColumns, type LoggedType } from '../../engine/changes/log/logged-types.js';
import { referencedId } from '../../engine/records/customers/customer.entity.js';
import { methodDescriptor } from '../../engine/values/contract.js';
import type { Association } from './association.entity.js';

const descriptor = methodDescriptor(AssociationsServiceService.getAssociation.path).output;

/** Links in the change log. */
export const loggedAssociations: LoggedType = {
  name: 'association',
  table: 'customer_association',
  descriptor,
  columns: loggedColumns(descriptor),
  scope: { by: 'RECORD', of: { from_customer_id: 'customer', to_customer_id: 'customer' } },
  empty: {},
};

/** A stored link as the contract shows it. */
export function associationMessage(association: Association): AssociationMessage {
  return {
    id: association.id,
    fromCustomerId: referencedId(association.from),
    type: association.type,
    toCustomerId: referencedId(association.to),
    role: association.role ?? undefined,
    labels: association.labels,
    etag: formatEtag(association.version),
    createTime: association.createTime.toISOString(),
    updateTime: association.updateTime.toISOString(),
  };
}

/**
 * What a link says beside the customers and its type, ready to store: trimmed, no label twice.
 *
 * @throws AppError INVALID_ARGUMENT that names each blank label
 */
export function associationContent({ role, labels }: AssociationMessage): Pick<Association, 'role' | 'labels'> {
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
