// Writes src/gen from the contract: the types of messages and operations, and the table by which the client calls them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contractErrorCodes, openApiDocument, platformContract, restRoutes } from '@rapport/contracts';
import { clientSource } from './client-source.ts';

const contract = platformContract();
const gen = join(import.meta.dirname, '../src/gen');
mkdirSync(gen, { recursive: true });
const codes = [...contractErrorCodes(contract).keys()];
const files = clientSource(restRoutes(contract), (routes) => openApiDocument(contract, routes, '1'), codes);
for (const [name, text] of Object.entries(files)) writeFileSync(join(gen, name), text);
