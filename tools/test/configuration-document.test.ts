import { expect, test } from 'vitest';
import { configurationDocument, writtenDocument } from '../configuration-document.ts';

test('docs/configuration.md is what the schemas of the processes say; `node tools/configuration-document.ts` writes it', async () => {
  const document = await configurationDocument();
  expect(document).toMatch(/^\| `DATABASE_URL` +\| .+\*\*required\*\* +\| secret/m);
  expect(writtenDocument()).toBe(document);
});
