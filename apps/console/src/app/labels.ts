import { theContract } from '../contract/contract.ts';

/**
 * Names of what the contract has, in the reader's language: those of the catalog, or made of the contract's own.
 *
 * @param find the text of a key in the catalog
 */
export function labelsOf(find: (key: string) => string | undefined) {
  const value = (type: string, name: string) =>
    find(`enum.${type}.${name}`) ?? find(`enum.${name}`) ?? words(name.toLowerCase());
  return {
    /** Such as `Customers` of `customers`. */
    resource: (name: string) => find(`resource.${name}`) ?? words(lastWord(name)),
    singular: (name: string) => find(`singular.${name}`) ?? words(lastWord(name)),
    /** Within a sentence, such as `customer` and `API key`. */
    one: (name: string) => inSentence(find(`singular.${name}`) ?? words(lastWord(name))),
    /** Such as `Lifecycle stage` of `lifecycleStage`. */
    field: (message: string, name: string) => find(`field.${message}.${name}`) ?? find(`field.${name}`) ?? words(name),
    /** Such as `Lead` of `LEAD`. */
    value,
    /** The values of an enum, to choose from. */
    values: (type: string) =>
      theContract()
        .enumValues(type)
        .map(({ name }) => ({ id: name, name: value(type, name) })),
    /** Such as `Merge customers` of `mergeCustomers`. */
    operation: (id: string) =>
      find(`op.${id}`) ?? composedName(id, find) ?? words(id).replace(/\b(?:api|sla)\b/, (each) => each.toUpperCase()),
    /** The sentence of an error by its code, or its kind, with the names of its values; undefined where only the server's own is known. */
    error: (code: string, status = 0) => find(`error.${code}`) ?? find(`error.${status >= 500 ? 500 : status}`),
    /** What is wrong with a value, by its code and with the limit of the server's own sentence; else that sentence. */
    fault: (code: string, sentence: string) => {
      const known = find(`error.value.${code}`) ?? find(`error.${code}`) ?? sentence;
      const [limit = ''] = /\d[\d,.]*(?<=\d)/.exec(sentence) ?? [];
      const isKnown = limit !== '' || !known.includes('{limit}');
      return isKnown ? known.replace('{limit}', limit) : sentence;
    },
  };
}

/** Of a standard operation in a language that has its verb: `新建{noun}` with the name of the resource for `createCustomer`. */
function composedName(id: string, find: (key: string) => string | undefined): string | undefined {
  const [, verb = '', noun = ''] =
    /^(batch(?:Get|Create|Update|Delete)|create|get|list|update|(?:un)?delete|aggregate|export|import|upsert)(\w+)$/.exec(
      id,
    ) ?? [];
  const pattern = find(`verb.${verb}`);
  if (pattern === undefined) return undefined;
  const wanted = noun.toLowerCase();
  const resource = theContract().resources.find(({ name, message, items }) =>
    [name, message, items].some((each) => each.toLowerCase() === wanted),
  );
  return resource && pattern.replace('{noun}', find(`resource.${resource.name}`) ?? words(resource.name));
}

/** Abbreviations stay as they are: `API key`. */
export function inSentence(name: string): string {
  return /^[A-Z]{2}|^OAuth/.test(name) ? name : name.charAt(0).toLowerCase() + name.slice(1);
}

/** Of a path: `records` of `objects/{object}/records`. */
function lastWord(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** `lifecycleStage` and `sales_qualified` as words: `Lifecycle stage`, `Sales qualified`. */
export function words(name: string): string {
  const spaced = name
    .replaceAll('_', ' ')
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** A key for a name: `spring_catalogue` for `Spring catalogue!`. Without Latin letters it is empty, or of the `kind` and the time. */
export function keyOfName(name: string, kind?: string): string {
  const latin =
    name
      .normalize('NFKD')
      .toLowerCase()
      .match(/[a-z0-9]+/g) ?? [];
  const key = latin
    .join('_')
    .replace(/^[_0-9]+/, '')
    .slice(0, 40);
  return key === '' && kind !== undefined ? `${kind}_${Date.now().toString(36)}` : key;
}
