// Writes src/gen/contract.json, the facts of the contract that the console is derived from: `nx run console:generate`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { platformContract } from '@rapport/contracts';
import { contractFile } from './contract-facts.ts';

const file = join(import.meta.dirname, '../src/gen/contract.json');
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, JSON.stringify(contractFile(platformContract())));
