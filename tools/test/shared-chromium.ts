import { sharedByFiles, startChromium } from '@rapport/testing';

/** A browser for all test files. Each closes the contexts that it opens. */
export const sharedChromium = sharedByFiles(
  () => startChromium(),
  (browser) => browser.close(),
);
