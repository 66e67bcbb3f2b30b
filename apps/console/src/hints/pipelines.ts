import { Milestone } from 'lucide-react';
import { textAt } from '../contract/json.ts';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: Milestone,
  title: 'name',
  columns: ['stages', 'transitions', 'updateTime', 'updatedBy'],
  detail: 'transitions',
  path: (record) => `/pipelines/${textAt(record, 'id')}/stages`,
};
