import { isDeepStrictEqual } from 'node:util';
import type { JsonValue } from '../connectors/peer-record.js';
import { EvaluationError, type Evaluate } from './jsonata-evaluator.js';
import { fieldLens } from './lenses/field-lens.js';
import type { FieldRule } from './field-rule.js';
import { customerFields } from './lenses/field-values.js';

const texts = ['Ada Lovelace', 'O’Brien & Ünï-Çødé 😀', 'x'];

/** Values that a field may have. */
const samples: Readonly<Record<string, JsonValue[]>> = {
  emails: [[{ address: 'ada@example.com', label: 'work' }, { address: 'ada@home.example' }]],
  phones: [[{ number: '+493012345678', label: 'mobile' }, { number: '+442079460000' }]],
  tags: [['vip', 'latin-america']],
  domains: [['example.com', 'example.org']],
  birthDate: ['1815-12-10'],
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
  lifecycleStage: ['LEAD', 'FORMER_CUSTOMER'],
};

/** What fields of the tenant's own may have: of what kind theirs is, only an expression knows. */
const samplesOfAnyKind: JsonValue[] = [...texts, '25', 25, true, '2026-11-25', ['a', 'b']];

/**
 * Whether what a field sends to the other side comes back as it was, so that the sides can agree.
 *
 * @returns what is wrong, for people; undefined when nothing is
 */
export async function roundTripFault(rule: FieldRule, evaluate: Evaluate): Promise<string | undefined> {
  const lens = fieldLens(rule);
  const { toCustomer, toPeer, customerField } = rule;
  if (toCustomer === undefined || toPeer === undefined) {
    const values = samples[customerField] ?? texts;
    const broken = values
      .map(lens.ofCustomer)
      .find((view) => !isDeepStrictEqual(lens.ofPeer(lens.toPeer(view, null)), view));
    return broken === undefined ? undefined : difference(broken, lens.ofPeer(lens.toPeer(broken, null)));
  }
  let met = 0;
  let failure = '';
  for (const view of samples[customerField] ?? (customerField in customerFields ? texts : samplesOfAnyKind)) {
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

function difference(sent: JsonValue, back: JsonValue): string {
  return `sends ${JSON.stringify(sent)} and gets ${JSON.stringify(back)} back`;
}
