import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, type Caller } from '@rapport/platform';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PrincipalSigner } from './principal-signer.js';
import { PrincipalVerifier } from './principal-verifier.js';

const caller: Caller = { tenantId: 't', principalId: 'apiKey:a', permissions: ['tenant.read'] };
const refused = { code: 'UNAUTHENTICATED', reason: 'PRINCIPAL_INVALID' };

afterEach(() => vi.useRealTimers());

/** Always a promise, whether the token is cached or not. */
async function verify(verifier: PrincipalVerifier, token: string): Promise<Caller> {
  return verifier.verify(token);
}

describe('a verified token', () => {
  it('is cached, and refused when it has expired', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const signer = await PrincipalSigner.of();
    const verifier = new PrincipalVerifier(signer.publicKeys);
    const token = signer.sign(caller);
    expect(await verify(verifier, token)).toEqual(caller);
    vi.advanceTimersByTime(59_000);
    expect(verifier.verify(token)).toEqual(caller);
    vi.advanceTimersByTime(1_000);
    expect(() => verifier.verify(token)).toThrow();
    await expect(verify(verifier, token)).rejects.toMatchObject(refused);
  });
});

describe('the file of keys', () => {
  it('accepts a new key beside the old one, and refuses the tokens of a removed one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rapport-'));
    const path = join(folder, 'keys');
    const [old, next] = [await PrincipalSigner.of(), await PrincipalSigner.of()];
    const put = (...signers: PrincipalSigner[]) =>
      writeFileSync(path, JSON.stringify({ keys: signers.flatMap(({ publicKeys }) => publicKeys.keys) }));
    const holds = (signer: PrincipalSigner) =>
      verify(verifier, signer.sign(caller)).then(
        () => true,
        () => false,
      );
    put(old);
    const verifier = PrincipalVerifier.ofFile(path, createLogger('test', 'silent'), 10);
    expect([await holds(old), await holds(next)]).toEqual([true, false]);

    put(old, next);
    await expect.poll(() => holds(next)).toBe(true);
    expect(await holds(old)).toBe(true);

    put(next);
    await expect.poll(() => holds(old)).toBe(false);
    writeFileSync(path, '{"keys":[]}');
    expect(await holds(next)).toBe(true);
    rmSync(folder, { recursive: true });
  });
});

describe('the signer', () => {
  it('reuses a token for a while, so that services find it in their cache, and none with less than 45 s left', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const signer = await PrincipalSigner.of();
    const first = signer.sign(caller);
    vi.advanceTimersByTime(14_000);
    expect(signer.sign({ ...caller })).toBe(first);
    vi.advanceTimersByTime(2_000);
    expect(signer.sign(caller)).not.toBe(first);
    expect(signer.sign({ ...caller, hidesPii: true })).not.toBe(signer.sign(caller));
  });
});
