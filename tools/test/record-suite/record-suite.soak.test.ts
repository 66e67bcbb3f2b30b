import { isSoak, printedSeed, sharedPlatform } from '@rapport/testing';
import { describe, inject } from 'vitest';
import { recordAccess } from './record-access.ts';
import { recordCache } from './record-cache.ts';
import { recordSubjects } from './record-subjects.ts';
import { recordWebhooks } from './record-webhooks.ts';

/** A type with persons, one that refers to them, and one with a parent. */
const always = ['rapport/Customer', 'rapport/Deal', 'rapport/ObjectRecord'];
/** The other types have the same code: two of them by the seed, all in the long form. */
const seed = printedSeed('record suite');
const others = recordSubjects.filter(({ record }) => !always.includes(record.type));
const chosen = isSoak ? others : others.filter((_, index) => (index + seed) % Math.ceil(others.length / 2) === 0);
const subjects = [...recordSubjects.filter(({ record }) => always.includes(record.type)), ...chosen];

const platform = await sharedPlatform(inject('platformUrl'));

describe.each(subjects)('through the edges, for records of $plural', (subject) => {
  recordWebhooks(() => platform, subject);
  recordCache(() => platform, subject);
  recordAccess(() => platform, subject);
});
