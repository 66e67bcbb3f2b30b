import { AppError } from '@rapport/platform';
import { expect, test } from 'vitest';
import { flowOfEachStep } from '../../../../test/flows/flow-of-each-step.js';
import { definitionJson } from '../definition-json.js';
import { readFlowFile } from './read-flow-file.js';

type Json = Record<string, unknown>;

const wait = { key: 'wait', wait: { seconds: 60 } };
const manual = { trigger: { manual: {} }, steps: [wait] };

const lineOf = (key: string, definition: Json, more: Json = {}) => ({ flow: { key, name: 'X', definition, ...more } });
const withSteps = (steps: Json[]) => lineOf('x', { ...manual, steps });

function bytesOf(lines: readonly unknown[]): Buffer {
  return Buffer.from(lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
}

/** A step within steps, so many levels deep. */
function nested(levels: number): Json[] {
  return levels === 1 ? [wait] : [{ key: `d${levels}`, do: { steps: nested(levels - 1) } }];
}

/** Steps that wait, in lists of 50. */
function wide(lists: number): Json[] {
  return Array.from({ length: lists }, (_, list) => ({
    key: `l${list}`,
    do: { steps: Array.from({ length: 50 }, (__, at) => ({ ...wait, key: `s${list}_${at}` })) },
  }));
}

test('a file has flows with each kind of step at the deepest level, and empty lines', async () => {
  const lines = [lineOf('each', flowOfEachStep, { description: 'Why' }), '', withSteps(nested(6)), ''];

  const flows = await readFlowFile(bytesOf(lines));

  expect(flows).toMatchObject([{ key: 'each', name: 'X', description: 'Why' }, { key: 'x' }]);
  expect(definitionJson(flows[0]!.definition)).toMatchObject(flowOfEachStep);
  expect(await readFlowFile(bytesOf([lineOf('a', manual), lineOf('b', manual)]))).toHaveLength(2);
});

/** Events of ten types. */
function ownEvents(step: number): Json[] {
  return Array.from({ length: 10 }, (_, at) => ({
    key: `e${at}`,
    type: `objectRecord/o${step}_${at}`,
    recordId: "'x'",
  }));
}

const first = 'file.lines[0].flow.definition';

test.each<[string, readonly unknown[], ...string[]]>([
  [
    'that is cut',
    [lineOf('a', manual), JSON.stringify(lineOf('b', manual)).slice(0, -1)],
    'file.lines[1] JSON_INVALID',
  ],
  ['of noise', ['noise', '\u0000\uFFFF', '{'], ...[0, 1, 2].map((at) => `file.lines[${at}] JSON_INVALID`)],
  ['without lines', ['', ''], 'file REQUIRED'],
  [
    'without flows',
    [[], { flow: 7 }, 'null'],
    'file.lines[0].flow REQUIRED',
    'file.lines[1].flow WRONG_TYPE',
    'file.lines[2].flow REQUIRED',
  ],
  ['without a definition', [{ flow: { key: 'a', name: 'X' } }], `${first} REQUIRED`],
  ['with a key twice', [lineOf('a', manual), '', lineOf('a', manual)], 'file.lines[2].flow.key DUPLICATE'],
  [
    'with an id',
    [lineOf('a', manual, { id: '019ab2f4-0000-7000-8000-000000000001' })],
    'file.lines[0].flow.id READ_ONLY_FIELD',
  ],
  ['with a key of another form', [lineOf('A b', manual)], 'file.lines[0].flow.key BAD_FORMAT'],
  ['with an unknown step', [withSteps([{ key: 'a', launch: {} }])], `${first}.steps[0].launch UNKNOWN_FIELD`],
  ['with a step of no kind', [withSteps([{ key: 'a' }])], `${first}.steps[0] ONE_REQUIRED`],
  ['with a key of a step twice', [withSteps([wait, wait])], `${first}.steps[1].key DUPLICATE`],
  [
    'with a field that no record has',
    [lineOf('x', { ...manual, trigger: { record: { type: 'deal' } }, condition: 'record.titel != ""' })],
    `${first}.condition BAD_EXPRESSION`,
  ],
  ['with too many levels of steps', [withSteps(nested(7))], `${first}${'.steps[0].do'.repeat(6)}.steps[0] TOO_DEEP`],
  ['with too many levels of JSON', [`{"flow":${'['.repeat(5_000)}${']'.repeat(5_000)}}`], 'file.lines[0] TOO_DEEP'],
  [
    'with too many values in a line',
    [lineOf('a', manual), `{"flow":{"key":"b","name":"X","definition":{"steps":[${'{},'.repeat(60_000)}{}]}}}`],
    'file.lines[1] TOO_MANY_ITEMS',
  ],
  ['with too many steps', [withSteps(wide(2))], `${first}.steps TOO_MANY_ITEMS`],
  ['with too many flows', Array.from({ length: 201 }, (_, at) => lineOf(`k${at}`, manual)), 'file TOO_MANY_ITEMS'],
  [
    'with too many types of records',
    [withSteps(Array.from({ length: 31 }, (_, at) => ({ key: `l${at}`, listen: { events: ownEvents(at) } })))],
    'file TOO_MANY_ITEMS',
  ],
])('a file %s is refused, with the place', async (_, lines, ...faults) => {
  const refused = await readFlowFile(bytesOf(lines)).catch((error: unknown) => error);

  expect(refused).toBeInstanceOf(AppError);
  expect((refused as AppError).violations.map(({ field, reason }) => `${field} ${reason}`)).toEqual(faults);
});

test('a refusal names at most 100 faults', async () => {
  const refused = await readFlowFile(bytesOf(Array.from({ length: 300 }, () => 'x'))).catch((error: unknown) => error);

  expect((refused as AppError).violations).toHaveLength(100);
});
