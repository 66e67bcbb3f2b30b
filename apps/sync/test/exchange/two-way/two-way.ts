import { printTally, soakTimeoutMs } from '@rapport/testing';
import { expect, vi } from 'vitest';
import type { Conflict, ExchangeTenant, Run } from '../exchange-tenant.ts';
import { Edits, texts, type Content, type Person, type Side } from './edits.ts';
import { Random } from './random.ts';

export interface TwoWayOptions {
  /** Of the test, for its tally. */
  name: string;
  tenant: ExchangeTenant;
  mappingId: string;
  customers: Side;
  peer: Side;
  /** Of the records, when it is not texts. */
  content?: Content;
  seed: number;
  /** At the beginning, half of them on each side. */
  records: number;
  /** Edits after that; for the duration of a bench. */
  goesOn: (edits: number) => boolean;
  /** Kills and starts again something, one after the other in turn. */
  kills: (() => Promise<void>)[];
  /** Edits between two kills. */
  editsPerKill: number;
}

export type TwoWayResult = Record<'edits' | 'kills' | 'conflicts' | 'pairs', number>;

/** A comparison reads both sides, and after a kill it takes seconds until they are equal. */
const seldom = { interval: 1_000 };

/** Edits that go on while a process is killed and starts again. */
const maxAhead = 30;

interface Turn {
  isOver: boolean;
  made: number;
  kills: number;
}

/**
 * Has people edit both sides at random while processes are killed, waits until it is quiet, and finds out whether both sides are equal
 * but for what is listed, nothing is there twice, no edit is lost, and nothing is written any more.
 */
export async function twoWay(options: TwoWayOptions): Promise<TwoWayResult> {
  const { name, tenant, mappingId, customers, peer, seed } = options;
  const edits = new Edits();
  await seedRecords(options, edits);
  // A create that a kill interrupts is retried, and restores a record that was deleted before the retry (docs/connectors.md). During the
  // first exchange a create is always in progress.
  await tenant.untilEqual(mappingId, undefined, seldom);
  const turn: Turn = { isOver: false, made: 0, kills: 0 };
  const working = [
    editAtRandom(customers, options, edits, turn, seed + 1),
    editAtRandom(peer, options, edits, turn, seed + 2),
  ];
  await Promise.all([...working, killInTurn(options, turn)]);

  await tenant.untilEqual(mappingId, undefined, seldom);
  const conflicts = await tenant.conflicts(mappingId);
  const sides = { customers: await customers.all(), peer: await peer.all() };
  expect(faults(edits, sides, conflicts, options.content)).toEqual([]);
  await expectQuiet(tenant, mappingId, { customers, peer });
  const result = {
    ...{ edits: edits.count, kills: turn.kills },
    ...{ conflicts: conflicts.length, pairs: sides.customers.length },
  };
  printTally(name, result);
  return result;
}

async function seedRecords({ customers, peer, records, content }: TwoWayOptions, edits: Edits): Promise<void> {
  for (let index = 0; index < records; index += 1) {
    await createOn(index % 2 === 0 ? customers : peer, `P${index}`, edits, content);
  }
}

async function createOn(side: Side, key: string, edits: Edits, content = texts): Promise<void> {
  const values = Object.fromEntries(content.fields.map((field) => [field, content.value(field, key, 'begins')]));
  edits.created(side.name, key, values);
  await side.create(key, values);
}

async function editAtRandom(
  side: Side,
  { goesOn, kills, editsPerKill, content = texts }: TwoWayOptions,
  edits: Edits,
  turn: Turn,
  seed: number,
): Promise<void> {
  const random = new Random(seed);
  for (let number = 0; goesOn(turn.made); number += 1) {
    // Looking at all each time would be most of the work.
    const people = (await side.all()).filter(({ key }) => key.startsWith('P'));
    for (let step = 0; step < 10 && goesOn(turn.made); step += 1) {
      // A process takes longer to start than many edits take.
      const mayGoOn = () =>
        kills.length === 0 || turn.isOver || turn.made <= (turn.kills + 1) * editsPerKill + maxAhead;
      await vi.waitUntil(mayGoOn, { timeout: soakTimeoutMs, interval: 20 });
      await editOnce(side, people, edits, random, content, `${side.name === 'peer' ? 'Q' : 'C'}${number}-${step}`);
      turn.made += 1;
    }
  }
  turn.isOver = true;
}

