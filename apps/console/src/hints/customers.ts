import { Users } from 'lucide-react';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: Users,
  title: 'displayName',
  columns: ['lifecycleStage', 'companyName', 'countryCode', 'ownerId', 'emails', 'updateTime'],
  detail: 'lifecycleStage',
  figure: 'countryCode',
  face: ({ kind }) => (kind === 'COMPANY' ? 'company' : 'person'),
  board: { column: 'lifecycleStage', title: 'displayName', since: 'lifecycleStageTime' },
};
