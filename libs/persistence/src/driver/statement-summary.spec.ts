import { expect, it } from 'vitest';
import { statementSummary } from './statement-summary.js';

it.each([
  ['select "c0".* from "customer" as "c0" where "c0"."id" = \'x\'', 'SELECT customer'],
  ['insert into "api_key" ("name") values (\'into secrets\')', 'INSERT api_key'],
  ['\n  update webhook_delivery set state = $1', 'UPDATE webhook_delivery'],
  ['delete from customer_key where value = $1', 'DELETE customer_key'],
  ['begin', 'BEGIN'],
  ["select set_config('app.call', 'mail from ada', true)", 'SELECT'],
  ['select $1 from ada', 'SELECT'],
])('summarizes %s without its values', (sql, summary) => {
  expect(statementSummary(sql)).toBe(summary);
});
