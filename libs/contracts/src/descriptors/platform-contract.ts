import { readFileSync } from 'node:fs';
import { fileDescriptorSet } from '../gen/descriptors.js';
import { Contract } from './load-contract.js';

let contract: Contract | undefined;

/**
 * The contract of the platform, from all its proto files. Made once for each process: that takes tens of milliseconds. Its
 * comments are there in the workspace only, where documents are made of them: bundled programs do not contain them.
 */
export function platformContract(): Contract {
  return (contract ??= new Contract(fileDescriptorSet, commented));
}

/** From `src` and `dist` alike. */
function commented(): Uint8Array {
  return readFileSync(new URL('../../src/gen/commented-descriptors.binpb', import.meta.url));
}
