import { SquareKanban } from 'lucide-react';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: SquareKanban,
  title: 'title',
  columns: ['stage', 'status', 'customerId', 'ownerId', 'amount', 'closeDate', 'updateTime'],
  detail: 'stage',
  figure: 'amount',
  board: {
    column: 'stage',
    pipeline: 'pipelineId',
    title: 'title',
    subject: 'customerId',
    amount: 'amount',
    date: 'closeDate',
    since: 'stageTime',
  },
};
