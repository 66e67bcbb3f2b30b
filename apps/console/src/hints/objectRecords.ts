import { Box } from 'lucide-react';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: Box,
  title: 'name',
  columns: ['ownerId', 'updateTime'],
  detail: 'ownerId',
};
