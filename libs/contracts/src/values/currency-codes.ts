const codes = new Set(Intl.supportedValuesOf('currency'));

/** Whether a text is a currency code of ISO 4217, as the Unicode CLDR of this Node lists them. */
export function isIsoCurrency(code: string): boolean {
  return codes.has(code);
}
