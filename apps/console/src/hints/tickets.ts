import { Ticket } from 'lucide-react';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: Ticket,
  title: 'subject',
  columns: ['number', 'status', 'priority', 'customerId', 'ownerId', 'queueId', 'nextDueTime', 'updateTime'],
  detail: 'status',
  figure: 'number',
};
