import { high } from '../high/high.ts';

export const low = high;
