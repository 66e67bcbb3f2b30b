import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** IPv4 networks that are not public (IANA's special-purpose registry), and addresses of cloud platforms. */
const privateIPv4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4'],
  // Azure's wire server, which has a public address.
  '168.63.129.16/32',
];

/** Of IPv6 only this is the public internet, */
const publicIPv6 = ['2000::/3'];

/** without what leads to IPv4 addresses (Teredo, 6to4), and what is for documents, benchmarks and identifiers. */
const privateIPv6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const [private4, public6, private6] = [
  networks(privateIPv4, 'ipv4'),
  networks(publicIPv6, 'ipv6'),
  networks(privateIPv6, 'ipv6'),
];

/**
 * Whether an address is not certainly public: of this machine, a private network, or unassigned.
 *
 * @param address in the form of `socket.remoteAddress` or DNS
 */
export function isPrivateAddress(address: string): boolean {
  if (isIPv4(address)) return private4.check(address, 'ipv4');
  // BlockList tests a mapped IPv4 address as IPv4, which `public6` does not contain.
  return !isIPv6(address) || !public6.check(address, 'ipv6') || private6.check(address, 'ipv6');
}

function networks(ranges: readonly string[], type: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', prefix] = range.split('/');
    list.addSubnet(network, Number(prefix), type);
  }
  return list;
}
