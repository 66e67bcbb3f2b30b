import { mixes } from '../mixes.ts';
import { calendars } from './calendars.ts';
import { deals } from './deals.ts';
import { files } from './files.ts';
import { flows } from './flows.ts';
import { forecasts } from './forecasts.ts';
import { forms } from './forms.ts';
import { feed } from './feed.ts';
import { guards } from './guards.ts';
import { grpcReads } from './grpc-reads.ts';
import { importFile } from './import-file.ts';
import { leads } from './leads.ts';
import { money } from './money.ts';
import { mixed } from './mixed.ts';
import { objects } from './objects.ts';
import { marketing } from './marketing.ts';
import { oauth } from './oauth.ts';
import { quotes } from './quotes.ts';
import { settings } from './settings.ts';
import type { Scenario } from './scenario.ts';
import { work } from './work.ts';
import { support } from './support.ts';
import { workspace } from './workspace.ts';

/** By name. The argument is the base URL of the API, without a trailing slash. */
export const scenarios: Record<string, (baseUrl: string) => Scenario> = {
  'read-heavy': (baseUrl) => mixed(baseUrl, mixes['read-heavy']),
  'write-heavy': (baseUrl) => mixed(baseUrl, mixes['write-heavy']),
  mixed: (baseUrl) => mixed(baseUrl, mixes.mixed),
  search: (baseUrl) => mixed(baseUrl, mixes.search),
  deals,
  quotes,
  leads,
  work,
  money,
  guards,
  calendars,
  objects,
  files,
  flows,
  support,
  marketing,
  settings,
  forecasts,
  forms,
  import: importFile,
  workspace,
  feed,
  oauth,
  grpc: grpcReads,
};
