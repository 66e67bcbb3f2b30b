import { PassThrough } from 'node:stream';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { loggedError } from './logged-error.js';
import { nestLogger } from './logger.js';

/** An error reported by PostgreSQL, as pg throws it and MikroORM wraps it. */
function databaseError(): Error {
  const error = new Error(`insert into person values ('Ada') - duplicate key`);
  return Object.assign(error, {
    ...{ severity: 'ERROR', code: '23505', detail: 'Key (email)=(ada@example.com) already exists.' },
    ...{ table: 'person', constraint: 'person_email', query: `insert into person values ('Ada')` },
  });
}

test('a database error is logged without its texts, which contain values', () => {
  const logged = loggedError(new Error('could not be stored', { cause: databaseError() }));

  expect(JSON.stringify(logged)).not.toMatch(/ada/i);
  expect(logged).toMatchObject({
    type: 'Error',
    message: 'could not be stored',
    cause: { code: '23505', table: 'person', constraint: 'person_email' },
  });
  expect((logged as { cause: { stack: string } }).cause.stack).toMatch(/^ {4}at /);
});

test('Nest’s logger does the same for an error beside its message', () => {
  const sink = new PassThrough();
  const logger = pino({ serializers: { err: loggedError } }, sink);

  nestLogger(logger).warn('left it', databaseError(), 'Operations');
  nestLogger(logger).error('failed', databaseError(), 'Operations');

  const lines = (sink.read() as Buffer).toString();
  expect(lines).not.toMatch(/ada/i);
  expect(lines).toMatch(/"code":"23505".*"msg":"left it"/);
  expect(lines).toMatch(/"code":"23505".*"msg":"failed"/);
});
