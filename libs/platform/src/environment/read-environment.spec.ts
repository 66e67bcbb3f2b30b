import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { address, parseEnvironment, port, secretKey, target } from './read-environment.js';

afterEach(() => vi.unstubAllEnvs());

describe('the environment', () => {
  it('reads values and applies defaults', () => {
    vi.stubEnv('TEST_ADDRESS', 'localhost:50051');
    const config = parseEnvironment({ TEST_ADDRESS: address, TEST_PORT: port.default(8080) });
    expect(config).toEqual({ TEST_ADDRESS: 'localhost:50051', TEST_PORT: 8080 });
  });

  it('reads a secret from the file that NAME_FILE names', () => {
    const folder = mkdtempSync(join(tmpdir(), 'rapport-'));
    const secret = Buffer.alloc(32, 7);
    writeFileSync(join(folder, 'key'), `${secret.toString('base64')}\n`);
    vi.stubEnv('TEST_KEY_FILE', join(folder, 'key'));
    expect(parseEnvironment({ TEST_KEY: secretKey }).TEST_KEY).toEqual(secret);
    rmSync(folder, { recursive: true });
    expect(() => parseEnvironment({ TEST_KEY: secretKey })).toThrow('TEST_KEY_FILE: the file can not be read (ENOENT)');
  });

  it.each([
    ['customers:50052', true],
    ['dns:///customers:50052', true],
    ['customers', false],
    ['http://customers:50052', false],
  ])('accepts %s as the address of a service: %s', (text, good) => {
    expect(target.safeParse(text).success).toBe(good);
  });

  it('names every invalid variable and no value', () => {
    vi.stubEnv('TEST_PORT', 'swordfish');
    const read = () => parseEnvironment({ TEST_PORT: port, TEST_NAME: z.string() });
    expect(read).toThrow(/TEST_PORT: .*; TEST_NAME: is missing$/);
    expect(read).not.toThrow(/swordfish/);
  });
});
