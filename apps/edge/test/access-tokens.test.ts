import { createHmac, KeyObject, sign as signBytes, type webcrypto } from 'node:crypto';
import { exportSPKI, importJWK } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { defaultLimitSettings } from '../src/limits/limit-settings.js';
import { ask, ordinary } from './ask.js';
import { goodClaims, newKey, publicUrl, sign, startIssuer, type RunningIssuer } from './running-issuer.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

let ores: RunningOres;
let issuer: RunningIssuer;
/** One edge that answers from memory ahead of the router, and one whose router answers reads. */
let edges: (RunningEdge & { headers: Record<string, string> })[];

beforeAll(async () => {
  [ores, issuer] = await Promise.all([startOres(), startIssuer()]);
  const config = { authHttpAddress: issuer.address, publicUrl };
  edges = await Promise.all([{}, ordinary].map(async (headers) => ({ ...(await ores.startEdge(config)), headers })));
  await ask(`${edges[0]?.url}/v1/ores/a`, {
    method: 'PATCH',
    headers: { authorization: authorization('t1') },
    body: '{"name":"x"}',
  });
});
afterAll(async () => {
  await ores.stop();
  await issuer.stop();
});

afterEach(() => void vi.useRealTimers());

const signer = () => issuer.published[0]!;
const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

function read({ url, headers }: (typeof edges)[number], token: string) {
  return ask(`${url}/v1/ores/a`, { headers: { authorization: `Bearer ${token}`, ...headers } });
}

describe('an access token', () => {
  it('permits what its scope has, at first use and from memory, on both paths', async () => {
    const token = await sign(signer());

    for (const edge of edges) {
      expect((await read(edge, token)).status).toBe(200);
      const second = await read(edge, token);
      expect([second.status, second.headers['cache-status']]).toEqual([200, expect.stringMatching(/^rapport; hit/)]);
      const write = await ask(`${edge.url}/v1/ores/a`, {
        method: 'PATCH',
        headers: { authorization: `Bearer ${token}` },
        body: '{"name":"y"}',
      });
      expect(write.status).toBe(403);
    }
  });

  it('is refused on both paths from the second of its expiry', async () => {
    // Token verification tolerates a clock difference of 5 s; the expiry in auth's answer has no tolerance.
    const exp = Math.floor(Date.now() / 1_000) + 2;
    const token = await sign(signer(), { exp });
    const statuses = () => Promise.all(edges.map(async (edge) => (await read(edge, token)).status));
    vi.useFakeTimers({ toFake: ['Date'] });

    vi.setSystemTime(exp * 1_000 - 1);
    // New, and cached.
    expect([await statuses(), await statuses()]).toEqual([
      [200, 200],
      [200, 200],
    ]);
    vi.setSystemTime(exp * 1_000);
    expect(await statuses()).toEqual([401, 401]);
  });

  it('is refused on both paths a second after its revocation', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const token = await sign(signer());
    const statuses = () => Promise.all(edges.map(async (edge) => (await read(edge, token)).status));
    expect(await statuses()).toEqual([200, 200]);

    ores.revokeToken(token);

    expect(await statuses()).toEqual([200, 200]);
    vi.advanceTimersByTime(1_000);
    expect(await statuses()).toEqual([401, 401]);
  });

  it('that was revoked is refused even earlier while it is in use', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const token = await sign(signer());
    for (const edge of edges) expect((await read(edge, token)).status).toBe(200);
    ores.revokeToken(token);

    vi.advanceTimersByTime(500);

    for (const edge of edges) await expect.poll(async () => (await read(edge, token)).status).toBe(401);
  });
});

/** A token of any header and payload text with a valid signature. */
function signText(header: string, payload: string): Promise<string> {
  const text = `${encode(header)}.${encode(payload)}`;
  const key = signer().privateKey;
  return crypto.subtle
    .sign({ name: 'ECDSA', hash: 'SHA-256' }, key, Buffer.from(text))
    .then((signature) => `${text}.${Buffer.from(signature).toString('base64url')}`);
}

