/** Funds and units of account of ISO 4217 (list one, 2026-01-01), and VED: the CLDR of Node knows them, and does not list them. */
const besideCldr = ['BOV', 'CHE', 'CHW', 'CLF', 'COU', 'MXV', 'USN', 'UYI', 'UYW', 'VED'];

const codes = new Set([...Intl.supportedValuesOf('currency'), ...besideCldr].toSorted());

/** The currency codes of ISO 4217 that amounts can have, and former ones, in alphabetical order. */
export function currencyCodes(): string[] {
  return [...codes];
}

/** Whether a text is a currency code of ISO 4217: those that the Unicode CLDR of this Node lists, and funds. */
export function isIsoCurrency(code: string): boolean {
  return codes.has(code);
}
