import { Users } from 'lucide-react';
import { textAt } from '../contract/json.ts';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: Users,
  title: 'name',
  columns: ['kind', 'state', 'size', 'filter', 'updateTime'],
  detail: 'state',
  figure: 'size',
  path: (record) => `/segments/${textAt(record, 'id')}/definition`,
};
