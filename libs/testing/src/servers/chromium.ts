import { spawnSync } from 'node:child_process';
import type { Browser } from 'playwright-core';
import { installDebianPackage } from './debian-package.js';

/** Debian's. `playwright-core` brings no browser. */
const program = '/usr/bin/chromium';

/** Starts Chromium without a window. As root on a machine with apt it is installed when it is missing. */
export async function startChromium(): Promise<Browser> {
  if (spawnSync(program, ['--version']).status !== 0) await installDebianPackage('chromium');
  // Loaded by the tests of browsers only: all others load this library too.
  const { chromium } = await import('playwright-core');
  // Chromium has no sandbox for root. The tests open pages of our own only.
  return chromium.launch({ executablePath: program, chromiumSandbox: false });
}
