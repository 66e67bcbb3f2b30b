import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../two-way/random.ts';

const sample = join(import.meta.dirname, '../../../../customers/test/samples/febrl-dataset3-5000.csv');

/** A person as one system has it. */
export interface Entry {
  /** Which one it is; no system knows that. */
  person: string;
  name: string;
  birthDate: string | undefined;
  phone: string | undefined;
  email: string | undefined;
}

/** A row of a table. */
export interface RecordEntry extends Entry {
  id: string;
  /** Whether it has at least two things in common with each customer of its person, letter by letter, or an address or number. */
  isLike: boolean;
}

export interface TwoSystems {
  customers: Entry[];
  records: RecordEntry[];
  personOfRecord: ReadonlyMap<string, string>;
  /** Records that have to be paired: one customer and one record have the address, and both agree in name and birth date. */
  certain: readonly RecordEntry[];
}

interface Row {
  original: Entry;
  duplicates: Entry[];
}

/**
 * People split in two systems: the originals are customers, and what others have typed of them are records. Of six, one is only here and
 * one only there; some are twice on one side, have another address there than here, or the address of another person.
 */
export function twoSystems(seed: number, count: number): TwoSystems {
  const numbers = new Random(seed);
  const random = () => numbers.below(1_000_000) / 1_000_000;
  const people = readPeople()
    .map((row) => ({ row, place: random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ row }) => row)
    .slice(0, count);
  const customers: Entry[] = [];
  const records: RecordEntry[] = [];
  for (const [index, { original, duplicates }] of people.entries()) {
    const address = `p${index}@mail.example`;
    const [isOnlyHere, isOnlyThere] = [index % 6 === 0, index % 6 === 1];
    const own: Entry[] = isOnlyThere ? [] : [{ ...original, email: random() < 0.9 ? address : undefined }];
    const [second, ...more] = duplicates;
    // The same person twice here: never with one address, which only one customer can have.
    if (own.length > 0 && more[0] && random() < 0.1) own.push({ ...more[0], email: undefined });
    customers.push(...own);
    const typed = isOnlyHere || !second ? [] : [second, ...(more[1] && random() < 0.1 ? [more[1]] : [])];
    for (const entry of typed) {
      const email = emailThere(address, index, random());
      const record = { ...entry, email, id: String(records.length + 1) };
      records.push({ ...record, isLike: own.every((customer) => areLike(customer, record)) });
    }
  }
  const personOfRecord = new Map(records.map(({ id, person }) => [id, person]));
  return {
    customers,
    records,
    personOfRecord,
    certain: records.filter((record) => isCertain(record, customers, records)),
  };
}

function isCertain(record: RecordEntry, customers: readonly Entry[], records: readonly RecordEntry[]): boolean {
  if (record.email === undefined) return false;
  const [customer, ...others] = customers.filter(({ email }) => email === record.email);
  const isOnlyOne = others.length === 0 && records.filter(({ email }) => email === record.email).length === 1;
  return isOnlyOne && customer?.name === record.name && customer.birthDate === record.birthDate;
}

/** Whether another record has the address of this one. */
export function sharesAddress({ records }: TwoSystems, recordId: string | undefined): boolean {
  const email = records.find(({ id }) => id === recordId)?.email;
  return email !== undefined && records.some((other) => other.id !== recordId && other.email === email);
}

/** Of ten, six have the same address in both systems, two another, one none, and one that of the next person. */
function emailThere(address: string, index: number, chance: number): string | undefined {
  if (chance < 0.6) return address;
  if (chance < 0.8) return `p${index}@other.example`;
  return chance < 0.9 ? undefined : `p${index + 1}@mail.example`;
}

function areLike(one: Entry, other: Entry): boolean {
  const isSame = (field: 'birthDate' | 'phone' | 'email') => one[field] !== undefined && one[field] === other[field];
  if (isSame('email') || isSame('phone')) return true;
  const words = one.name.split(' ').filter((word) => other.name.split(' ').includes(word));
  return words.length + (isSame('birthDate') ? 1 : 0) > 1;
}

function readPeople(): Row[] {
  const rows = new Map<string, { original?: Entry; duplicates: Entry[] }>();
  for (const line of readFileSync(sample, 'utf8').trim().split('\n').slice(1)) {
    const [id = '', given, family, , , , , , , born = '', number] = line.split(',').map((value) => value.trim());
    const [, person = '', kind] = /^rec-(\d+)-(org|dup)/.exec(id) ?? [];
    const row = rows.get(person) ?? { duplicates: [] };
    rows.set(person, row);
    const entry = {
      person,
      name: [given, family].filter(Boolean).join(' '),
      birthDate: /^(\d{4})(\d\d)(\d\d)$/.test(born) ? born.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3') : undefined,
      phone: number ? `+6128${number}` : undefined,
      email: undefined,
    };
    // Customers need a name, and dates that there are.
    if (entry.name === '' || (entry.birthDate && Number.isNaN(Date.parse(entry.birthDate)))) continue;
    if (kind === 'org') row.original = entry;
    else row.duplicates.push(entry);
  }
  return [...rows.values()].flatMap(({ original, duplicates }) => (original ? { original, duplicates } : []));
}
