import { domainToASCII, domainToUnicode } from 'node:url';

/**
 * The spellings of a domain in lower case: in ASCII (RFC 5891), as it is given, and in Unicode. One for most domains, since only
 * internationalized ones have several.
 */
export function domainSpellings(domain: string): [inAscii: string, ...others: string[]] {
  if (/^[ -~]*$/.test(domain) && !domain.includes('xn--')) return [domain];
  const inAscii = domainToASCII(domain) || domain;
  const others = new Set([domain, domainToUnicode(domain) || domain]);
  others.delete(inAscii);
  return [inAscii, ...others];
}

/** The spellings of an e-mail address in lower case, that of its domain in ASCII first. */
export function emailSpellings(address: string): [inAscii: string, ...others: string[]] {
  const text = address.toLowerCase();
  const at = text.lastIndexOf('@');
  const [inAscii, ...others] = domainSpellings(text.slice(at + 1)).map((domain) => text.slice(0, at + 1) + domain);
  return [inAscii!, ...others];
}

/** One text for all spellings of an e-mail address. */
export function emailIdentity(address: string): string {
  return emailSpellings(address)[0];
}
