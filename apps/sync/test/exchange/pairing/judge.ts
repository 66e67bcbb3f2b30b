import type { TwoSystems } from './two-systems.ts';

/** What the exchange has made of the people, by who they are. */
export function judge(
  { records, personOfRecord }: TwoSystems,
  personOfCustomer: ReadonlyMap<string, string>,
  links: readonly { customer_id: string | null; record_id: string | null }[],
): { pairs: number; wrongPairs: number; doubles: number; unlikeDoubles: number } {
  const pairs = links.flatMap(({ customer_id: customerId, record_id: recordId }) => {
    const [customer, record] = [personOfCustomer.get(customerId ?? ''), personOfRecord.get(recordId ?? '')];
    return customer !== undefined && record !== undefined ? [{ customer, record }] : [];
  });
  const here = new Set(personOfCustomer.values());
  // A record of a person that is here already, and got a customer of its own.
  const doubled = links.filter(({ customer_id: customerId, record_id: recordId }) => {
    const person = personOfRecord.get(recordId ?? '');
    return person !== undefined && customerId !== null && here.has(person) && !personOfCustomer.has(customerId);
  });
  const there = new Set(personOfRecord.values());
  const copied = links.filter(({ customer_id: customerId, record_id: recordId }) => {
    const person = personOfCustomer.get(customerId ?? '');
    return person !== undefined && recordId !== null && there.has(person) && !personOfRecord.has(recordId);
  });
  const unlike = new Set(records.filter(({ isLike }) => !isLike).map(({ person }) => person));
  const people = [
    ...doubled.map(({ record_id: id }) => personOfRecord.get(id ?? '') ?? ''),
    ...copied.map(({ customer_id: id }) => personOfCustomer.get(id ?? '') ?? ''),
  ];
  return {
    pairs: pairs.length,
    wrongPairs: pairs.filter(({ customer, record }) => customer !== record).length,
    doubles: people.filter((person) => !unlike.has(person)).length,
    unlikeDoubles: people.filter((person) => unlike.has(person)).length,
  };
}
