import { createPrivateKey, createPublicKey, generateKeyPair, randomBytes, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { DnsRecord } from '@rapport/contracts/rapport/mail/v1/relays_service';
import type { DkimKey } from './relay.entity.js';

/** Bits of new keys: more do not fit into one string of a TXT record. RFC 8301 asks for 1024 to 4096. */
const modulusLength = 2_048;

const ed25519Bytes = 32;

const generate = promisify(generateKeyPair);

/** A key and its private half, in PEM. */
export interface DkimPair {
  key: DkimKey;
  privateKey: string;
}

/** Makes an RSA key for DKIM (RFC 6376), under a selector that was never used before. */
export async function makeDkimKey(): Promise<DkimPair> {
  const { privateKey } = await generate('rsa', { modulusLength });
  return pairOf(`rapport-${randomBytes(5).toString('hex')}`, privateKey);
}

/** Reads a key of a request. @returns undefined for what is no RSA key of 2048 to 4096 bits, and no Ed25519 key, in PEM */
export function readDkimKey(selector: string, pem: string): DkimPair | undefined {
  const privateKey = keyOf(pem);
  if (privateKey?.asymmetricKeyType === 'ed25519') return pairOf(selector, privateKey);
  const bits = privateKey?.asymmetricKeyDetails?.modulusLength ?? 0;
  if (privateKey?.asymmetricKeyType !== 'rsa' || bits < modulusLength || bits > 4_096) return undefined;
  return pairOf(selector, privateKey);
}

/** The DNS record of a key. */
export function dkimRecord(domain: string, { selector, type, publicKey }: DkimKey): DnsRecord {
  return {
    name: `${selector}._domainkey.${domain}`,
    type: 'TXT',
    value: `v=DKIM1; k=${type ?? 'rsa'}; p=${publicKey}`,
  };
}

function pairOf(selector: string, privateKey: KeyObject): DkimPair {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  if (privateKey.asymmetricKeyType !== 'ed25519') {
    return { key: { selector, publicKey: publicKey.toString('base64') }, privateKey: pem };
  }
  // The record has the key itself, without its structure (RFC 8463, section 4).
  const bare = publicKey.subarray(-ed25519Bytes).toString('base64');
  return { key: { selector, type: 'ed25519', publicKey: bare }, privateKey: pem };
}

function keyOf(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    // Any other text.
    return undefined;
  }
}