async function editOnce(
  side: Side,
  people: Person[],
  edits: Edits,
  random: Random,
  content: Content,
  name: string,
): Promise<void> {
  const dice = random.below(100);
  const person = random.of(people);
  if (dice < 6 || !person) return createOn(side, `P${name}`, edits, content);
  const place = people.indexOf(person);
  if (dice < 10) {
    people.splice(place, 1);
    if (await side.remove(person)) edits.removed.add(person.key);
    return;
  }
  if (dice < 12 && side.merge) {
    const other = random.of(people.filter((one) => one !== person));
    if (!other) return;
    people.splice(people.indexOf(other), 1);
    if (await side.merge(person, other)) {
      edits.merged.add(person.key);
      edits.removed.add(other.key);
    }
    return;
  }
  const field = random.of(content.fields) ?? '';
  const value = content.value(field, person.key, name);
  const seen = person.values[field];
  if (await side.edit(person, field, value)) {
    edits.edited(side.name, person.key, field, value, seen);
    person.values[field] = value;
  } else {
    people.splice(place, 1);
  }
}

async function killInTurn({ kills, editsPerKill }: TwoWayOptions, turn: Turn): Promise<void> {
  for (;;) {
    const isDue = () => turn.made >= (turn.kills + 1) * editsPerKill;
    await vi.waitUntil(() => turn.isOver || isDue(), { timeout: soakTimeoutMs });
    // Edits may be over before the first kill is looked for.
    if (!isDue()) return;
    await kills[turn.kills % kills.length]?.();
    turn.kills += 1;
  }
}

/** What is wrong with the sides now that it is quiet. */
function faults(
  edits: Edits,
  sides: { customers: Person[]; peer: Person[] },
  conflicts: Conflict[],
  content = texts,
): string[] {
  const listed = new Set(conflicts.flatMap(({ customerId, recordId }) => [customerId ?? [], recordId ?? []].flat()));
  return edits.keys.flatMap((key) => {
    const customers = sides.customers.filter((person) => person.key === key);
    const records = sides.peer.filter((person) => person.key === key);
    const isListed = [...customers, ...records].some(({ id }) => listed.has(id));
    const counts = [customers.length, records.length] as const;
    return [
      ...placeFaults(edits, key, counts, isListed),
      ...valueFaults(edits, key, [...customers, ...records], isListed, content),
    ];
  });
}

function placeFaults(
  edits: Edits,
  key: string,
  [customers, records]: readonly [number, number],
  isListed: boolean,
): string[] {
  const [isRemoved, isThere] = [edits.removed.has(key), customers + records > 0];
  const found: [boolean, string][] = [
    [customers > 1 || records > 1, `${key} is there ${customers} and ${records} times`],
    [customers !== records && !isListed, `${key} is on one side only`],
    [!isThere && !isRemoved, `${key} is gone`],
    [customers > 0 && records > 0 && isRemoved && !isListed, `${key} is back`],
  ];
  return found.flatMap(([isWrong, fault]) => (isWrong ? [fault] : []));
}

function valueFaults(
  edits: Edits,
  key: string,
  people: Person[],
  isListed: boolean,
  { fields, isUnique }: Content,
): string[] {
  if (edits.merged.has(key) || edits.removed.has(key)) return [];
  return fields.flatMap((field) => {
    const possible = edits.possible(key, field, isListed);
    const values = people.map((person) => person.values[field]);
    const isLost = isUnique(field) && values.some((value) => !possible.includes(value ?? ''));
    const isUnequal = new Set(values).size > 1 && !isListed;
    return [
      ...(isLost ? [`${key} ${field}: ${values.join(' | ')} instead of ${possible.join(' or ')}`] : []),
      ...(isUnequal ? [`${key} ${field} differs: ${values.join(' | ')}`] : []),
    ];
  });
}

/** Nothing is written any more, however often the sides are compared and exchanged. */
async function expectQuiet(
  tenant: ExchangeTenant,
  mappingId: string,
  { customers, peer }: Pick<TwoWayOptions, 'customers' | 'peer'>,
): Promise<void> {
  const both = async () =>
    JSON.stringify([await tenant.customers().then((all) => [...all]), await customers.all(), await peer.all()]);
  const before = await both();
  for (const kind of ['EXCHANGE', 'RECONCILE', 'EXCHANGE']) {
    const run = await runUndisturbed(tenant, mappingId, kind);
    expect(run).toMatchObject({ state: 'SUCCEEDED' });
    const written = Object.entries(run.counts).filter(
      ([name, count]) => /^(customers|records)/.test(name) && count > 0,
    );
    expect(written).toEqual([]);
  }
  expect(await both()).toBe(before);
}

/** A run during which nothing was away: suites beside this one may have killed it. */
async function runUndisturbed(tenant: ExchangeTenant, mappingId: string, kind: string): Promise<Run> {
  const undisturbed = async () => {
    const run = await tenant.run(mappingId, { kind });
    return run.errorReason?.endsWith('_UNAVAILABLE') ? undefined : run;
  };
  return vi.waitUntil(undisturbed, { timeout: soakTimeoutMs });
}
