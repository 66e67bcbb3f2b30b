import { describe, expect, it } from 'vitest';
import { keyOfName } from '../../app/labels.ts';
import { afterSaving, clashesOf, edited, moved, patchOf, withEdits } from './edits.ts';

const pipeline = {
  name: 'Renewals',
  transitions: 'ANY',
  stages: [
    { id: '01a2', key: 'due', name: 'Due', probability: 20 },
    { key: 'won', name: 'Won' },
  ],
};

describe('edits of a pipeline', () => {
  const edits = withEdits({}, pipeline, 'stages.due.', { probability: 30, name: 'Due' });

  it('send all stages of the later version with the one that changed', () => {
    const theirs = { ...pipeline, stages: [pipeline.stages[1], { key: 'due', name: 'Due soon', probability: 20 }] };
    expect(patchOf(theirs, edits)).toEqual({
      stages: [pipeline.stages[1], { key: 'due', name: 'Due soon', probability: 30 }],
    });
    expect(clashesOf(theirs, edits)).toEqual([]);
  });

  it('clash only where another user changed the same field to another value', () => {
    const theirs = (probability: number) => ({ ...pipeline, stages: [{ key: 'due', name: 'Due', probability }] });
    expect(clashesOf(theirs(40), edits)).toEqual(['stages.due.probability']);
    expect(clashesOf(theirs(30), edits)).toEqual([]);
  });

  it('are none once a value is as it was, and leave a cleared one out', () => {
    expect(withEdits(edits, pipeline, 'stages.due.', { probability: 20 })).toEqual({});
    expect(patchOf(pipeline, withEdits(edits, pipeline, 'stages.due.', { probability: null }))).toEqual({
      stages: [{ key: 'due', name: 'Due' }, pipeline.stages[1]],
    });
  });

  it('that are made while others are saved stay, over what was saved', () => {
    const later = withEdits({ ...edits, ...withEdits({}, pipeline, '', { name: 'New' }) }, pipeline, 'stages.due.', {
      probability: 35,
    });
    expect(afterSaving(later, edits)).toEqual({
      name: { was: 'Renewals', value: 'New' },
      'stages.due.probability': { was: 30, value: 35 },
    });
    expect(afterSaving(edits, edits)).toEqual({});
  });

  it('are forgotten with a stage that is gone', () =>
    expect(edited({ ...pipeline, stages: [] }, edits)).toEqual({ ...pipeline, stages: [] }));
});

it('makes a key of the name of a stage', () => {
  expect(['On-site visit', '2. Angebot (ö)', '报价'].map((name) => keyOfName(name))).toEqual([
    'on_site_visit',
    'angebot_o',
    '',
  ]);
});

it('moves a stage beside another one', () => {
  expect(moved(['a', 'b', 'c'], 'a', 'c', 'after')).toEqual(['b', 'c', 'a']);
  expect(moved(['a', 'b', 'c'], 'c', 'a', 'before')).toEqual(['c', 'a', 'b']);
});
