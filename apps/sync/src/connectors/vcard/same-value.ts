import type { JsonObject } from '../peer-record.js';

/** Number of significant last digits of a phone number: dialling prefixes differ. */
const phoneDigits = 8;

/** Whether two items of a list are the same address or number in any format. */
export function isSameValue(field: string, one: JsonObject, other: JsonObject): boolean {
  const [first, second] = [keyOf(field, one), keyOf(field, other)];
  return first !== undefined && first === second;
}

function keyOf(field: string, { address, number }: JsonObject): string | undefined {
  if (field === 'emails') return typeof address === 'string' ? address.toLowerCase() : undefined;
  if (field !== 'phones' || typeof number !== 'string') return undefined;
  const [, main = '', extension = ''] = /^(.*?)(?:;\s*ext=(.*))?$/is.exec(number) ?? [];
  const digits = main.replace(/\D/g, '');
  return digits === '' ? number : `${digits.slice(-phoneDigits)};${extension}`;
}
