import { Timer } from 'lucide-react';
import { textAt } from '../contract/json.ts';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: Timer,
  title: 'name',
  columns: ['state', 'order', 'filter', 'calendarId', 'updateTime'],
  detail: 'state',
  path: (record) => `/slaPolicies/${textAt(record, 'id')}/targets`,
};
