import { randomBytes } from 'node:crypto';
import { AttachmentScan } from '@rapport/contracts/rapport/content/v1/message';
import { isSoak, printTally, sizeOf, soakTimeoutMs, startClamd } from '@rapport/testing';
import { expect, test } from 'vitest';
import { VirusScanner } from '../../src/mail/parsing/virus-scanner.js';

const name = 'Virus scanner';
const contents = sizeOf('SCANNED_CONTENTS', { short: 0, long: 500 });

const marker = 'a virus of tests';
const mib = 1_024 * 1_024;

test.runIf(isSoak)(
  'clamd finds what is infected, refuses what is too large, and is waited for while it is away',
  { timeout: soakTimeoutMs },
  async () => {
    const clamd = await startClamd({ marker, streamMaxMib: 2 });
    const scanner = new VirusScanner(clamd.address);
    const tally = { CLEAN: 0, INFECTED: 0, SKIPPED: 0 };
    for (let index = 0; index < contents; index += 1) {
      const content = randomBytes(1 + ((index * 7_919) % mib));
      const isInfected = index % 3 === 0;
      if (isInfected) content.write(marker, Math.floor(content.length / 2));
      const fits = content.length - Math.floor(content.length / 2) >= marker.length;
      const verdict = await scanner.scan(content);
      expect(verdict).toBe(isInfected && fits ? AttachmentScan.INFECTED : AttachmentScan.CLEAN);
      tally[isInfected && fits ? 'INFECTED' : 'CLEAN'] += 1;
    }
    for (const bytes of [2 * mib + 1, 25 * mib]) {
      expect(await scanner.scan(Buffer.alloc(bytes))).toBe(AttachmentScan.SKIPPED);
      tally.SKIPPED += 1;
    }
    await clamd.kill();
    await expect(scanner.scan(Buffer.from('x'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await clamd.start();
    expect(await scanner.scan(Buffer.from(`x ${marker}`))).toBe(AttachmentScan.INFECTED);
    printTally(name, tally);
    await clamd.stop();
  },
);
