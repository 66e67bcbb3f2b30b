// Writes the API's descriptions beside the edge's program, a part of its build: to make one takes a second of processor time, in which an
// edge would answer nothing else.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiVersion, asOpenApi30, openApiDocument, platformContract, restRoutes } from '@rapport/contracts';

const folder = join(import.meta.dirname, '../dist/description');
mkdirSync(folder, { recursive: true });

const contract = platformContract();
const openApi = openApiDocument(contract, restRoutes(contract), apiVersion);
writeFileSync(join(folder, 'openapi.json'), JSON.stringify(openApi));
writeFileSync(join(folder, 'openapi-3.0.json'), JSON.stringify(asOpenApi30(openApi)));
