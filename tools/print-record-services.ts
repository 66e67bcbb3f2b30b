// Prints the standard services of record types anew into proto/: `nx run proto:records`. It uses the contracts as they were built
// last, since a printed service that no longer fits its record keeps them from being built.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recordServices } from './record-service.ts';

const root = join(import.meta.dirname, '..');
for (const [path, text] of recordServices(root)) {
  writeFileSync(join(root, path), text);
  console.log(path);
}