const nowSeconds = () => Math.floor(Date.now() / 1_000);
const header = () => JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: signer().publicJwk.kid });

async function keyedWith(alg: 'HS256' | 'HS512', secret: string | Buffer): Promise<string> {
  const text = `${encode({ alg, typ: 'at+jwt', kid: signer().publicJwk.kid })}.${encode(goodClaims())}`;
  const hash = alg === 'HS256' ? 'sha256' : 'sha512';
  return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`;
}

async function publicPem(): Promise<string> {
  return exportSPKI((await importJWK(signer().publicJwk, 'ES256')) as webcrypto.CryptoKey);
}

const bad: [string, () => Promise<string>][] = [
  ['with alg none', async () => `${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(goodClaims())}.`],
  ['with alg nOnE and a signature', async () => `${encode({ alg: 'nOnE', typ: 'at+jwt' })}.${encode(goodClaims())}.x`],
  ['keyed by HS256 with the public key as PEM', async () => keyedWith('HS256', await publicPem())],
  ['keyed by HS256 with the public key as JWK', () => keyedWith('HS256', JSON.stringify(signer().publicJwk))],
  ['keyed by HS512 with nothing', () => keyedWith('HS512', '')],
  [
    'of a key of its own in jwk',
    async () => {
      const own = await newKey();
      return sign(own, {}, { jwk: own.publicJwk, kid: signer().publicJwk.kid });
    },
  ],
  ['that names keys by jku', async () => sign(await newKey(), {}, { jku: 'https://evil.example/keys' })],
  ['that names a certificate by x5u', async () => sign(await newKey(), {}, { x5u: 'https://evil.example/cert' })],
  ['that brings a certificate in x5c', async () => sign(await newKey(), {}, { x5c: ['MIIB'] })],
  ['of our key that also names others by jku', () => sign(signer(), {}, { jku: `${publicUrl}/oauth/jwks` })],
  ['of an unknown key', async () => sign(await newKey())],
  ['of another key under our kid', async () => sign(await newKey(), {}, { kid: signer().publicJwk.kid })],
  [
    'without kid, of another key',
    async () => {
      const { privateKey } = await newKey();
      return sign({ privateKey, publicJwk: { kid: '' } });
    },
  ],
  ['with typ JWT', () => sign(signer(), {}, { typ: 'JWT' })],
  ['without typ, as an ID token is', () => sign(signer(), {}, { typ: undefined as never })],
  ['of another issuer', () => sign(signer(), { iss: 'https://evil.example' })],
  ['for another audience', () => sign(signer(), { aud: 'https://other.example/v1' })],
  ['without an audience', () => sign(signer(), { aud: undefined })],
  ['that has expired', () => sign(signer(), { exp: nowSeconds() - 60 })],
  ['that never expires', () => sign(signer(), { exp: undefined })],
  ['that expires on a text', () => sign(signer(), { exp: String(nowSeconds() + 600) })],
  ['that is not valid yet', () => sign(signer(), { nbf: nowSeconds() + 60 })],
  ['without an id', () => sign(signer(), { jti: undefined })],
  ['with an unknown crit', () => sign(signer(), {}, { crit: ['urn:ours'], 'urn:ours': true })],
  [
    'with b64 false',
    () =>
      signText(JSON.stringify({ ...JSON.parse(header()), b64: false, crit: ['b64'] }), JSON.stringify(goodClaims())),
  ],
  ['with a claim twice', () => signText(header(), JSON.stringify(goodClaims()).replace('{', '{"tenant_id":"t2",'))],
  [
    'with a member of the header twice',
    () => signText(header().replace('{', '{"alg":"none",'), JSON.stringify(goodClaims())),
  ],
  ['whose claims are a list', () => signText(header(), '[]')],
  ['whose claims are no JSON', () => signText(header(), 'tenant_id=t1')],
  [
    'with a changed claim',
    async () => {
      const [head, , signature] = (await sign(signer())).split('.');
      return [head, encode(goodClaims({ tenant_id: 't2' })), signature].join('.');
    },
  ],
  [
    'with a signature in DER',
    async () => {
      const text = (await sign(signer())).split('.').slice(0, 2).join('.');
      const der = signBytes('sha256', Buffer.from(text), { key: privatePem(), dsaEncoding: 'der' });
      return `${text}.${der.toString('base64url')}`;
    },
  ],
  [
    'with a signature of zeros',
    async () => `${(await sign(signer())).split('.').slice(0, 2).join('.')}.${'A'.repeat(86)}`,
  ],
  ['that is cut off', async () => (await sign(signer())).slice(0, -10)],
  ['without a signature', async () => (await sign(signer())).split('.').slice(0, 2).join('.')],
  ['with a fourth part', async () => `${await sign(signer())}.x`],
  ['that is huge', () => sign(signer(), { padding: 'x'.repeat(5_000) })],
  ['that is only a header', async () => encode(header())],
];

function privatePem(): string {
  return KeyObject.from(signer().privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();
}

describe('a token', () => {
  it.each(bad)('%s is refused with a problem, on both paths', async (_name, make) => {
    const token = await make();

    for (const edge of edges) {
      const { status, headers, body } = await read(edge, token);
      expect([status, headers['content-type']]).toEqual([401, expect.stringContaining('application/problem+json')]);
      expect(JSON.parse(body)).toMatchObject({
        code: expect.stringMatching(/^CREDENTIAL_(INVALID|MISSING)$/) as string,
      });
      expect(headers['www-authenticate']).toMatch(/^Bearer/);
    }
  });

  it('has a limited number of tries', async () => {
    const limits = { ...defaultLimitSettings(), failedAuthentications: 5 };
    const edge = { ...(await ores.startEdge({ authHttpAddress: issuer.address, publicUrl, limits })), headers: {} };
    const statuses = [];
    for (let n = 0; n < 6; n += 1) statuses.push((await read(edge, await sign(await newKey()))).status);

    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
  });
});

describe('the keys of the issuer', () => {
  it('rotate under load, and no valid token is refused', async () => {
    const old = signer();
    const next = await newKey();
    let isOver = false;
    const statuses = new Map<string, number>();
    const count = (what: string, { status }: { status: number }) =>
      statuses.set(`${what} ${status}`, (statuses.get(`${what} ${status}`) ?? 0) + 1);
    const load = edges.flatMap((edge, n) =>
      Array.from({ length: 4 }, async () => {
        while (!isOver) {
          count(`good ${signer() === old ? 'old' : 'new'} ${n}`, await read(edge, await sign(signer())));
          count('bad', await read(edge, await sign(await newKey())));
        }
      }),
    );
    const untilRead = async (key: 'old' | 'new', more: number) => {
      const counts = () => edges.map((_edge, n) => statuses.get(`good ${key} ${n} 200`) ?? 0);
      const before = counts();
      await vi.waitUntil(() => counts().every((now, n) => now >= (before[n] ?? 0) + more), { timeout: 20_000 });
    };

    await untilRead('old', 10);
    const before = issuer.asked();
    // The new key is published before it signs, and the old one stays published.
    issuer.published = [old, next];
    await vi.waitUntil(() => issuer.asked() >= before + 4, { timeout: 20_000 });
    issuer.published = [next, old];
    await untilRead('new', 10);
    issuer.published = [next];
    await untilRead('new', 10);
    isOver = true;
    await Promise.all(load);

    const names = ['bad 401', ...['new', 'old'].flatMap((key) => edges.map((_edge, n) => `good ${key} ${n} 200`))];
    expect([...statuses.keys()].sort()).toEqual(names.sort());
  });

  it('are fetched at most once a second for unknown keys', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const tryUnknown = async () => {
      for (let n = 0; n < 10; n += 1) {
        const token = await sign(await newKey());
        for (const edge of edges) expect((await read(edge, token)).status).toBe(401);
      }
    };
    await tryUnknown();
    const before = issuer.asked();

    await tryUnknown();
    expect(issuer.asked()).toBe(before);
    vi.setSystemTime(Date.now() + 1_001);
    await tryUnknown();
    expect(issuer.asked()).toBe(before + edges.length);
  });
});
