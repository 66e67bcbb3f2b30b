/** Ids by collection: the path after `/v1/`, such as `customers`. */
export type Ids = Readonly<Record<string, string>>;

type Make = () => Promise<string>;
export type Makers = Readonly<Record<string, Make>>;

/** Fewer than the calls that a tenant may have at the database at once. */
const makersAtOnce = 6;

/** Makes a record of each collection. @throws Error for one without a maker */
export async function makeEach(makers: Makers, wanted: readonly string[] = Object.keys(makers)): Promise<Ids> {
  const left = [...new Set(wanted)];
  const made: [collection: string, id: string][] = [];
  const makeNext = async () => {
    for (let collection = left.shift(); collection !== undefined; collection = left.shift()) {
      const make = makers[collection];
      if (!make) throw new Error(`Add to tenant-records.ts how a record of ${collection} is created.`);
      made.push([collection, await make()]);
    }
  };
  await Promise.all(Array.from({ length: makersAtOnce }, makeNext));
  return Object.fromEntries(made);
}
