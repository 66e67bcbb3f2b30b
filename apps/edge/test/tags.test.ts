import { Contract, fileDescriptorSet, restRoutes } from '@rapport/contracts';
import { describe, expect, it } from 'vitest';
import { floorsOfChange, floorsOfRead, floorsOfWrite } from './tags.js';

const routes = restRoutes(new Contract(fileDescriptorSet));

function route(name: string) {
  const found = routes.find(({ method }) => method.name === name);
  if (!found) throw new Error(`There is no ${name}.`);
  return found;
}

function read(name: string, request: Record<string, unknown>): string[] {
  return floorsOfRead(route(name))?.('t', request) ?? [];
}

function write(name: string, request: Record<string, unknown>, answer?: Record<string, unknown>): string[] {
  return floorsOfWrite(route(name))?.('t', request, answer) ?? [];
}

function meets(first: string[], second: string[]): boolean {
  return first.some((floor) => second.includes(floor));
}

const one = read('GetCustomer', { id: '1' });
const two = read('GetCustomer', { id: '2' });
const both = read('BatchGetCustomers', { ids: ['1', '2'] });
const list = read('ListCustomers', {});

describe('a write to', () => {
  it('one record meets that record wherever it is, and every list', () => {
    const raised = write('UpdateCustomer', { id: '1', customer: {} }, { id: '1' });
    expect([one, two, both, list].map((read) => meets(raised, read))).toEqual([true, false, true, true]);
  });

  it('a record that gets its id in the answer meets that record', () => {
    const raised = write('UpsertCustomer', { customer: { id: '' } }, { customer: { id: '2' } });
    expect([one, two].map((read) => meets(raised, read))).toEqual([false, true]);
  });

  it('several records meets each of them, and none for a batch that did nothing', () => {
    const results = [{ customer: { id: '1' } }, { problem: {} }];
    const raised = write('BatchUpdateCustomers', { batch: {} }, { results });
    expect([one, two].map((read) => meets(raised, read))).toEqual([true, false]);
    expect(write('BatchUpdateCustomers', { batch: {} }, { results: [{ problem: {} }] })).toEqual([]);
  });

  it.each([
    [
      'more records than are told apart',
      { results: Array.from({ length: 101 }, (_, n) => ({ customer: { id: `${n + 5}` } })) },
    ],
    ['records that nobody has named', undefined],
    ['records that the answer does not name', {}],
  ])('%s meets all records of the type', (_case, answer) => {
    const raised = write('BatchUpdateCustomers', { batch: {} }, answer);
    expect([one, two, both, list].every((read) => meets(raised, read))).toBe(true);
  });

  it('the whole type meets all records and lists', () => {
    const raised = write('ImportCustomers', {});
    expect([one, two, both, list].every((read) => meets(raised, read))).toBe(true);
  });

  it('nothing, when it only validates, meets nothing', () => {
    expect(write('UpdateCustomer', { id: '1', customer: {}, validateOnly: true }, { id: '1' })).toEqual([]);
  });

  it('another tenant meets nothing', () => {
    expect(meets(floorsOfChange('other', 'customer', undefined), list)).toBe(false);
  });
});

it('every method of the contract that can be kept has tags that can be read', () => {
  expect(() => routes.map((each) => [floorsOfRead(each), floorsOfWrite(each)])).not.toThrow();
});
