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

/** Most mappings of a tenant. */
const maxMappings = 200;

/** Answers SaveImportMapping. */
export async function saveMapping(
  em: EntityManager,
  types: ImportTypes,
  request: SaveImportMappingRequest,
): Promise<MappingMessage> {
  const { key, mapping } = request;
  if (!mapping) throw invalidArgument([{ field: 'mapping', reason: 'REQUIRED', description: 'is required.' }]);
  const { map, kind, externalIdSystem, defaultCountry, language, listMode, recordType } = mapping;
  // What is undefined would be stored as null.
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
    if (!(await transaction.findOne(ImportMapping, { tenantId, key }))) await checkRoom(transaction, tenantId);
    return mappingMessage(await transaction.upsert(ImportMapping, { tenantId, key, rules, updateTime: new Date() }));
  });
}

/** Answers ListImportMappings. */
export async function listMappings(em: EntityManager): Promise<ListImportMappingsResponse> {
  const { tenantId } = currentCaller();
  const mappings = await em.find(ImportMapping, { tenantId }, { orderBy: { key: 'asc' }, limit: maxMappings });
  return { mappings: mappings.map(mappingMessage) };
}

/** Answers DeleteImportMapping. */
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

async function checkRoom(em: EntityManager, tenantId: string): Promise<void> {
  if ((await em.count(ImportMapping, { tenantId })) < maxMappings) return;
  throw new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_IMPORT_MAPPINGS', `There are ${maxMappings} mappings already.`);
}
