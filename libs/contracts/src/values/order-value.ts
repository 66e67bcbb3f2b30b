/** Digits that an order value has before and after the point of a decimal number. */
const scale = { integer: 18, fraction: 9 };

/**
 * Text that sorts byte by byte as the numbers do: a sign, and 27 digits, which are those of the complement when the
 * number is negative.
 *
 * @param decimal such as "-1250.5", at most 18 digits before and 9 after the point
 */
export function decimalOrderValue(decimal: string): string {
  const negative = decimal.startsWith('-');
  const [integer = '', fraction = ''] = decimal.replace(/^[-+]/, '').split('.');
  const digits = integer.padStart(scale.integer, '0') + fraction.padEnd(scale.fraction, '0');
  if (!negative || /^0*$/.test(digits)) return `1${digits}`;
  return `0${digits.replace(/\d/g, (digit) => String(9 - Number(digit)))}`;
}

/**
 * Text that sorts byte by byte as doubles do: their IEEE 754 bits with the sign turned, and all bits of a negative one,
 * in hexadecimal.
 */
export function numberOrderValue(number: number): string {
  const bytes = Buffer.alloc(8);
  // -0 is 0.
  bytes.writeDoubleBE(number + 0);
  const bits = bytes.readBigUInt64BE();
  const turned = bits >> 63n ? ~bits & 0xffff_ffff_ffff_ffffn : bits | (1n << 63n);
  return turned.toString(16).padStart(16, '0');
}
