import { isDeepStrictEqual } from 'node:util';
import type { JsonValue } from '../../../connectors/peer-record.js';
import type { FieldRule } from '../../../exchange/mappings/field-rule.js';
import { EvaluationError, type Evaluate } from '../../../exchange/mappings/jsonata-evaluator.js';
import { fieldLens } from '../../../exchange/mappings/lenses/field-lens.js';
import type { FieldKind } from '../../../exchange/mappings/records/exchanged-fields.js';
import type { ExchangedType } from '../../../exchange/mappings/records/exchanged-types.js';

const texts = ['Ada Lovelace', 'O’Brien & Ünï-Çødé 😀', 'x'];

/** Sample values of a field. */
const samples: Readonly<Record<string, JsonValue[]>> = {
  emails: [[{ address: 'ada@example.com', label: 'work' }, { address: 'ada@home.example' }]],
  phones: [[{ number: '+493012345678', label: 'mobile' }, { number: '+442079460000' }]],
  domains: [['example.com', 'example.org']],
  addresses: [
    [
      {
        street: '12 St James’s Square\nFlat 3',
        city: 'London',
        postalCode: 'SW1Y 4JH',
        countryCode: 'GB',
        label: 'work',
      },
      { city: 'Graz', state: 'Steiermark', countryCode: 'AT', label: 'Lab' },
    ],
  ],
  ownerId: ['ada@example.com'],
};

const samplesOfKinds: Readonly<Record<Exclude<FieldKind, 'SELECT'>, JsonValue[]>> = {
  TEXT: texts,
  NUMBER: [25, 2.5],
  DECIMAL: ['12.50'],
  BOOLEAN: [true, false],
  DATE: ['2026-11-25'],
  TIME: ['2026-11-25T09:30:00.000Z'],
  REFERENCE: ['019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a12'],
  OBJECT: [{ currencyCode: 'EUR', amount: '12.50' }],
  TEXT_LIST: [['vip', 'latin-america']],
  OBJECT_LIST: [[{ name: 'x' }]],
};

/** Sample values of custom fields, since only the expression determines their type. */
const samplesOfAnyKind: JsonValue[] = [...texts, '25', 25, true, '2026-11-25', ['a', 'b']];

/**
 * Checks that a value survives a round trip to the other side, so that the sides can agree.
 *
 * @returns what is wrong, for users; undefined when nothing is
 */
export async function roundTripFault(
  rule: FieldRule,
  type: ExchangedType,
  evaluate: Evaluate,
): Promise<string | undefined> {
  const lens = fieldLens(rule);
  const { toCustomer, toPeer, customerField } = rule;
  if (toCustomer === undefined || toPeer === undefined) {
    const broken = (samplesOf(customerField, type) ?? texts)
      .map(lens.ofCustomer)
      .find((view) => !isDeepStrictEqual(lens.ofPeer(lens.toPeer(view, null)), view));
    return broken === undefined ? undefined : difference(broken, lens.ofPeer(lens.toPeer(broken, null)));
  }
  let met = 0;
  let failure = '';
  for (const view of samplesOf(customerField, type) ?? samplesOfAnyKind) {
    try {
      const back = await evaluate(toCustomer, await evaluate(toPeer, view));
      if (back !== null && !isDeepStrictEqual(back, view)) return difference(view, back);
      if (back !== null) met += 1;
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      if (error.isSlow) return error.message;
      failure = ` ${error.message}`;
    }
  }
  return met > 0 ? undefined : `gives nothing back for any value that was tried.${failure}`;
}

/** Undefined for custom fields. */
function samplesOf(name: string, { fields }: ExchangedType): readonly JsonValue[] | undefined {
  const { kind, options } = fields.get(name) ?? {};
  const own = samples[name];
  if (own || kind === undefined) return own;
  return kind === 'SELECT' ? [...(options ?? []).keys()] : samplesOfKinds[kind];
}

function difference(sent: JsonValue, back: JsonValue): string {
  return `sends ${JSON.stringify(sent)} and gets ${JSON.stringify(back)} back`;
}
