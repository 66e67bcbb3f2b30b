/** Areas without their own service, and the service that serves them: they share its database and its transactions. */
const servedBy: Readonly<Record<string, string>> = {
  content: 'customers',
  flows: 'sync',
  mail: 'sync',
  marketing: 'customers',
  objects: 'customers',
  sales: 'customers',
  support: 'customers',
  work: 'customers',
};

/**
 * The service that serves a gRPC path, by its area of the contract: methods of `rapport.<area>.v1` are served by the service of that
 * name, or by the one that serves their area too.
 *
 * @throws Error for a path of another form
 */
export function areaOf(path: string): string {
  const area = /^\/rapport\.([a-z]+)\.v\d+\./.exec(path)?.[1];
  if (!area) throw new Error(`${path} is in no area of the contract.`);
  return servedBy[area] ?? area;
}
