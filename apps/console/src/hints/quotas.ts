import * as icons from '../gen/icons.ts';
import type { Hints } from './hints.ts';

export const hints: Hints = {
  icon: icons.Target,
  title: 'period',
  columns: ['amount', 'category', 'ownerId', 'ownerTeamId', 'updateTime'],
  detail: 'ownerId',
  figure: 'amount',
};
