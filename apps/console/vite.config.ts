import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { bundledLicences } from '../../tools/bundled-licences.ts';

/** Leaves out the texts of React Aria in languages that the console does not speak: 30 of 32. */
const onlyOurLanguages: Plugin = {
  name: 'only-our-languages',
  enforce: 'pre',
  resolveId(source, importer) {
    const [, language] = /\/([a-z]{2}-[A-Z]{2})(?:\.\w+)+$/.exec(source) ?? [];
    const isAria =
      importer !== undefined && /node_modules\/(?:@?react-aria|@react-stately|react-stately)/.test(importer);
    return isAria && language !== undefined && !['en-US', 'zh-CN'].includes(language) ? '\0no-language' : undefined;
  },
  load(id) {
    return id === '\0no-language' ? 'export default {};' : undefined;
  },
};

/** Writes `licences.txt`, for all that the scripts and styles are made of. The package of the icons has no text of their licence. */
const licences: Plugin = {
  name: 'licences',
  generateBundle() {
    const ofIcons = readFileSync(join(import.meta.dirname, 'tools/lucide-licence.txt'), 'utf8');
    const source = `${bundledLicences([...this.getModuleIds()])}\n\nlucide (ISC)\n\n${ofIcons}`;
    this.emitFile({ type: 'asset', fileName: 'licences.txt', source });
  },
};

export default defineConfig({
  plugins: [react(), onlyOurLanguages, licences],
  build: {
    target: 'es2024',
    // Styles and small pictures stay files: the content security policy allows nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 800,
    rolldownOptions: {
      output: {
        // What nearly every screen needs is loaded once with the first one, in place of dozens of small files. Measured, gzip: the
        // largest screen has 53 kB.
        codeSplitting: {
          groups: [
            { name: 'icons', test: /gen\/icons/, minShareCount: 20 },
            { name: 'shared', test: /src\/(?:kit|app|contract)|react-aria|react-stately/, minShareCount: 38 },
          ],
        },
      },
    },
  },
});
