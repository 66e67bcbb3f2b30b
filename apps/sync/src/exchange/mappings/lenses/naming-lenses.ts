import type { FieldLens } from './lens.js';

/** The users of a tenant, by id and by e-mail address in lower case. */
export interface Users {
  emailOf: (id: string) => string | undefined;
  idOf: (email: string) => string | undefined;
}

/** The owner of a customer, and a text with the e-mail address or id of a user. The view of an unknown owner is its id. */
export function ownerLens({ emailOf, idOf }: Users): FieldLens {
  const known = (text: string) => (emailOf(text) === undefined ? idOf(text) : text);
  const seen = (text: string) => emailOf(text) ?? text;
  const lens: FieldLens = {
    ofCustomer: (value) => (typeof value === 'string' ? seen(value) : value),
    ofPeer: (value) => (typeof value === 'string' ? seen(value.trim().toLowerCase()) || null : value),
    toCustomer: (view) => (typeof view === 'string' ? (known(view) ?? view) : view),
    toPeer: (view, current) => (view !== null && lens.ofPeer(current) === view ? current : view),
    faults: (view) =>
      view === null || (typeof view === 'string' && known(view) !== undefined)
        ? []
        : [{ description: 'is neither the e-mail address nor the id of a user.' }],
  };
  return lens;
}

/** A value of an enum, such as a lifecycle stage, and its name in a text, such as `Former customer`. */
export function optionLens(options: readonly string[]): FieldLens {
  const lens: FieldLens = {
    ofCustomer: (value) => value,
    ofPeer: (value) => {
      if (typeof value !== 'string') return value;
      const name = value
        .trim()
        .toUpperCase()
        .replace(/[\s_-]+/g, '_');
      return options.find((option) => option === name) ?? (value.trim() || null);
    },
    toCustomer: (view) => view,
    toPeer: (view, current) => (view !== null && lens.ofPeer(current) === view ? current : view),
    faults: (view) =>
      view === null || options.some((option) => option === view)
        ? []
        : [{ description: `must be one of ${options.join(', ')}.` }],
  };
  return lens;
}
