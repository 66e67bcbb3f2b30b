import { FileInput } from 'lucide-react';
import { textAt } from '../contract/json.ts';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: FileInput,
  title: 'name',
  columns: ['state', 'topicKeys', 'isDoubleOptIn', 'createsLead', 'campaignId', 'updateTime'],
  detail: 'state',
  path: (record) => `/forms/${textAt(record, 'id')}/design`,
};
