import { contractErrorCodes, platformContract, restRoutes } from '@rapport/contracts';
import { violationCodes } from '@rapport/platform';
import { expect, it } from 'vitest';
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
