import { platformContract } from '@rapport/contracts';

/** Services that are printed from the message of a record type, but that of customers. All share their code. */
const printed = new Set(
  platformContract()
    .methods.filter(({ name }) => /^BatchGet(?!Customers$)/.test(name))
    .map(serviceOf),
);

/** Whether a method has the code of customers, for another type. */
export function isLikeCustomers(method: { path: string }): boolean {
  return printed.has(serviceOf(method));
}

function serviceOf({ path }: { path: string }): string {
  return path.slice(0, path.lastIndexOf('/'));
}
