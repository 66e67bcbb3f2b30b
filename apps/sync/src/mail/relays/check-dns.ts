import {
  DnsCheckState,
  type DnsCheck,
  type DnsRecord,
  type SendingDomain,
} from '@rapport/contracts/rapport/mail/v1/relays_service';
import { dmarc, spf, type DNSResolver } from 'mailauth';
import { dkimRecord } from './dkim-key.js';
import type { StoredDkim } from './relay.entity.js';

/** What the records of a domain are compared with. */
export interface DnsExpectation {
  /** The domain of the senders that relays see, which SPF is about. */
  envelopeDomain: string;
  /** Address of the host of the relay. Absent if the host has none that may be called. */
  address?: string | undefined;
  dkim?: StoredDkim | null | undefined;
}

/** What is said about a record. */
type Finding = Pick<DnsCheck, 'state' | 'reason' | 'description'>;

const unanswered: Finding = {
  ...{ state: DnsCheckState.UNANSWERED, reason: 'NO_ANSWER', description: 'No name server has answered.' },
};

/** Looks up the records of a domain that mail is sent from by a relay. */
export async function checkDomain(
  domain: string,
  { envelopeDomain, address, dkim }: DnsExpectation,
  resolver: DNSResolver,
): Promise<SendingDomain> {
  const [ofSpf, ofDkim, nextDkim, ofDmarc] = await Promise.all([
    checkSpf(envelopeDomain, address, resolver),
    checkSignature(domain, dkim, resolver),
    dkim?.nextKey ? checkKey(dkimRecord(dkim.domain, dkim.nextKey), resolver) : undefined,
    checkDmarc(domain, resolver),
  ]);
  return { domain, spf: ofSpf, dkim: ofDkim, nextDkim, dmarc: ofDmarc };
}

async function checkSpf(domain: string, address: string | undefined, resolver: DNSResolver): Promise<DnsCheck> {
  const found = await textsOf(domain, /^v=spf1(?: |$)/i, resolver);
  const fault = faultOfSet(found, 'SPF');
  if (fault) return { name: domain, value: found?.[0], ...fault };
  const value = found?.[0];
  return { name: domain, value, ...(await judgeSpf(domain, value ?? '', address, resolver)) };
}

async function judgeSpf(
  domain: string,
  value: string,
  address: string | undefined,
  resolver: DNSResolver,
): Promise<Finding> {
  if (/(?:^| )\+?all(?: |$)/i.test(value)) return wrong('PERMITS_ALL', 'The record permits all servers of the world.');
  if (address === undefined) return unsure('HOST_UNKNOWN', 'The host of the relay has no public address.');
  const { status } = await spf({ sender: `postmaster@${domain}`, ip: address, helo: domain, resolver });
  switch (status.result) {
    case 'pass':
      return { state: DnsCheckState.PASSED };
    case 'temperror':
      return unanswered;
    case 'permerror':
      return wrong('INVALID', 'The record cannot be evaluated: it has a fault, or needs more than 10 lookups.');
    default:
      return unsure(
        'HOST_NOT_NAMED',
        'The record does not permit the address of the host. It must permit the addresses that the relay sends from.',
      );
  }
}

async function checkSignature(domain: string, dkim: DnsExpectation['dkim'], resolver: DNSResolver): Promise<DnsCheck> {
  if (!dkim?.key) {
    return { name: `_domainkey.${domain}`, ...unsure('NO_KEY', 'The relay has no active key: Rapport does not sign.') };
  }
  const check = await checkKey(dkimRecord(dkim.domain, dkim.key), resolver);
  if (check.state !== DnsCheckState.PASSED) return check;
  const result = await dmarc({ headerFrom: `postmaster@${domain}`, dkimDomains: [{ domain: dkim.domain }], resolver });
  // Without a DMARC record there is no alignment, and the check of that record says so.
  if (!result || result.rr === undefined || result.alignment.dkim.result) return check;
  return {
    ...check,
    ...wrong('NOT_ALIGNED', `Signatures of ${dkim.domain} do not count for senders of ${domain} (DMARC).`),
  };
}

/** Compares a published key with the one of the relay. */
async function checkKey({ name, value: expected }: DnsRecord, resolver: DNSResolver): Promise<DnsCheck> {
  const found = await textsOf(name, /(?:^|;)\s*p\s*=/, resolver);
  const fault = faultOfSet(found, 'DKIM');
  const value = found?.[0];
  if (fault) return { name, value, ...fault };
  const [published, own] = [tagsOf(value ?? ''), tagsOf(expected)];
  if (published.get('p') === '')
    return { name, value, ...wrong('REVOKED', 'The record revokes the key: it is empty.') };
  const isSame = published.get('p') === own.get('p') && (published.get('k') ?? 'rsa') === own.get('k');
  return {
    name,
    value,
    ...(isSame ? { state: DnsCheckState.PASSED } : wrong('OTHER_KEY', 'The record has another key.')),
  };
}

async function checkDmarc(domain: string, resolver: DNSResolver): Promise<DnsCheck> {
  const name = `_dmarc.${domain}`;
  const result = await dmarc({ headerFrom: `postmaster@${domain}`, resolver });
  if (!result || result.status.result === 'temperror') return { name, ...unanswered };
  if (result.rr !== undefined) {
    return { name: `_dmarc.${result.policyDomain ?? domain}`, value: result.rr, state: DnsCheckState.PASSED };
  }
  const found = await textsOf(name, /^v\s*=\s*DMARC1/i, resolver);
  const fault = faultOfSet(found, 'DMARC');
  return { name, value: found?.[0], ...(fault ?? wrong('INVALID', 'The record has no valid policy.')) };
}

/** @returns undefined without an answer */
async function textsOf(name: string, form: RegExp, resolver: DNSResolver): Promise<string[] | undefined> {
  try {
    const rows = await resolver(name, 'TXT');
    return rows.map((row) => (Array.isArray(row) ? row.join('') : row).trim()).filter((text) => form.test(text));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOTFOUND' || code === 'ENODATA' ? [] : undefined;
  }
}

/** What is wrong with a set of records of which there must be one. */
function faultOfSet(found: readonly string[] | undefined, kind: string): Finding | undefined {
  if (!found) return unanswered;
  if (found.length > 1) return wrong('SEVERAL_RECORDS', `There are several ${kind} records, so that none counts.`);
  if (found.length === 1) return undefined;
  return { state: DnsCheckState.MISSING, reason: 'NO_RECORD', description: `There is no ${kind} record.` };
}

/** The tags of a record (RFC 6376, section 3.2). White space within the key does not count. */
function tagsOf(record: string): Map<string, string> {
  const tags = record.split(';').map((tag) => {
    const [name = '', ...value] = tag.split('=');
    return [name.trim(), value.join('=').replaceAll(/\s/g, '')] as const;
  });
  return new Map(tags);
}

function wrong(reason: string, description: string): Finding {
  return { state: DnsCheckState.WRONG, reason, description };
}

function unsure(reason: string, description: string): Finding {
  return { state: DnsCheckState.UNSURE, reason, description };
}
