// Renders every overlay and checks it against the code: `nx run k8s:validate`. Exits with 1 when there is a fault.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { findFaults } from './find-faults.ts';
import { readCode } from './read-code.ts';
import { renderOverlay } from './render-overlay.ts';
import { unpinnedImages } from './rules/image-faults.ts';
import { schemaFaults } from './schema-faults.ts';

const code = readCode();
for (const overlay of readdirSync(join(import.meta.dirname, 'overlays'))) {
  const manifests = renderOverlay(overlay);
  const faults = [...findFaults(manifests, code), ...(await schemaFaults(manifests))];
  for (const fault of faults) process.stderr.write(`${overlay}: ${fault}\n`);
  if (faults.length > 0) process.exitCode = 1;
  else process.stdout.write(`${overlay}: ${manifests.length} manifests fit the code and their schemas\n`);
  for (const image of unpinnedImages(manifests))
    process.stdout.write(`${overlay}: ${image} is fixed by its version only; a digest of your registry is better\n`);
}
