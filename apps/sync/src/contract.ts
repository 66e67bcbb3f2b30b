import { platformContract } from '@rapport/contracts';

/** The platform's contract. Read once for the process. */
export const contract = platformContract();
