import { Temporal } from 'temporal-polyfill';

Object.assign(globalThis, { Temporal });
