import type { JsonObject, JsonValue } from '../../../connectors/peer-record.js';

/** What a customer's postal address says. */
const parts = ['street', 'city', 'state', 'postalCode', 'countryCode'] as const;

/** One part of one address, such as the city of the one that is labelled `work`; without a label of the main one. */
export interface AddressPart {
  label: string | undefined;
  part: (typeof parts)[number];
}

/** What a field such as `addresses[work].city` names; undefined when it names no part of an address. */
export function addressPart(field: string): AddressPart | undefined {
  const [, label, name] = /^addresses(?:\[([^[\]]+)\])?\.(\w+)$/.exec(field) ?? [];
  const part = parts.find((own) => own === name);
  return part && { label: label?.trim().toLowerCase(), part };
}

/** The value of one part of a customer's addresses; null for none. */
export function partOf(addresses: readonly JsonObject[], { label, part }: AddressPart): JsonValue {
  return addresses[placeOf(addresses, label)]?.[part] ?? null;
}

/** A customer's addresses with other parts. All other addresses and parts stay; one of which nothing is left is gone. */
export function withParts(
  addresses: readonly JsonObject[],
  changes: readonly { of: AddressPart; value: JsonValue }[],
): JsonObject[] {
  let list = [...addresses];
  for (const { of: changed, value } of changes) {
    const { label, part } = changed;
    const place = placeOf(list, label);
    const { [part]: _before, ...rest } = list[place] ?? (label === undefined ? {} : { label });
    const address = value === null ? rest : { ...rest, [part]: value };
    list = place < 0 ? [...list, address] : list.with(place, address);
  }
  return list.filter((address) => parts.some((part) => (address[part] ?? null) !== null));
}

/** The place of the address that a part belongs to; -1 when there is none. */
export function placeOf(addresses: readonly JsonObject[], label: string | undefined): number {
  if (label === undefined) return addresses.length === 0 ? -1 : 0;
  return addresses.findIndex((own) => typeof own['label'] === 'string' && own['label'].toLowerCase() === label);
}
