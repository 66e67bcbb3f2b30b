import type { Contract, Field, Resource } from '../../contract/contract.ts';

/** The types of records that files can be imported into. Records of custom objects are named by their object. */
export function usableTypes(contract: Contract): Resource[] {
  return contract.resources.filter(({ import: id, name }) => id !== undefined && !name.includes('{'));
}

/** Fields that a column can go to, in the spelling of `map`: texts and numbers, and the parts of lists of a record. */
export function fieldsOf(contract: Contract, recordType: string): string[] {
  const isOwn = recordType.startsWith('objects.');
  const resource = contract.resources.find(({ singular, name, isRecord }) =>
    isOwn ? name === 'objects/{object}/records' : isRecord && singular === recordType,
  );
  return contract.fields(resource?.message).flatMap((field) => namesOf(contract, field));
}

function namesOf(contract: Contract, field: Field): string[] {
  const { name, type, of, list } = field;
  if (!isGiven(field)) return [];
  if (type !== 'message' || !list) return [list ? singularOf(name) : name];
  const parts = contract.fields(of);
  // The main part of an item goes by the name of the list: `email` of `emails`.
  const hasMain = mainParts.has(parts[0]?.name ?? '');
  return hasMain ? [singularOf(name)] : parts.filter((part) => part.type === 'text').map((part) => part.name);
}

const mainParts = new Set(['address', 'number', 'value', 'system']);

/** Whether callers set the field, as one value or a list of them. */
function isGiven({ name, type, output, secret }: Field): boolean {
  return !output && !secret && type !== 'object' && type !== 'bytes' && name !== 'etag';
}

function singularOf(name: string): string {
  return name.replace(/s$/, '');
}
