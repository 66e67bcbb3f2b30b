import { contractErrorCodes, platformContract, restRoutes } from '@rapport/contracts';
import { violationCodes } from '@rapport/platform';
import { expect, it } from 'vitest';
import { defaultLimitSettings } from '../../limits/limit-settings.js';
import { defaultPlan } from '../../limits/plans.js';
import { guidePage, guidePaths } from './guide.js';

const contract = platformContract();
const pages = new Map(guidePaths.map((path) => [path, guidePage(path, contract)]));
const operations = restRoutes(contract).map((route) => shapeOf(`${route.verb} ${route.path.template}`));

it('the guide lists every code of errors', () => {
  const listed = [...(pages.get('/docs/errors') ?? '').matchAll(/<td>\d{3}<\/td><td><code>(\w+)<\/code>/g)];
  expect(listed.map(([, code]) => code).sort()).toEqual([...contractErrorCodes(contract).keys()].sort());
});

it('the guide lists every code of wrong values', () => {
  const listed = [...(pages.get('/docs/errors') ?? '').matchAll(/<tr><td><code>(\w+)<\/code>/g)];
  expect(listed.map(([, code]) => code)).toEqual(Object.keys(violationCodes));
});

it('the guide has the rates and the concurrency of the standard plan, and the limits that codes name', () => {
  const page = pages.get('/docs/limits') ?? '';
  const plan = defaultLimitSettings().plans.get(defaultPlan);
  const [key, tenant] = [plan?.keyUnits, plan?.tenantUnits].map((units) => units?.toLocaleString('en'));
  const { interactive, bulk, feed } = plan?.places ?? {};
  expect(page).toContain(`A key can spend ${key} units a minute, and all keys of a workspace together ${tenant}.`);
  expect(page).toContain(
    `${interactive?.toLocaleString('en')} interactive calls to each service, ${bulk} bulk calls such as batch writes, and ${feed} streams`,
  );
  expect(page).toContain('<td><code>FLOW_LIMIT</code></td><td>The workspace has 200 flows.</td>');
  expect(page).toContain('<td><code>TOO_MANY_OBJECTS</code></td><td>The workspace has 100 custom objects.</td>');
});

it.each(guidePaths)('%s leads to pages that exist', (path) => {
  const targets = [...(pages.get(path) ?? '').matchAll(/href="(\/[^"#]*)/g)].map(([, target = '']) => target);
  const known = [...guidePaths, '/docs/reference', '/docs/guide.css', '/openapi.json', '/openapi-3.0.json'];
  expect(targets.filter((target) => !known.includes(target))).toEqual([]);
});

it.each(guidePaths)('%s names operations that exist', (path) => {
  const named = [...(pages.get(path) ?? '').matchAll(/(?:GET|POST|PATCH|PUT|DELETE) \/v1\/[\w/{}:]+/g)].map(
    ([name]) => name,
  );
  expect(named.filter((name) => !operations.includes(shapeOf(name)))).toEqual([]);
});

it.each(guidePaths)('%s names codes that exist', (path) => {
  const codes = [...contractErrorCodes(contract).keys(), ...Object.keys(violationCodes)];
  const named = [...(pages.get(path) ?? '').matchAll(/\d{3} <code>([A-Z_]+)<\/code>/g)].map(([, code = '']) => code);
  expect(named.filter((code) => !codes.includes(code))).toEqual([]);
});

it('no page has a script, a style, or a placeholder', () => {
  for (const [path, html] of pages) expect(html, path).not.toMatch(/<script|<style|\sstyle=|\{\{/);
});

function shapeOf(operation: string): string {
  return operation.replace(/\{\w+\}/g, '{}');
}
