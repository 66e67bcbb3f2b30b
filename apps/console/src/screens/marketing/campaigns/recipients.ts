import { useQuery } from '@tanstack/react-query';
import { useMay } from '../../../app/resource.ts';
import { readQuery } from '../../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../../contract/json.ts';
import type { Tone } from '../../../kit/ui.tsx';

/** States of a recipient in the order of their places in a bar, with their colours: sent, to be sent, gone wrong, left out. */
export const recipientStates = [
  { state: 'HANDED_OVER', color: '--chart-1' },
  { state: 'CLAIMED', color: '--mark-bright' },
  { state: 'PLANNED', color: '--chart-fill' },
  { state: 'BOUNCED', color: '--warn-solid' },
  { state: 'COMPLAINED', color: '--chart-4' },
  { state: 'FAILED', color: '--danger-solid' },
  { state: 'UNKNOWN', color: '--chart-5' },
  { state: 'SUPPRESSED', color: '--text-3' },
  { state: 'SKIPPED', color: '--line-strong' },
  { state: 'CANCELLED', color: '--chart-rest' },
] as const;

/** How a campaign in a state is marked. */
export const campaignTones: Readonly<Record<string, Tone>> = {
  ...{ DRAFT: 'line', SCHEDULED: 'info', PREPARING: 'info', SENDING: 'good', PAUSED: 'warn', CANCELLED: 'danger' },
};

/** What a relay took, whatever came back later. */
const accepted = new Set(['HANDED_OVER', 'BOUNCED', 'COMPLAINED']);

/** How many recipients have a variant and a state. */
export interface Tally {
  variant: string;
  state: string;
  count: number;
}

export function talliesOf(aggregate: Json | undefined): Tally[] {
  return itemsAt(aggregate, 'groups').map((group) => {
    const [variant, state] = itemsAt(group, 'values');
    return { variant: textAt(variant, 'value'), state: textAt(state, 'value'), count: Number(group.count ?? 0) };
  });
}

export function countOf(tallies: readonly Tally[], ...states: readonly string[]): number {
  return tallies.reduce((sum, { state, count }) => sum + (states.includes(state) ? count : 0), 0);
}

/** What became of one variant. */
export interface VariantResult {
  key: string;
  recipients: number;
  accepted: number;
  clicks: number;
  /** Of those that were accepted; undefined without any. */
  rate: number | undefined;
}

/** The results of the variants, in their order. */
export function resultsOf(
  keys: readonly string[],
  tallies: readonly Tally[],
  clicks: ReadonlyMap<string, number>,
): VariantResult[] {
  return keys.map((key) => {
    const own = tallies.filter(({ variant }) => variant === key);
    const took = own.reduce((sum, { state, count }) => sum + (accepted.has(state) ? count : 0), 0);
    const clicked = clicks.get(key) ?? 0;
    return {
      key,
      recipients: own.reduce((sum, { count }) => sum + count, 0),
      accepted: took,
      clicks: clicked,
      rate: took === 0 ? undefined : clicked / took,
    };
  });
}

/** How often the counts of a campaign that is being sent are read again. */
const everyMs = 2_000;

/** The recipients of a campaign by variant and state, and when they were counted, in milliseconds since 1970. */
export function useTallies(campaign: Json): { tallies: readonly Tally[]; time: number } {
  const isActive = isMoving(campaign);
  const may = useMay();
  const { data, dataUpdatedAt } = useQuery({
    ...readQuery(
      'aggregateCampaignRecipients',
      { groupBy: ['variantKey', 'state'], filter: `campaignId = ${textAt(campaign, 'id')}` },
      may('aggregateCampaignRecipients'),
    ),
    refetchInterval: isActive ? everyMs : false,
  });
  return { tallies: talliesOf(data), time: dataUpdatedAt };
}

export function isMoving(campaign: Json): boolean {
  return ['PREPARING', 'SENDING'].includes(textAt(campaign, 'state'));
}
