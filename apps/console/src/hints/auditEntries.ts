import { Link } from 'lucide-react';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: Link,
  title: 'kind',
  columns: ['number', 'actor', 'origin', 'records', 'recordCount', 'requestId', 'time'],
  detail: 'actor',
  figure: 'number',
};
