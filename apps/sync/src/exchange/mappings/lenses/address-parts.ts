import type { JsonObject, JsonValue } from '../../../connectors/peer-record.js';

/** The fields of a customer's postal address. */
const parts = ['street', 'city', 'state', 'postalCode', 'countryCode'] as const;

/** A part of an address, such as the city of the address with the label `work`; without a label, of the main address. */
export interface AddressPart {
  label: string | undefined;
  part: (typeof parts)[number];
}

/** Parses a field such as `addresses[work].city`; undefined for a field that is no part of an address. */
export function addressPart(field: string): AddressPart | undefined {
  const [, label, name] = /^addresses(?:\[([^[\]]+)\])?\.(\w+)$/.exec(field) ?? [];
  const part = parts.find((own) => own === name);
  return part && { label: label?.trim().toLowerCase(), part };
}

/** The value of a part of a customer's addresses; null for none. */
export function partOf(addresses: readonly JsonObject[], { label, part }: AddressPart): JsonValue {
  return addresses[placeOf(addresses, label)]?.[part] ?? null;
}

/** Replaces parts of a customer's addresses. Other addresses and parts stay; an address without parts is removed. */
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

/** The index of a part's address; -1 when there is none. */
export function placeOf(addresses: readonly JsonObject[], label: string | undefined): number {
  if (label === undefined) return addresses.length === 0 ? -1 : 0;
  return addresses.findIndex((own) => typeof own['label'] === 'string' && own['label'].toLowerCase() === label);
}
