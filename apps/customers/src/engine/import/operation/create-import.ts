import type { EntityManager } from '@mikro-orm/postgresql';
import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { ListMode } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type {
  CreateImportRequest,
  ImportInput,
  Operation as OperationMessage,
} from '@rapport/contracts/rapport/customers/v1/operations_service';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { checkContentType } from '../files/read-file.js';
import { encryptedError } from '../../query/filter/refuse-sealed.js';
import { TenantEncryption } from '../../sealing/tenant-encryption.entity.js';
import { enqueue } from '../../operations/operation-jobs.js';
import { hasEnded, operationMessage } from '../../operations/operation-message.js';
import { Operation, operationStates } from '../../operations/operation.entity.js';
import { checkRules, type ImportRules } from './import-rules.js';
import { findMapping } from './import-mappings.js';

/** Most operations of a tenant that have not ended. Each may keep a file of 2 GiB. */
const maxOpen = 100;

/** What has been done when nothing has. */
export const noCounts = { rows: 0, created: 0, updated: 0, unchanged: 0, joined: 0, failed: 0, issues: 0, undone: 0 };

/** How long an operation waits for its file, in seconds. */
const waitSeconds = 24 * 60 * 60;

/**
 * Answers CreateImport, in the transaction of `em`.
 *
 * @throws AppError RESOURCE_EXHAUSTED TOO_MANY_OPERATIONS
 */
export async function createImport(em: EntityManager, request: CreateImportRequest): Promise<OperationMessage> {
  const input = request.import;
  if (!input) throw invalidArgument([{ field: 'import', reason: 'REQUIRED', description: 'is required.' }]);
  checkFileType(input.contentType);
  const { tenantId, principalId } = currentCaller();
  const rules = await readRules(em, input);
  await lockOperations(em, tenantId);
  await checkEncryption(em, tenantId);
  await checkRoom(em, tenantId);
  const operation = em.create(Operation, {
    tenantId,
    id: uuidv7(),
    kind: 'IMPORT',
    state: 'WAITING',
    input,
    rules,
    receivedBytes: 0,
    processedBytes: 0,
    counts: { ...noCounts },
    columns: [],
    createTime: new Date(),
    createdBy: principalId,
  });
  // A worker cancels what it finds still waiting.
  await enqueue(em, operation, waitSeconds);
  return operationMessage(operation);
}

/** Lets nobody else begin an operation of the tenant until the transaction ends. */
export async function lockOperations(em: EntityManager, tenantId: string): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`operation ${tenantId}`]);
}

/** Under the lock, so that no import begins beside the encryption, whose file would rest in plain text. */
async function checkEncryption(em: EntityManager, tenantId: string): Promise<void> {
  if (!(await em.findOne(TenantEncryption, { tenantId }))) return;
  throw encryptedError('Files can not be imported');
}

async function checkRoom(em: EntityManager, tenantId: string): Promise<void> {
  if ((await countOpen(em, tenantId)) < maxOpen) return;
  const message = `There are ${maxOpen} operations that have not ended. Cancel some, or wait.`;
  throw new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_OPERATIONS', message);
}

/** How many operations of a tenant have not ended. */
export async function countOpen(em: EntityManager, tenantId: string): Promise<number> {
  // Each that has not ended has a job, and few others have: a tenant's operations of all time need not be looked at.
  const [open] = await em.execute<{ count: number }[]>(
    `select count(*)::int as count
     from operation_job join operation on operation.tenant_id = operation_job.tenant_id and operation.id = operation_id
     where operation_job.tenant_id = ? and state in (?)`,
    [tenantId, operationStates.filter((state) => !hasEnded(state))],
  );
  return open?.count ?? 0;
}

function checkFileType(contentType: string): void {
  try {
    checkContentType(contentType);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'INVALID_ARGUMENT') throw error;
    throw invalidArgument(error.violations.map((violation) => ({ ...violation, field: 'import.contentType' })));
  }
}

async function readRules(em: EntityManager, input: ImportInput): Promise<ImportRules> {
  const { map, kind, externalIdSystem, defaultCountry, language, listMode, mapping } = input;
  if (mapping === undefined) {
    const rules = { map, kind, externalIdSystem, defaultCountry, language, listMode };
    await checkRules(em, rules, 'import');
    return rules;
  }
  const given = {
    map: map.length > 0,
    kind: kind !== CustomerKind.UNSPECIFIED,
    externalIdSystem: externalIdSystem !== undefined,
    defaultCountry: defaultCountry !== undefined,
    language: language !== undefined,
    listMode: listMode !== ListMode.UNSPECIFIED,
  };
  const both = Object.entries(given).filter(([, isGiven]) => isGiven);
  if (both.length > 0) {
    throw invalidArgument(
      both.map(([name]) => ({
        field: `import.${name}`,
        reason: 'NOT_ALLOWED',
        description: 'must not be set beside mapping, which says it.',
      })),
    );
  }
  return (await findMapping(em, mapping)).rules;
}
