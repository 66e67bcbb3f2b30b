import { commentedDescriptorSet, fileDescriptorSet } from '../gen/descriptors.js';
import { Contract } from './load-contract.js';

let contract: Contract | undefined;

/** The contract of the platform, from all its proto files. Made once for each process: that takes tens of milliseconds. */
export function platformContract(): Contract {
  return (contract ??= new Contract(fileDescriptorSet, commentedDescriptorSet));
}
