import { describe, expect, it } from 'vitest';
import { refusalOf, type Column } from './board-data.ts';

const stages = [
  { key: 'due', kind: 'OPEN' },
  { key: 'offered', kind: 'OPEN', guards: [{ kind: 'FIELDS', fields: ['amount'], message: 'Enter the amount.' }] },
  { key: 'won', kind: 'WON', guards: [{ kind: 'FIELDS', fields: ['amount', 'customFields.plan'] }] },
  { key: 'lost', kind: 'LOST' },
];
const [due, offered, won, lost] = stages.map((stage): Column => ({
  key: stage.key,
  name: stage.key,
  isOpen: stage.kind === 'OPEN',
  stage,
})) as [Column, Column, Column, Column];

describe('a column', () => {
  it('names the fields that its guards need and the card lacks, with the words of the workspace', () => {
    expect(refusalOf({ stages }, due, offered, {})).toEqual({ missing: ['amount'], message: 'Enter the amount.' });
    expect(refusalOf({ stages }, due, won, { amount: { amount: '1' } })).toEqual({ missing: ['customFields.plan'] });
    expect(
      refusalOf({ stages }, due, won, { amount: { amount: '1' }, customFields: { plan: 'gold' } }),
    ).toBeUndefined();
  });

  it('knows the fields that a card needs to leave its stage, and leaves other guards to the server', () => {
    const leaving = { kind: 'FIELDS', on: 'LEAVE', fields: ['amount'] };
    const condition = { kind: 'EXPRESSION', expression: 'has(deal.tags)', fields: ['tags'] };
    const from = { ...due, stage: { guards: [leaving] } };
    const to = { ...lost, stage: { guards: [condition, { ...leaving, fields: ['closeDate'] }] } };
    expect(refusalOf({ stages }, from, to, {})).toEqual({ missing: ['amount'] });
    expect(refusalOf({ stages }, from, to, { amount: { amount: '1' } })).toBeUndefined();
  });

  it('takes only cards of the stage before it, unless it is for lost ones', () => {
    const pipeline = { stages, transitions: 'NEXT_ONLY' };
    const card = { amount: { amount: '1' }, customFields: { plan: 'gold' } };
    expect(refusalOf(pipeline, due, offered, card)).toBeUndefined();
    expect(refusalOf(pipeline, due, won, card)).toEqual({ missing: [] });
    expect(refusalOf(pipeline, due, lost, card)).toBeUndefined();
    expect(refusalOf(pipeline, lost, due, card)).toEqual({ missing: [] });
  });

  it('takes the moves that the pipeline lists', () => {
    const pipeline = { stages, transitions: 'LISTED', transitionPairs: [{ from: 'due', to: 'lost' }] };
    expect(refusalOf(pipeline, due, lost, {})).toBeUndefined();
    expect(refusalOf(pipeline, offered, lost, {})).toEqual({ missing: [] });
    expect(refusalOf(pipeline, offered, offered, {})).toBeUndefined();
  });
});
