import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';

/** Authority, host and port of a target; an IPv6 address has brackets. */
const targetForm = /^(?:dns:\/\/([^/]*)\/)?\[?([^\]]+?)\]?:(\d+)$/;

/**
 * The addresses of a service's replicas, as `host:port`: all current addresses of its name, from the target's name server
 * if it has one. Empty while the name can't be resolved.
 *
 * @param target `host:port`, or `dns://[name server]/host:port`
 */
export async function replicaAddresses(target: string): Promise<string[]> {
  const [, nameServer = '', host = '', port = ''] = targetForm.exec(target) ?? [];
  const hosts = isIP(host) ? [host] : await resolve(host, nameServer).catch(() => []);
  return hosts.map((address) => (isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`));
}

async function resolve(host: string, nameServer: string): Promise<string[]> {
  if (nameServer === '') return (await lookup(host, { all: true })).map(({ address }) => address);
  const resolver = new Resolver();
  resolver.setServers([nameServer]);
  const families = await Promise.all(
    [resolver.resolve4(host), resolver.resolve6(host)].map((found) => found.catch(() => [])),
  );
  return families.flat();
}
