import { Megaphone } from 'lucide-react';
import { textAt } from '../contract/json.ts';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: Megaphone,
  title: 'name',
  columns: ['state', 'topicKey', 'startTime', 'doneTime', 'winnerKey', 'updateTime'],
  detail: 'state',
  figure: 'startTime',
  path: (record) => `/campaigns/${textAt(record, 'id')}/mailing`,
};
