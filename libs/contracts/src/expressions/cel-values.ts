import { timestampType, type CelType, type ObjectType } from './cel-types.js';

/**
 * JSON values as the values of expressions: times and whole numbers have types of their own in CEL.
 *
 * @param types of the values that have one; others stay as they are
 */
export function celValues(
  json: Readonly<Record<string, unknown>>,
  types: Readonly<Record<string, CelType>>,
): Record<string, unknown> {
  const present = Object.entries(json).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present.map(([name, value]) => [name, celValue(value, types[name] ?? 'dyn')]));
}

function celValue(value: unknown, type: CelType): unknown {
  if (value === null) return value;
  if (typeof type !== 'string') return objectValue(value, type);
  if (type === timestampType) return value instanceof Date ? value : new Date(value as string);
  if (type === 'int') return BigInt(value as number);
  const item = /^list<(.*)>$/.exec(type)?.[1];
  return item === undefined ? value : (value as unknown[]).map((each) => celValue(each, item));
}

function objectValue(value: unknown, { fields, isList }: ObjectType): unknown {
  if (isList) return (value as Record<string, unknown>[]).map((each) => celValues(each, fields));
  return celValues(value as Record<string, unknown>, fields);
}
