import { itemsAt, textAt, type Json } from '../../../contract/json.ts';

/** What the shares are added up by. */
export type Grouping = 'CAMPAIGN' | 'FORM' | 'KIND';

const keys = { CAMPAIGN: 'campaignId', FORM: 'formId', KIND: 'kind' } as const;

export interface AttributionRow {
  /** Id of the campaign or form, or kind of the touchpoints; empty for touchpoints without one. */
  key: string;
  /** The share of each answer, in their order; absent where a model gives the group nothing. */
  amounts: unknown[];
}

/** The groups of several answers beside each other: those of the first answer first, in its order. */
export function rowsOf(answers: readonly Json[], by: Grouping): AttributionRow[] {
  const shares = answers.map(
    (answer) => new Map(itemsAt(answer, 'groups').map((group) => [textAt(group, keys[by]), group.amount])),
  );
  return [...new Set(shares.flatMap((share) => [...share.keys()]))].map((key) => ({
    key,
    amounts: shares.map((share) => share.get(key)),
  }));
}
