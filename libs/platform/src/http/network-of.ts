import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * The network that counters and limits group an address under: an IPv4 address alone, also one in IPv4-mapped IPv6 notation
 * (RFC 4291, section 2.5.5.2), and the /64 of any other IPv6 address, because providers assign a whole /64 to one customer. All
 * spellings of an address give the same network. Any other text is returned unchanged.
 */
export function networkOf(address: string): string {
  // ipaddr.js also accepts abbreviated and octal IPv4 addresses, which no socket reports.
  if (!isIPv6(address)) return address;
  const parsed = ipaddr.IPv6.parse(address);
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().toString();
  return parsed.parts
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':');
}

/**
 * The block of addresses that limits of public pages count together: a /24 of IPv4, and a /56 of IPv6, which a provider assigns to one
 * site. All spellings of an address give the same block. Any other text is returned unchanged.
 */
export function blockOf(address: string): string {
  const network = networkOf(address);
  const groups = network.split(':');
  if (groups.length === 4)
    return `${groups.slice(0, 3).join(':')}:${(parseInt(groups[3] ?? '', 16) & 0xff00).toString(16)}`;
  return isIPv4(network) ? network.slice(0, network.lastIndexOf('.')) : network;
}
