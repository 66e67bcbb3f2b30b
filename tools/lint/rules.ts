import { folderZones } from './folder-zones.ts';

/** The lint rules of this repository, for oxlint. */
export default { meta: { name: 'rapport' }, rules: { 'folder-zones': folderZones } };
