import { sharedPlatform, type SharedPlatform } from '@rapport/testing';
import { beforeAll, describe, inject } from 'vitest';
import { recordAccess } from './record-access.ts';
import { recordCache } from './record-cache.ts';
import { recordSubjects } from './record-subjects.ts';
import { recordWebhooks } from './record-webhooks.ts';

let platform: SharedPlatform;

beforeAll(async () => {
  platform = await sharedPlatform(inject('platformUrl'));
}, 120_000);

describe.each(recordSubjects)('through the edges, for records of $plural', (subject) => {
  recordWebhooks(() => platform, subject);
  recordCache(() => platform, subject);
  recordAccess(() => platform, subject);
});
