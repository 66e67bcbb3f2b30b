import { Send } from 'lucide-react';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: Send,
  title: 'state',
  columns: ['customerId', 'reason', 'variantKey', 'handOverTime', 'isHumanClick', 'relayReply'],
  detail: 'customerId',
  figure: 'handOverTime',
};
