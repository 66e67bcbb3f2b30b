// Puts the built console beside the edge's program, with a compressed copy of each file: `node tools/copy-console.ts`. The edge reads the
// folder `console` beside its program, in an image, by `npm start` and in tests.
import { cpSync, existsSync, globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const root = join(import.meta.dirname, '..');
const built = join(root, 'apps/console/dist');
const target = join(root, 'apps/edge/dist/console');
/** Smaller ones gain nothing. */
const leastBytes = 256;
const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };

rmSync(target, { recursive: true, force: true });
if (existsSync(built)) {
  cpSync(built, target, { recursive: true });
  for (const name of globSync('**/*.{html,js,css,json,svg,txt,webmanifest}', { cwd: target })) {
    const file = join(target, name);
    if (statSync(file).size < leastBytes) continue;
    const content = readFileSync(file);
    writeFileSync(`${file}.br`, brotliCompressSync(content, brotli));
    writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
  }
}
