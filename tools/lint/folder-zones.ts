import { dirname, join, relative } from 'node:path';
import type { Rule } from 'eslint';

/** The folders of an app, and what its files may import. */
export interface FolderZones {
  /** The folder of the sources, from the root of the workspace. */
  root: string;
  /** Folders below `root` by what their files may not import: other folders of these. */
  forbidden: Record<string, string[]>;
  /** Folders below `root` whose own files, not those of folders in them, no file of `forbidden` imports; `.` for `root`. */
  top: string[];
}

const workspace = join(import.meta.dirname, '../..');

/** Reports imports of a folder that the folder of the file may not use. Its option is a list of FolderZones. */
export const folderZones: Rule.RuleModule = {
  meta: { type: 'problem', schema: [{ type: 'array', items: { type: 'object' } }] },
  create: (context) => {
    const [zones] = context.options as [FolderZones[]];
    const file = relative(workspace, context.filename);
    const check = ({ source }: { source?: unknown }) => {
      const node = source as { value?: unknown } | null | undefined;
      if (typeof node?.value !== 'string') return;
      const message = zoneFault(zones, file, node.value);
      if (message !== undefined) context.report({ node: source as Rule.Node, message });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

/** @param file from the root of the workspace */
function zoneFault(zones: readonly FolderZones[], file: string, imported: string): string | undefined {
  if (!imported.startsWith('.')) return undefined;
  const zone = zones.find(({ root }) => file.startsWith(`${root}/`));
  if (!zone) return undefined;
  const folders = Object.keys(zone.forbidden);
  const importer = folderOf(folders, relative(zone.root, file));
  if (importer === undefined) return undefined;
  const target = relative(zone.root, join(dirname(file), imported));
  const used = folderOf(folders, target);
  const isForbidden =
    used === undefined ? zone.top.includes(dirname(target)) : zone.forbidden[importer]?.includes(used);
  if (!isForbidden) return undefined;
  return `${importer} does not import from ${used ?? 'files at the top'} (${dirname(zone.root)}/folders.ts).`;
}

/** The innermost of the folders that has the file. */
function folderOf(folders: readonly string[], file: string): string | undefined {
  return folders.filter((folder) => file.startsWith(`${folder}/`)).sort((one, other) => other.length - one.length)[0];
}
