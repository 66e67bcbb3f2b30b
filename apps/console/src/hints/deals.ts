import { SquareKanban } from 'lucide-react';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: SquareKanban,
  title: 'title',
  columns: ['stage', 'status', 'customerId', 'ownerId', 'amount', 'closeDate', 'updateTime'],
  detail: 'stage',
  figure: 'amount',
  board: 'stage',
};
