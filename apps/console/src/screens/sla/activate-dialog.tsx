import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { labels, t } from '../../app/language.ts';
import { call, invalidate } from '../../contract/api.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { Ask } from '../../kit/form/ask.tsx';
import { Segments } from '../../kit/form/segments.tsx';
import { notify } from '../../kit/notices.ts';
import text from '../../style/text.module.css';

/** Makes the saved policy the active version, after it has said how many open tickets that concerns. */
export function ActivateDialog({ policy, onClose }: { policy: Json; onClose: () => void }) {
  const [openTickets, setOpenTickets] = useState('KEEP');
  const [id, etag] = [textAt(policy, 'id'), textAt(policy, 'etag')];
  const body = { openTickets };
  const { data } = useQuery({
    queryKey: ['slaPolicies', 'activateSlaPolicy', id, etag, openTickets],
    queryFn: ({ signal }) => call('activateSlaPolicy', { id, validateOnly: true }, { body, signal }),
    retry: false,
  });
  const activate = async () => {
    await call('activateSlaPolicy', { id }, { body, ifMatch: etag });
    await Promise.all(['slaPolicies', 'slaTimers', 'tickets'].map(invalidate));
    notify(t('sla.activated', { name: textAt(policy, 'name') }));
  };
  return (
    <Ask
      title={t('sla.activateTitle', { name: textAt(policy, 'name') })}
      acts={[{ name: t('sla.activate'), run: activate }]}
      onClose={onClose}
      names={[]}
    >
      {() => (
        <>
          <p>{t('sla.activateHelp')}</p>
          <Segments
            label={labels.field('SlaActivation', 'openTickets')}
            value={openTickets}
            onChange={setOpenTickets}
            options={labels.values('OpenTickets').map(({ id }) => ({ id, name: t(`sla.open.${id}`) }))}
          />
          <p className={text.meta} aria-live="polite">
            {data
              ? t('sla.concerns', {
                  count: Number(textAt(data, 'affectedTickets') || 0),
                  of: Number(textAt(data, 'checkedTickets') || 0),
                })
              : t('sla.simulating')}
          </p>
        </>
      )}
    </Ask>
  );
}
