import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { ProblemNote } from '../../../app/boundaries.tsx';
import { labels } from '../../../app/language.ts';
import { listQuery } from '../../../contract/api.ts';
import { theContract } from '../../../contract/contract.ts';
import { textAt } from '../../../contract/json.ts';
import { Grid } from '../../../kit/grid/grid.tsx';
import { columnsOf, from, type ListColumn } from '../../list/columns.tsx';
import style from './monitor.module.css';

const shown = [
  'customerId',
  'state',
  'reason',
  'variantKey',
  'plannedTime',
  'handOverTime',
  'isHumanClick',
  'relayReply',
];

/** What the columns have here: who comes first, and reasons are words. */
const own: Readonly<Record<string, Partial<ListColumn>>> = {
  customerId: { place: 'name', width: [12, 2] },
  state: { place: 'detail', width: [8, 1] },
  reason: {
    cell: (record) => {
      const reason = textAt(record, 'reason');
      return reason === '' ? null : labels.value('RecipientReason', reason);
    },
  },
  relayReply: { width: [12, 2] },
};

/** The recipients of a campaign, of one state or of all. */
export function Ledger({ campaignId, state }: { campaignId: string; state: string }) {
  const navigate = useNavigate();
  const resource = theContract().resource('campaignRecipients')!;
  const [cursor, setCursor] = useState(0);
  const filter = `campaignId = ${campaignId}${state === '' ? '' : ` AND state = ${state}`}`;
  const { data, error, hasNextPage, fetchNextPage, isPending } = useInfiniteQuery(listQuery(resource, { filter }));
  const columns = useMemo(() => {
    const all = columnsOf(resource, [], () => undefined);
    return shown.flatMap((id) => {
      const column = all.find((each) => each.id === id);
      return column ? [{ ...column, ...own[id] }] : [];
    });
  }, [resource]);
  const rows = data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <div className={style.ledger}>
      <ProblemNote error={error} />
      <Grid
        label={labels.resource('campaignRecipients')}
        columns={columns}
        rows={rows}
        idOf={(row) => textAt(row, 'id')}
        cursor={cursor}
        onCursor={setCursor}
        onOpen={(row) => void navigate({ to: `/campaignRecipients/${textAt(row, 'id')}`, search: from() as object })}
        hasMore={hasNextPage || isPending}
        onMore={() => void fetchNextPage({ cancelRefetch: false })}
      />
    </div>
  );
}
