/** Text fields and their properties. */
export const textProperties = {
  displayName: 'FN',
  nickname: 'NICKNAME',
  jobTitle: 'TITLE',
  role: 'ROLE',
  note: 'NOTE',
} as const;

/** Fields that are one component of `N`, in its order. */
export const nameFields = ['familyName', 'givenName', 'middleName', 'namePrefix', 'nameSuffix'] as const;

/** The components of `ADR`, in its order. */
export const addressParts = ['poBox', 'extended', 'street', 'city', 'state', 'postalCode', 'country'] as const;

/** Fields that are a list of properties. `part` is the part of an item that has the value of the property. */
export const listProperties = {
  emails: { property: 'EMAIL', part: 'address' },
  phones: { property: 'TEL', part: 'number' },
  addresses: { property: 'ADR', part: undefined },
  urls: { property: 'URL', part: 'url' },
} as const;

/** Whether a text may be an e-mail address. Only sending to it proves more. */
export function isAddress(text: string): boolean {
  return /[^@]@[^@]/.test(text);
}

export type ListField = keyof typeof listProperties;

/** Values among the types that are no types. */
export const technicalTypes: readonly string[] = ['pref', 'internet', 'x400'];
