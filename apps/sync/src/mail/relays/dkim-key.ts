import { createPrivateKey, createPublicKey, generateKeyPair, randomBytes, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { DnsRecord } from '@rapport/contracts/rapport/mail/v1/relays_service';
import type { DkimKey } from './relay.entity.js';

/** Bits of new keys: more do not fit into one string of a TXT record. RFC 8301 asks for 1024 to 4096. */
const modulusLength = 2_048;

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

/** Reads a key of a request. @returns undefined for what is no RSA key of 2048 to 4096 bits in PEM */
export function readDkimKey(selector: string, pem: string): DkimPair | undefined {
  const privateKey = keyOf(pem);
  const bits = privateKey?.asymmetricKeyDetails?.modulusLength ?? 0;
  if (privateKey?.asymmetricKeyType !== 'rsa' || bits < modulusLength || bits > 4_096) return undefined;
  return pairOf(selector, privateKey);
}

/** The DNS record of a key. */
export function dkimRecord(domain: string, { selector, publicKey }: DkimKey): DnsRecord {
  return { name: `${selector}._domainkey.${domain}`, type: 'TXT', value: `v=DKIM1; k=rsa; p=${publicKey}` };
}

function pairOf(selector: string, privateKey: KeyObject): DkimPair {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64');
  return { key: { selector, publicKey }, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function keyOf(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    // Any other text.
    return undefined;
  }
}
