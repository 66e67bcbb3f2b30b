import { Contract, fileDescriptorSet } from '@rapport/contracts';

/** The platform's contract. Read once for the process. */
export const contract = new Contract(fileDescriptorSet);
