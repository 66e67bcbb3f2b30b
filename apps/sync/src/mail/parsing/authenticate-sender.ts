import type { MessageAuthentication, MessageEnvelope } from '@rapport/contracts/rapport/content/v1/message';
import { authenticate, type DNSResolver } from 'mailauth';
import { boundedLookups } from '../bounded-lookups.js';

/** How the sender of a mail is authenticated. */
export interface AuthenticationRules {
  /** The mail server whose results are trusted. Without it, they are computed. */
  authservId?: string | undefined;
  /** The envelope of a mail that a client handed over. Its headers then say nothing about the host that sent it. */
  envelope?: MessageEnvelope | undefined;
  /** Resolves names; DNS by default. */
  resolver?: DNSResolver;
}

/** Bytes in which the headers are: mailparser reads no mail with more. */
const maxHeaders = 2_000_000;

/** mailauth joins the words of a Received header one by one, in quadratic time. Mail servers write some hundred characters. */
const maxReceived = 8_000;

/** For a mail with what no mail server writes: as if its domain did not vouch for it. */
const hostile: MessageAuthentication = { spf: 'none', dkim: 'none', dmarc: 'fail', arc: 'none' };

/**
 * Results of SPF, DKIM, DMARC and ARC for a mail. SPF takes the client from the envelope or, without one, from the first
 * Received header, which the server of the mailbox has added.
 *
 * @param results values of the Authentication-Results headers, in the order of the mail
 */
export async function authenticateSender(
  raw: Buffer,
  results: readonly string[],
  { authservId, envelope, resolver = boundedLookups() }: AuthenticationRules,
): Promise<MessageAuthentication> {
  const trusted = authservId === undefined ? undefined : statedResults(results, authservId);
  if (trusted) return trusted;
  if (hasLongReceived(raw)) return hostile;
  const { dkim, spf, dmarc, arc } = await authenticate(raw, {
    ...(envelope ? clientOf(envelope) : { trustReceived: true }),
    ...{ disableBimi: true, mta: 'rapport', resolver },
  });
  const signatures = dkim.results.map(({ status }) => status.result);
  return {
    spf: spf && (!envelope || envelope.clientAddress !== undefined) ? spf.status.result : 'none',
    dkim: signatures.includes('pass') ? 'pass' : (signatures[0] ?? 'none'),
    dmarc: dmarc ? dmarc.status.result : 'none',
    arc: arc ? arc.status.result : 'none',
  };
}

/** Headers begin as in mailauth, which adds lines without a name to the header before them. */
function hasLongReceived(raw: Buffer): boolean {
  const [headers = ''] = raw.toString('latin1', 0, maxHeaders).split(/\n\r?\n/, 1);
  const each = headers.split(/\n(?=[\x21-\x39\x3b-\x7e]+[ \t\r\n]*:)/);
  return each.some((header) => header.length > maxReceived && /^received/i.test(header));
}

function clientOf({ sender, clientAddress: ip }: MessageEnvelope) {
  return { ...(ip !== undefined && { ip }), ...(sender !== undefined && { sender: sender === '<>' ? '' : sender }) };
}

/** What a trusted server says (RFC 8601). It removes headers in its name that others have added. */
function statedResults(results: readonly string[], authservId: string): MessageAuthentication | undefined {
  for (const value of results) {
    const [server = '', ...parts] = withoutTexts(value).split(';');
    if (server.trim().split(/\s/)[0]?.toLowerCase() !== authservId.toLowerCase()) continue;
    const of = (method: string) => {
      const found = parts.flatMap((part) => {
        const [, name, result] = /^\s*([a-z]+)\s*=\s*([a-z]+)/i.exec(part) ?? [];
        return name?.toLowerCase() === method && result ? [result.toLowerCase()] : [];
      });
      return found.includes('pass') ? 'pass' : (found[0] ?? 'none');
    };
    return { spf: of('spf'), dkim: of('dkim'), dmarc: of('dmarc'), arc: of('arc') };
  }
  return undefined;
}

/**
 * The value of a header without its comments and quoted texts: the sender of a mail writes them, such as the address
 * `"a; dmarc=pass"@example.com`.
 */
function withoutTexts(value: string): string {
  let [rest, depth, isQuoted] = ['', 0, false];
  for (let at = 0; at < value.length; at += 1) {
    const sign = value[at];
    if (sign === '\\') at += 1;
    else if (sign === '"' && depth === 0) isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (sign === '(') depth += 1;
    else if (sign === ')') depth = Math.max(0, depth - 1);
    else if (depth === 0) rest += sign;
  }
  return rest;
}
