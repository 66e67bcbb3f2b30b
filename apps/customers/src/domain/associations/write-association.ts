import type { EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import type {
  Association as AssociationMessage,
  CreateAssociationRequest,
  DeleteAssociationRequest,
  UpdateAssociationRequest,
} from '@rapport/contracts/rapport/customers/v1/associations_service';
import { checkEtag, queryRows } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { customerLinks, recordLinks, type LinkTable } from '../../engine/records/referring/link-tables.js';
import { sameValue } from '../../engine/values/same-value.js';
import { lockEnds, wantedEnds, type WantedEnd } from './association-ends.js';
import { associationContent, associationMessage } from './association-message.js';
import { checkRights, findAssociation } from './stored-associations.js';

const updatable: Updatable<'role' | 'labels'> = {
  name: 'association',
  noun: 'an association',
  fields: ['role', 'labels'],
  fixed: {
    fromCustomerId: 'IMMUTABLE',
    type: 'IMMUTABLE',
    toCustomerId: 'IMMUTABLE',
    from: 'IMMUTABLE',
    to: 'IMMUTABLE',
    id: 'OUTPUT_ONLY',
    etag: 'OUTPUT_ONLY',
    createTime: 'OUTPUT_ONLY',
    updateTime: 'OUTPUT_ONLY',
  },
};

/** Most associations of a record with records of other types: as many as a merge can move. */
const maxOfRecord = 10_000;

/** An association to create, and its table. */
interface WantedLink {
  links: LinkTable;
  from: WantedEnd;
  type: string;
  to: WantedEnd;
}

/** Creates the association of a request. Runs in a transaction, like every function here. */
export async function createAssociation(
  em: EntityManager,
  request: CreateAssociationRequest,
): Promise<AssociationMessage> {
  const sentLink = sent(request);
  const content = associationContent(sentLink);
  const { from, to } = wantedEnds(sentLink);
  checkRights([from.type.table, to.type.table], 'write');
  await lockEnds(em, [from, to]);
  const areCustomers = from.type === customerType() && to.type === customerType();
  const wanted = { links: areCustomers ? customerLinks : recordLinks, from, type: sentLink.type, to };
  if (!areCustomers) await checkRoom(em, [from, to]);
  const id = uuidv7();
  const { table, from: fromColumn, to: toColumn, types } = wanted.links;
  const typeValues: Record<LinkTable['types'][number], string> = { from_type: from.type.table, to_type: to.type.table };
  const values = [currentCaller().tenantId, id, from.id, sentLink.type, to.id, content.role, content.labels];
  // Waits for a running transaction that creates the same association.
  const made = await queryRows(em, {
    name: `create_${table}`,
    sql: `insert into ${table} (tenant_id, id, ${fromColumn}, type, ${toColumn}, role, labels, version, create_time, update_time
        ${types.map((column) => `, ${column}`).join('')})
      values ($1, $2, $3, $4, $5, $6, $7::text[], 1, $8, $8 ${types.map((_, index) => `, $${index + 9}`).join('')})
      on conflict do nothing
      returning id`,
    values: [...values, new Date().toISOString(), ...types.map((column) => typeValues[column])],
  });
  if (made.length === 0) throw await existsError(em, wanted);
  return associationMessage(await findAssociation(em, id, 'read'));
}

export async function updateAssociation(
  em: EntityManager,
  request: UpdateAssociationRequest,
): Promise<AssociationMessage> {
  const changes = sent(request);
  const mask = readMask(request.updateMask, updatable);
  const association = await findAssociation(em, request.id, 'write');
  checkEtag(request.etag, association.version);
  const before = associationMessage(association);
  const content = associationContent({
    role: mask.includes('role') ? changes.role : before.role,
    labels: mask.includes('labels') ? changes.labels : before.labels,
  });
  if (sameValue(content, associationContent(before))) return before;
  await queryRows(em, {
    name: `update_${association.table}`,
    sql: `update ${association.table} set role = $3, labels = $4::text[], version = version + 1, update_time = $5
      where tenant_id = $1 and id = $2`,
    values: [currentCaller().tenantId, request.id, content.role, content.labels, new Date().toISOString()],
  });
  return associationMessage(await findAssociation(em, request.id, 'read'));
}

export async function deleteAssociation(
  em: EntityManager,
  request: DeleteAssociationRequest,
): Promise<AssociationMessage> {
  const association = await findAssociation(em, request.id, 'write');
  checkEtag(request.etag, association.version);
  await queryRows(em, {
    name: `delete_${association.table}`,
    sql: `delete from ${association.table} where tenant_id = $1 and id = $2`,
    values: [currentCaller().tenantId, request.id],
  });
  return associationMessage(association);
}

function sent({ association }: { association?: AssociationMessage | undefined }): AssociationMessage {
  if (association) return association;
  throw invalidArgument([{ field: 'association', reason: 'REQUIRED', description: 'is required' }]);
}

/**
 * Concurrent calls may exceed the limit by the number of associations they create.
 *
 * @throws AppError FAILED_PRECONDITION TOO_MANY_ASSOCIATIONS that names the record
 */
async function checkRoom(em: EntityManager, ends: readonly WantedEnd[]): Promise<void> {
  const { table, from, to } = recordLinks;
  const { tenantId } = currentCaller();
  for (const { type, id } of ends) {
    const of = (column: string) => `select id from ${table} where tenant_id = $1 and ${column} = $2`;
    const [row] = await queryRows<{ count: number }>(em, {
      name: `count_${table}`,
      sql: `select count(*)::int as count from (${of(from)} union all ${of(to)} limit ${maxOfRecord}) link`,
      values: [tenantId, id],
    });
    if ((row?.count ?? 0) < maxOfRecord) continue;
    const record = `${type.plural}/${id}`;
    const message = `${record} has ${maxOfRecord.toLocaleString('en')} associations with records of other types, which is the limit.`;
    throw new AppError('FAILED_PRECONDITION', 'TOO_MANY_ASSOCIATIONS', message, { metadata: { record } });
  }
}

async function existsError(em: EntityManager, { links, from, type, to }: WantedLink): Promise<AppError> {
  // A separate statement, so that it sees what the transaction that we waited for has committed.
  const [link] = await queryRows<{ id: string }>(em, {
    name: `same_${links.table}`,
    sql: `select id from ${links.table} where tenant_id = $1 and ${links.from} = $2 and type = $3 and ${links.to} = $4`,
    values: [currentCaller().tenantId, from.id, type, to.id],
  });
  if (link) {
    const message = 'An association of this type and direction already links the records.';
    return new AppError('ALREADY_EXISTS', 'ASSOCIATION_EXISTS', message, { metadata: { associationId: link.id } });
  }
  return new AppError('ABORTED', 'CONCURRENT_WRITE', 'The write conflicts with another one. Try again.', {
    retryAfterSeconds: 1,
  });
}
