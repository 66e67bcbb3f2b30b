import { join } from 'node:path';
import { importSource } from '@rapport/testing';
import type * as Source from './source.ts';

/** The service's own code that computes derived columns. */
export const source = await importSource<typeof Source>(join(import.meta.dirname, 'source.ts'));
