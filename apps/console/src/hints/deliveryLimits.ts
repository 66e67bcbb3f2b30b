import { Gauge } from 'lucide-react';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: Gauge,
  title: 'match',
  columns: ['state', 'rate', 'connections', 'lastReply'],
  detail: 'state',
};
