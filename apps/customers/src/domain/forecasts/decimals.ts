/** A decimal text as a number of units of 10 to the power of minus `places`. */
interface Scaled {
  units: bigint;
  places: number;
}

function scaled(text: string): Scaled {
  const [whole = '0', decimals = ''] = text.split('.');
  return { units: BigInt(whole + decimals), places: decimals.length };
}

function unitsAt(places: number, value: Scaled): bigint {
  return value.units * 10n ** BigInt(places - value.places);
}

function textOf(units: bigint, places: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, '0');
  const text = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  return units < 0n ? `-${text}` : text;
}

/** The sum of two decimal texts, exact. */
export function addDecimals(left: string, right: string): string {
  const [first, second] = [scaled(left), scaled(right)];
  const places = Math.max(first.places, second.places);
  return textOf(unitsAt(places, first) + unitsAt(places, second), places);
}

/** A quotient, rounded half away from zero to four decimal places. Undefined for a divisor that is not greater than 0. */
export function ratio(dividend: string, divisor: string): string | undefined {
  const [above, below] = [scaled(dividend), scaled(divisor)];
  if (below.units <= 0n) return undefined;
  const places = Math.max(above.places, below.places);
  const [numerator, denominator] = [unitsAt(places, above) * 10_000n, unitsAt(places, below)];
  const size = ((numerator < 0n ? -numerator : numerator) * 2n + denominator) / (denominator * 2n);
  return textOf(numerator < 0n ? -size : size, 4);
}
