import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { installDebianPackage } from './debian-package.js';

/** Debian's without what draws windows, which starts and ends sooner. `playwright-core` brings no browser. */
const program = '/usr/bin/chromium-headless-shell';
const chineseFont = '/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc';

export interface ChromiumOptions {
  /** Whether pictures are made: without fonts of its own Chromium shows Chinese and Japanese as boxes. */
  withChineseFonts?: boolean;
}

/** Starts Chromium. As root on a machine with apt it is installed when it is missing. */
export async function startChromium({ withChineseFonts = false }: ChromiumOptions = {}): Promise<Browser> {
  if (spawnSync(program, ['--version']).status !== 0) await installDebianPackage('chromium-headless-shell');
  if (withChineseFonts && !existsSync(chineseFont)) await installDebianPackage('fonts-noto-cjk');
  // Loaded by the tests of browsers only: all others load this library too.
  const { chromium } = await import('playwright-core');
  // No page lives long enough to regain what V8 spends on optimizing its functions: a tenth of what pages take.
  const args = ['--js-flags=--no-opt --no-maglev'];
  // Chromium has no sandbox for root. The tests open pages of our own only.
  return chromium.launch({ executablePath: program, chromiumSandbox: false, args });
}
