import { ListTree } from 'lucide-react';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: ListTree,
  title: 'id',
  columns: ['flowId', 'state', 'record', 'startTime', 'endTime'],
  detail: 'state',
};
