import type { EntityManager } from '@mikro-orm/postgresql';
import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { ListMode } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type {
  CreateImportRequest,
  ImportInput,
  Operation as OperationMessage,
} from '@rapport/contracts/rapport/customers/v1/operations_service';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { checkContentType } from '../files/read-file.js';
import type { ImportTypes } from '../import-rules.js';
import { newOwnKey, type OwnKey } from '../../sealing/own-key.js';
import { sealMissing } from '../../sealing/sealed-messages.js';
import { TenantEncryption } from '../../sealing/tenant-encryption.entity.js';
import { countOpen, createOperation, lockOperations } from '../../operations/create-operation.js';
import { storedMessage } from '../../operations/operation-message.js';
import { findMapping } from './import-mappings.js';
import { checkAt, checkRules, importable, type MappingRules } from './mapping-rules.js';

/** Most unfinished operations of a tenant. Each may store a file of 2 GiB. */
const maxOpen = 100;

/** How long an operation waits for its file, in seconds. */
const waitSeconds = 24 * 60 * 60;

/**
 * Handles CreateImport, in the transaction of `em`. The answer is still encrypted, as it is stored for its idempotency key: see
 * `openMessage`.
 *
 * @throws AppError INVALID_ARGUMENT, and PERMISSION_DENIED for a record type that the caller can't write
 * @throws AppError RESOURCE_EXHAUSTED TOO_MANY_OPERATIONS
 * @throws AppError ABORTED CONCURRENT_WRITE while the personal data of the tenant is being encrypted
 */
export async function createImport(
  em: EntityManager,
  types: ImportTypes,
  request: CreateImportRequest,
): Promise<OperationMessage> {
  const input = request.import;
  if (!input) throw invalidArgument([{ field: 'import', reason: 'REQUIRED', description: 'is required.' }]);
  checkAt(
    () => 'import.contentType',
    () => checkContentType(input.contentType),
  );
  const { tenantId } = currentCaller();
  const rules = await readRules(em, types, input);
  await lockOperations(em, tenantId);
  const key = await newReportKey(em, tenantId);
  await checkRoom(em, tenantId);
  const encryption = { sealed: key !== undefined, keySubject: key?.subject ?? null };
  const stored = { input: sealedMap(input, key), rules: sealedMap(rules, key) };
  const content = { kind: 'IMPORT', state: 'WAITING', ...stored, ...encryption } as const;
  // A worker cancels an operation that still waits by then.
  return storedMessage(await createOperation(em, content, waitSeconds));
}

/** Names of columns are from the file, whose first row may be about a person: they are encrypted like the report. */
function sealedMap<Mapped extends { map: string[] }>(mapped: Mapped, key: OwnKey | undefined): Mapped {
  return key ? { ...mapped, map: mapped.map.map((entry) => key.key.seal(entry)) } : mapped;
}

/**
 * The key of the report; undefined for a workspace that is not encrypted. Under the lock, so that no import starts
 * beside the encryption: its file would be stored unencrypted.
 *
 * @throws AppError ABORTED CONCURRENT_WRITE while the personal data of the tenant is being encrypted
 */
async function newReportKey(em: EntityManager, tenantId: string): Promise<OwnKey | undefined> {
  const encryption = await em.findOne(TenantEncryption, { tenantId });
  if (!encryption) return undefined;
  // Rows are not matched with records that are not encrypted yet.
  const key = encryption.completeTime === null ? undefined : await newOwnKey();
  if (!key) throw sealMissing();
  return key;
}

async function checkRoom(em: EntityManager, tenantId: string): Promise<void> {
  if ((await countOpen(em, tenantId)) < maxOpen) return;
  const message = `There are ${maxOpen} operations in progress. Cancel some, or wait.`;
  throw new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_OPERATIONS', message);
}

async function readRules(em: EntityManager, types: ImportTypes, input: ImportInput): Promise<MappingRules> {
  const { map, kind, externalIdSystem, defaultCountry, language, listMode, mapping, recordType } = input;
  const importRules = importable(types, recordType, 'import');
  if (mapping === undefined) {
    const rules = { map, kind, externalIdSystem, defaultCountry, language, listMode };
    await checkRules(em, importRules, rules, (field) => `import.${field}`);
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
        description: 'must not be set together with mapping, which determines it.',
      })),
    );
  }
  const { rules } = await findMapping(em, mapping);
  if (types.find(rules.recordType) !== importRules) {
    throw invalidArgument([
      { field: 'import.mapping', reason: 'RECORD_TYPE_DIFFERS', description: 'is for another record type.' },
    ]);
  }
  // A custom field may have been deleted since the mapping was saved.
  await checkRules(em, importRules, rules, () => 'import.mapping');
  return rules;
}
