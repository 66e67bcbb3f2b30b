import { Webhook } from 'lucide-react';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: Webhook,
  title: 'eventType',
  columns: ['state', 'endpointId', 'attemptCount', 'createTime'],
  detail: 'state',
  face: () => 'machine',
};
