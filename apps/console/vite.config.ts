import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

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

export default defineConfig({
  plugins: [react(), onlyOurLanguages],
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
