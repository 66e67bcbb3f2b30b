import { AttachmentScan } from '@rapport/contracts/rapport/content/v1/message';
import { freePort, ScriptedClamd } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VirusScanner } from './virus-scanner.js';

let clamd: ScriptedClamd;
beforeAll(async () => {
  clamd = await ScriptedClamd.start();
});
afterAll(() => clamd.stop());

test('clamd gets the whole content, and its verdict is the one of the attachment', async () => {
  const scanner = new VirusScanner(clamd.address);
  // Several chunks, the last of which is not full.
  const large = Buffer.alloc(200_001, 'x');
  const scanned: number[] = [];
  const { answer } = clamd;
  clamd.answer = (content) => {
    scanned.push(content.length);
    return answer(content);
  };
  const contents = [Buffer.alloc(0), large, Buffer.from(`x ${ScriptedClamd.marker} x`)];
  const verdicts: AttachmentScan[] = [];
  for (const content of contents) verdicts.push(await scanner.scan(content));
  clamd.answer = answer;
  expect(verdicts).toEqual([AttachmentScan.CLEAN, AttachmentScan.CLEAN, AttachmentScan.INFECTED]);
  expect(scanned).toEqual(contents.map(({ length }) => length));
});

test('without a scanner nothing is scanned, and one that cannot be reached skips nothing', async () => {
  expect(await new VirusScanner('').scan(Buffer.from('x'))).toBe(AttachmentScan.SKIPPED);
  const away = new VirusScanner(`127.0.0.1:${await freePort()}`);
  await expect(away.scan(Buffer.from('x'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

test('a scanner that fails or does not answer in time gives no verdict, and one that has a limit says so', async () => {
  const { answer } = clamd;
  const answers: [string | undefined, unknown][] = [
    ['INSTREAM size limit exceeded. ERROR', AttachmentScan.SKIPPED],
    ["stream: Can't allocate memory ERROR", /Can't allocate/],
    [undefined, /takes too long/],
    ['x'.repeat(10_000), /too long/],
  ];
  for (const [said, expected] of answers) {
    clamd.answer = () => said;
    const verdict = new VirusScanner(clamd.address, said === undefined ? 50 : undefined).scan(Buffer.from('x'));
    if (expected instanceof RegExp) await expect(verdict).rejects.toThrow(expected);
    else expect(await verdict).toBe(expected);
  }
  clamd.answer = answer;
});

test('a content whose connection clamd resets is sent again, some times', async () => {
  const scanner = new VirusScanner(clamd.address);
  clamd.resets = 2;
  expect(await scanner.scan(Buffer.from(ScriptedClamd.marker))).toBe(AttachmentScan.INFECTED);
  clamd.resets = Infinity;
  await expect(scanner.scan(Buffer.from('x'))).rejects.toMatchObject({ code: 'ECONNRESET' });
  clamd.resets = 0;
});
