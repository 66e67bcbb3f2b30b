/**
 * The area of the contract that a gRPC path belongs to: methods of `rapport.<area>.v1` are served by the service of that name.
 *
 * @throws Error for a path of another form
 */
export function areaOf(path: string): string {
  const area = /^\/rapport\.([a-z]+)\.v\d+\./.exec(path)?.[1];
  if (!area) throw new Error(`${path} is in no area of the contract.`);
  return area;
}
