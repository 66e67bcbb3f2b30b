import type { EntityManager } from '@mikro-orm/postgresql';
import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { ListMode } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type {
  ImportMapping as MappingMessage,
  ListImportMappingsResponse,
  SaveImportMappingRequest,
} from '@rapport/contracts/rapport/customers/v1/operations_service';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import type { ImportTypes } from '../import-rules.js';
import { ImportMapping } from './import.entity.js';
import { checkRules, importable, type MappingRules } from './mapping-rules.js';

/** Most mappings of a tenant, and most bytes of all of them: one response lists them. */
const maxMappings = 200;
const maxBytes = 2 * 1024 * 1024;

/** Handles SaveImportMapping. */
export async function saveMapping(
  em: EntityManager,
  types: ImportTypes,
  request: SaveImportMappingRequest,
): Promise<MappingMessage> {
  const { key, mapping } = request;
  if (!mapping) throw invalidArgument([{ field: 'mapping', reason: 'REQUIRED', description: 'is required.' }]);
  const { map, kind, externalIdSystem, defaultCountry, language, listMode, recordType } = mapping;
  // An undefined member would be stored as null.
  const rules: MappingRules = {
    map,
    kind,
    listMode,
    ...(externalIdSystem === undefined ? {} : { externalIdSystem }),
    ...(defaultCountry === undefined ? {} : { defaultCountry }),
    ...(language === undefined ? {} : { language }),
    ...(recordType === undefined ? {} : { recordType }),
  };
  await checkRules(em, importable(types, recordType, 'mapping'), rules, (field) => `mapping.${field}`);
  const { tenantId } = currentCaller();
  return em.transactional(async (transaction) => {
    await transaction.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`import_mapping ${tenantId}`]);
    await checkRoom(transaction, key, rules);
    return mappingMessage(await transaction.upsert(ImportMapping, { tenantId, key, rules, updateTime: new Date() }));
  });
}

/** Handles ListImportMappings. */
export async function listMappings(em: EntityManager): Promise<ListImportMappingsResponse> {
  const { tenantId } = currentCaller();
  const mappings = await em.find(ImportMapping, { tenantId }, { orderBy: { key: 'asc' }, limit: maxMappings });
  return { mappings: mappings.map(mappingMessage) };
}

/** Handles DeleteImportMapping. */
export function deleteMapping(em: EntityManager, key: string): Promise<MappingMessage> {
  return em.transactional(async (transaction) => {
    const mapping = await findMapping(transaction, key);
    transaction.remove(mapping);
    return mappingMessage(mapping);
  });
}

/** @throws AppError NOT_FOUND */
export async function findMapping(em: EntityManager, key: string): Promise<ImportMapping> {
  const { tenantId } = currentCaller();
  const mapping = await em.findOne(ImportMapping, { tenantId, key });
  if (mapping) return mapping;
  throw new AppError('NOT_FOUND', 'IMPORT_MAPPING_NOT_FOUND', 'There is no such mapping.', { metadata: { key } });
}

export function mappingMessage({ key, rules, updateTime }: ImportMapping): MappingMessage {
  const { kind = CustomerKind.UNSPECIFIED, listMode = ListMode.UNSPECIFIED, ...others } = rules;
  return {
    key,
    kind,
    listMode,
    externalIdSystem: undefined,
    defaultCountry: undefined,
    language: undefined,
    recordType: undefined,
    ...others,
    updateTime: updateTime.toISOString(),
  };
}

/** Checks the limits of mappings. Runs under a lock: mappings of a tenant are saved one after the other. */
async function checkRoom(em: EntityManager, key: string, rules: MappingRules): Promise<void> {
  const [others = { count: 0, bytes: 0 }] = await em.execute<{ count: number; bytes: number }[]>(
    `select count(*)::int as count, coalesce(sum(octet_length(rules::text)), 0)::int as bytes
     from import_mapping where tenant_id = ? and key <> ?`,
    [currentCaller().tenantId, key],
  );
  if (others.count < maxMappings && others.bytes + Buffer.byteLength(JSON.stringify(rules)) <= maxBytes) return;
  const message = `A tenant has at most ${maxMappings} mappings, of ${maxBytes} bytes in all. Delete some.`;
  throw new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_IMPORT_MAPPINGS', message);
}
