/** Currencies of ISO 4217 (list one, 2026-01-01) whose minor unit is not a hundredth. Node's CLDR has digits for display, which differ. */
const exceptions = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  3: 'BHD IQD JOD KWD LYD OMR TND',
  4: 'CLF UYW',
};

const digitsByCode = new Map(
  Object.entries(exceptions).flatMap(([digits, codes]) => codes.split(' ').map((code) => [code, Number(digits)])),
);

/** Metals, units of account and codes for tests: ISO 4217 gives them no minor unit. */
const withoutMinorUnit = new Set('XAD XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX'.split(' '));

/**
 * Digits after the decimal point of totals in a currency: 2 for EUR, 0 for JPY, 3 for KWD. Undefined for what has no minor unit, such as
 * gold. Whether the code exists is for others to check.
 */
export function minorUnits(code: string): number | undefined {
  return withoutMinorUnit.has(code) ? undefined : (digitsByCode.get(code) ?? 2);
}
