/** A decimal number in plain digits, from any notation: `1.5e3` is `1500`, `007.50` is `7.50`. Undefined for other texts. */
export function plainDecimal(text: string): string | undefined {
  const [, sign = '', integer = '', fraction = '', power = '0'] =
    /^([-+]?)(\d+)(?:\.(\d+))?(?:e([-+]?\d{1,3}))?$/i.exec(text) ?? [];
  if (integer === '') return undefined;
  const shift = Number(power);
  const digits = `${'0'.repeat(Math.max(0, -shift))}${integer}${fraction}${'0'.repeat(Math.max(0, shift))}`;
  const point = digits.length - Math.max(0, shift) - fraction.length + shift;
  const whole = digits.slice(0, point).replace(/^0+(?=\d)/, '');
  const rest = digits.slice(point);
  // Zeros that come from a power of ten are not significant.
  const plain = [whole, shift === 0 ? rest : withoutZeros(rest)].filter((part) => part !== '').join('.');
  return sign === '-' && /[1-9]/.test(plain) ? `-${plain}` : plain;
}

/** The same number with this many decimal places, unless it has more that are not 0. */
export function withFraction(decimal: string, fractionDigits: number): string {
  const [whole = '', fraction = ''] = decimal.split('.');
  const needed = withoutZeros(fraction).padEnd(fractionDigits, '0');
  return needed === '' ? whole : `${whole}.${needed}`;
}

/** The double whose shortest text is exactly this decimal. Undefined when there is none. */
export function exactNumber(text: string): number | undefined {
  const decimal = plainDecimal(text);
  if (decimal === undefined) return undefined;
  const number = Number(decimal);
  return plainDecimal(String(number)) === withFraction(decimal, 0) ? number : undefined;
}

/** Removes trailing zeros. @param digits after the point */
export function withoutZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1;
  return digits.slice(0, end);
}
