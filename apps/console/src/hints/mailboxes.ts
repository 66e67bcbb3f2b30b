import { Mail } from 'lucide-react';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: Mail,
  title: 'address',
  columns: ['state', 'kind', 'relayId', 'lagSeconds', 'isDefault', 'stateReason'],
  detail: 'state',
};
