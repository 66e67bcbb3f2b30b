import type { EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import type {
  Association as AssociationMessage,
  CreateAssociationRequest,
  DeleteAssociationRequest,
  UpdateAssociationRequest,
} from '@rapport/contracts/rapport/customers/v1/associations_service';
import { checkEtag } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { associationContent, associationMessage } from './association-message.js';
import { findShown } from './find-association.js';

const updatable: Updatable<'role' | 'labels'> = {
  name: 'association',
  noun: 'an association',
  fields: ['role', 'labels'],
  fixed: {
    fromCustomerId: 'IMMUTABLE',
    type: 'IMMUTABLE',
    toCustomerId: 'IMMUTABLE',
    id: 'OUTPUT_ONLY',
    etag: 'OUTPUT_ONLY',
    createTime: 'OUTPUT_ONLY',
    updateTime: 'OUTPUT_ONLY',
  },
};

/** Creates the link of a request. Runs in a transaction, as all here. */
export async function createAssociation(
  em: EntityManager,
  request: CreateAssociationRequest,
): Promise<AssociationMessage> {
  const wanted = sent(request);
  const content = associationContent(wanted);
  await checkCustomers(em, wanted);
  const { tenantId } = currentCaller();
  const id = uuidv7();
  const now = new Date().toISOString();
  // Waits for a running transaction that makes the same link.
  const made = await em.execute<unknown[]>(
    `insert into customer_association
       (tenant_id, id, from_customer_id, type, to_customer_id, role, labels, version, create_time, update_time)
     values (?, ?, ?, ?, ?, ?, array (select jsonb_array_elements_text(?)), 1, ?, ?)
     on conflict (tenant_id, from_customer_id, type, to_customer_id) do nothing
     returning id`,
    [
      tenantId,
      id,
      wanted.fromCustomerId,
      wanted.type,
      wanted.toCustomerId,
      content.role ?? null,
      JSON.stringify(content.labels),
      now,
      now,
    ],
  );
  if (made.length === 0) throw await existsError(em, wanted);
  return associationMessage(await findShown(em, id));
}

export async function updateAssociation(
  em: EntityManager,
  request: UpdateAssociationRequest,
): Promise<AssociationMessage> {
  const changes = sent(request);
  const mask = readMask(request.updateMask, updatable);
  const association = await findShown(em, request.id, true);
  checkEtag(request.etag, association.version);
  const before = associationMessage(association);
  const content = associationContent({
    ...before,
    ...(mask.includes('role') ? { role: changes.role } : {}),
    ...(mask.includes('labels') ? { labels: changes.labels } : {}),
  });
  if (JSON.stringify(content) === JSON.stringify(associationContent(before))) return before;
  em.assign(association, { ...content, version: association.version + 1, updateTime: new Date() });
  await em.flush();
  return associationMessage(association);
}

export async function deleteAssociation(
  em: EntityManager,
  request: DeleteAssociationRequest,
): Promise<AssociationMessage> {
  const association = await findShown(em, request.id, true);
  checkEtag(request.etag, association.version);
  const ended = associationMessage(association);
  em.remove(association);
  await em.flush();
  return ended;
}

function sent({ association }: { association?: AssociationMessage | undefined }): AssociationMessage {
  if (association) return association;
  throw invalidArgument([{ field: 'association', reason: 'REQUIRED', description: 'is required' }]);
}

/** The lock keeps both customers live until the link is there, and a merge of one of them waits for it. */
async function checkCustomers(em: EntityManager, { fromCustomerId, toCustomerId }: AssociationMessage): Promise<void> {
  if (fromCustomerId === toCustomerId) {
    const description = 'must be another customer than fromCustomerId';
    throw invalidArgument([{ field: 'association.toCustomerId', reason: 'SELF_LINK', description }]);
  }
  const rows = await em.execute<{ id: string }[]>(
    `select id from customer where tenant_id = ? and id in (?) and delete_time is null order by id for share`,
    [currentCaller().tenantId, [fromCustomerId, toCustomerId]],
  );
  const found = new Set(rows.map(({ id }) => id));
  const violations = Object.entries({ fromCustomerId, toCustomerId }).flatMap(([field, id]): FieldViolation[] =>
    found.has(id)
      ? []
      : [
          {
            field: `association.${field}`,
            reason: 'CUSTOMER_NOT_FOUND',
            description: 'must be the id of a live customer',
          },
        ],
  );
  if (violations.length > 0) throw invalidArgument(violations);
}

async function existsError(em: EntityManager, wanted: AssociationMessage): Promise<AppError> {
  // A statement of its own: it sees what the transaction that we waited for has committed.
  const [link] = await em.execute<{ id: string }[]>(
    `select id from customer_association
     where tenant_id = ? and from_customer_id = ? and type = ? and to_customer_id = ?`,
    [currentCaller().tenantId, wanted.fromCustomerId, wanted.type, wanted.toCustomerId],
  );
  if (link) {
    const message = 'The customers are linked by this type in this direction already.';
    return new AppError('ALREADY_EXISTS', 'ASSOCIATION_EXISTS', message, { metadata: { associationId: link.id } });
  }
  return new AppError('ABORTED', 'CONCURRENT_WRITE', 'Another write was in the way. Try again.', {
    retryAfterSeconds: 1,
  });
}
