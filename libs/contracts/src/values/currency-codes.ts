const codes = new Set(Intl.supportedValuesOf('currency'));

/** Whether a text is a currency code of ISO 4217, according to the Unicode CLDR of this Node. */
export function isIsoCurrency(code: string): boolean {
  return codes.has(code);
}
