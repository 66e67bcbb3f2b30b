import { useQuery } from '@tanstack/react-query';
import { format, t } from '../../../app/language.ts';
import { call, readQuery } from '../../../contract/api.ts';
import { textAt, type Json } from '../../../contract/json.ts';
import { Ask } from '../../../kit/form/ask.tsx';
import { keep } from '../../../kit/form/use-draft.ts';
import { notify } from '../../../kit/notices.ts';
import text from '../../../style/text.module.css';
import { isTimed } from './checklist.tsx';

/** Asks once more, with the number of people, before e-mails leave. */
export function StartDialog({ campaign, onClose }: { campaign: Json; onClose: () => void }) {
  const id = textAt(campaign, 'id');
  const { data } = useQuery(readQuery('estimateCampaign', { id }));
  const isLater = isTimed(campaign);
  const start = async () => {
    const verb = isLater ? 'scheduleCampaign' : 'startCampaign';
    const started = await call(verb, { id }, { ifMatch: textAt(campaign, 'etag'), ...(isLater && { body: {} }) });
    keep('campaigns', started);
    notify(t(isLater ? 'campaign.scheduled' : 'campaign.started', { name: textAt(campaign, 'name') }));
  };
  const [sample, mailable] = [Number(data?.sample ?? 0), Number(data?.sampleMailable ?? 0)];
  const audience = Number(data?.audience ?? 0);
  const local = textAt(campaign, 'schedule.localTime');
  return (
    <Ask
      title={t('campaign.startTitle', { name: textAt(campaign, 'name') })}
      acts={[{ name: t(isLater ? 'campaign.schedule' : 'campaign.sendNow'), run: start }]}
      onClose={onClose}
      names={[]}
    >
      {() => (
        <>
          <p className={text.figure}>
            {data ? t('campaign.people', { count: Math.round((audience * mailable) / Math.max(1, sample)) }) : '…'}
          </p>
          <p className={text.two}>{t('campaign.startHelp', { count: audience })}</p>
          {isLater && (
            <p>
              {local === ''
                ? format.exactTime(textAt(campaign, 'schedule.sendTime'))
                : t('check.local', { time: local.replace('T', ' ') })}
            </p>
          )}
        </>
      )}
    </Ask>
  );
}
