import type { Discount, DocumentInput, LineInput, LineTax } from '../src/document-types.js';

/** Pseudo-random numbers that are equal for the same seed on every machine (mulberry32). */
export class RandomDocuments {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  document(): DocumentInput {
    const currency = this.#pick(['EUR', 'USD', 'JPY', 'KRW', 'KWD', 'TND', 'CLF']);
    const places = placesOf(currency);
    const lines = Array.from({ length: this.#below(this.#chance(0.05) ? 60 : 8) }, () => this.#line(places));
    // Half of them are documents as people write them: one tax mode, and no credits.
    const plain = this.#chance(0.5) ? lines.map(asPlain) : lines;
    return { currency, lines: plain, ...(this.#chance(0.4) && { discount: this.#discount(places, 3) }) };
  }

  split(): { currency: string; amount: string; shares: string[] } {
    const currency = this.#pick(['EUR', 'JPY', 'KWD']);
    const shares: bigint[] = [];
    let left = 1_000_000n;
    while (left > 0n) {
      const share = shares.length === 11 || this.#chance(0.2) ? left : BigInt(1 + this.#below(Number(left)));
      shares.push(share);
      left -= share;
    }
    return { currency, amount: this.#decimal(7, placesOf(currency)), shares: shares.map(tenThousandths) };
  }

  conversion() {
    const names = ['EUR', 'USD', 'JPY', 'KWD', 'CLF'];
    const hops = 1 + this.#below(3);
    const path = [this.#pick(names)];
    while (path.length <= hops) path.push(this.#pick(names.filter((each) => each !== path.at(-1))));
    const rates = path.slice(1).map((to, index) => {
      const from = path[index] ?? '';
      const rate = `${this.#below(200)}.${1 + this.#below(999_999)}`;
      return this.#chance(0.5)
        ? { baseCurrency: from, quoteCurrency: to, rate }
        : { baseCurrency: to, quoteCurrency: from, rate };
    });
    const sign = this.#chance(0.2) ? '-' : '';
    return { currency: path[0] ?? '', amount: `${sign}${this.#decimal(8, 9)}`, to: path.at(-1) ?? '', rates };
  }

  #line(places: number): LineInput {
    const sign = this.#chance(0.1) ? '-' : '';
    const quantity = this.#chance(0.6) ? String(this.#below(100)) : this.#decimal(3, 6);
    const unitPrice = this.#chance(0.5) ? this.#decimal(4, places) : this.#decimal(this.#pick([1, 5, 9]), 6);
    return {
      quantity: `${sign}${quantity}`,
      unitPrice,
      ...(this.#chance(0.5) && { discount: this.#discount(places, 1) }),
      ...(this.#chance(0.9) && { tax: this.#tax() }),
    };
  }

  #tax(): LineTax {
    const category = this.#pick(['S', 'S', 'S', 'L', 'Z', 'E', 'AE', 'O'] as const);
    const mode = this.#pick(['EXCLUSIVE', 'INCLUSIVE'] as const);
    if (category !== 'S' && category !== 'L') return { mode: this.#pick([mode, 'NONE']), category, rate: '0' };
    return { mode, category, rate: this.#pick(['19', '7', '20', '5.5', '8.25', '7.7', '21.0', '0', '9.9975', '100']) };
  }

  #discount(places: number, integer: number): Discount {
    if (this.#chance(0.15)) return { percent: '100' };
    return this.#chance(0.5)
      ? { percent: `${this.#below(100)}.${this.#below(10_000)}` }
      : { amount: this.#decimal(integer, places) };
  }

  #decimal(integer: number, fraction: number): string {
    const whole = String(this.#below(10 ** integer));
    const places = this.#below(fraction + 1);
    return places === 0 ? whole : `${whole}.${String(this.#below(10 ** places)).padStart(places, '0')}`;
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#below(items.length)]!;
  }

  #chance(probability: number): boolean {
    return this.#below(1_000) < probability * 1_000;
  }

  #below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return Math.floor((((bits ^ (bits >>> 14)) >>> 0) / 0x1_0000_0000) * limit);
  }
}

/** As most documents are: tax is not included anywhere, and nothing is negative. */
function asPlain({ tax, quantity, ...line }: LineInput): LineInput {
  return {
    ...line,
    quantity: quantity.replace('-', ''),
    ...(tax && { tax: { ...tax, mode: tax.mode === 'INCLUSIVE' ? 'EXCLUSIVE' : tax.mode } }),
  };
}

function placesOf(currency: string): number {
  return { JPY: 0, KRW: 0, KWD: 3, TND: 3, CLF: 4 }[currency] ?? 2;
}

/** Text of a number of 10^-4. */
function tenThousandths(units: bigint): string {
  return `${units / 10_000n}.${String(units % 10_000n).padStart(4, '0')}`;
}
