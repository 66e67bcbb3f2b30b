import { Route } from 'lucide-react';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: Route,
  title: 'state',
  columns: ['customerId', 'flowId', 'step', 'nextTime', 'exitReason', 'entryTime', 'endTime'],
  detail: 'customerId',
};
