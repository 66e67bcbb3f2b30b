import { AttributionModel } from '@rapport/contracts/rapport/marketing/v1/attributions_service';
import { allocate } from '@rapport/money';

/** Days in which the weight of a touchpoint halves. */
const halfLifeDays = 7;

const dayMs = 86_400_000;

/** Bits of the weights of DECAY: the weight of the oldest touchpoint that can count still has 50. */
const decayBits = 104n;

/** 2^104 · 2^(-days/7) for the days of a week, rounded down: what is left of a weight after whole weeks are shifted out. */
const decayOfDays = Array.from({ length: halfLifeDays }, (_, days) =>
  seventhRoot(1n << (decayBits * BigInt(halfLifeDays) - BigInt(days))),
);

/**
 * Divides the amount of a deal among its touchpoints. The parts add up to the amount.
 *
 * @param units of the currency, such as cents
 * @param times when the touchpoints happened, the earliest first; at least one
 * @param wonMs when the deal was won
 */
export function divideAmount(
  units: bigint,
  model: AttributionModel,
  { times, wonMs }: { times: readonly number[]; wonMs: number },
): bigint[] {
  const weights = weightsOf(model, times, wonMs);
  return allocate(
    units,
    weights.map((over) => ({ over, under: 1n })),
  );
}

function weightsOf(model: AttributionModel, times: readonly number[], wonMs: number): bigint[] {
  const last = times.length - 1;
  switch (model) {
    case AttributionModel.FIRST:
      return times.map((_, index) => (index === 0 ? 1n : 0n));
    case AttributionModel.UNSPECIFIED:
    case AttributionModel.LAST:
      return times.map((_, index) => (index === last ? 1n : 0n));
    case AttributionModel.LINEAR:
      return times.map(() => 1n);
    case AttributionModel.POSITION:
      return positionWeights(times.length);
    case AttributionModel.DECAY:
      return times.map((time) => decayWeight(BigInt(Math.floor((wonMs - time) / dayMs))));
    default:
      return model satisfies never;
  }
}

/** 40, 20 and 40 percent, in units that divide the middle evenly. */
function positionWeights(count: number): bigint[] {
  if (count <= 2) return Array.from({ length: count }, () => 1n);
  const between = BigInt(count - 2);
  return Array.from({ length: count }, (_, index) => (index === 0 || index === count - 1 ? 2n * between : 1n));
}

function decayWeight(days: bigint): bigint {
  const [weeks, rest] = [days / BigInt(halfLifeDays), days % BigInt(halfLifeDays)];
  return decayOfDays[Number(rest)]! >> weeks;
}

/** The largest integer whose seventh power is at most `power`, by Newton's method from above. */
function seventhRoot(power: bigint): bigint {
  let root = 1n << (decayBits + 1n);
  for (;;) {
    const next = (6n * root + power / root ** 6n) / 7n;
    if (next >= root) return root;
    root = next;
  }
}
