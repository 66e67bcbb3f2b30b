import { lazy, Suspense, useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Pending } from '../../../app/boundaries.tsx';
import { labels, t, format } from '../../../app/language.ts';
import { useMay } from '../../../app/resource.ts';
import { Bar } from '../../../app/shell/shell.tsx';
import { textAt, type Json } from '../../../contract/json.ts';
import { Crumbs } from '../../../kit/crumbs.tsx';
import { Editor } from '../../../kit/editor.tsx';
import { FormFault } from '../../../kit/form/form-faults.tsx';
import { SaveButton } from '../../../kit/form/save-button.tsx';
import { useDraft, type Draft, keep } from '../../../kit/form/use-draft.ts';
import { RecordOfAddress } from '../../../kit/record-of-address.tsx';
import { StateChip } from '../../../kit/record/states.tsx';
import { Button, icons, text } from '../../../kit/ui.tsx';
import { RecordMenu } from '../../../kit/record/record-menu.tsx';
import { useGoOn } from '../../../kit/use-go-on.ts';
import { call, readQuery } from '../../../contract/api.ts';
import { Ask } from '../../../kit/form/ask.tsx';
import { notify } from '../../../kit/notices.ts';
import { CampaignForm } from './campaign-form.tsx';
import { Checklist, useChecks, isTimed } from './checklist.tsx';
import { MailPreview } from './mail-preview.tsx';
import { campaignTones } from './recipients.ts';

// What is shown once it has started is not loaded before.
const Monitor = lazy(() => import('./monitor.tsx'));

/** A campaign: its editor until it is started, and then what becomes of its e-mails. */
export function CampaignScreen() {
  return (
    <RecordOfAddress get="getCampaign">
      {(campaign) =>
        campaign && !['DRAFT', 'SCHEDULED'].includes(textAt(campaign, 'state')) ? (
          <Suspense fallback={<Pending />}>
            <Monitor campaign={campaign} />
          </Suspense>
        ) : (
          <CampaignEditor campaign={campaign} />
        )
      }
    </RecordOfAddress>
  );
}

const begin: Json = { audience: 'FROZEN', variants: [{ key: 'a', weight: 1 }], tracksClicks: true };
const shownFaults = ['name', 'topicKey', 'mailboxId', 'goal', 'includeSegmentIds', 'excludeSegmentIds', 'audience'];

function CampaignEditor({ campaign }: { campaign: Json | undefined }) {
  const navigate = useGoOn();
  const may = useMay();
  const draft = useDraft({
    resource: 'campaigns',
    record: campaign,
    begin,
    onCreated: ({ id }) => void navigate({ to: '/campaigns/$id/mailing', params: { id: String(id) }, replace: true }),
  });
  const isDraft = !campaign || textAt(campaign, 'state') === 'DRAFT';
  const checks = useChecks(campaign, draft);
  const isReady = checks.every(({ state }) => state !== 'wrong');
  return (
    <>
      <EditorBar {...{ campaign, draft, isReady }} />
      <Editor
        isDisabled={!isDraft || !may(campaign ? 'updateCampaign' : 'createCampaign')}
        label={t('campaign.preview')}
        left={
          <>
            <CampaignForm draft={draft} isNew={!campaign} />
            <FormFault error={draft.error} names={[...shownFaults, 'variants', 'test', 'schedule']} />
          </>
        }
        right={
          <>
            <Checklist checks={checks} />
            <MailPreview {...{ campaign, checks }} shown={draft.shown} isEdited={draft.isEdited} />
          </>
        }
      />
    </>
  );
}

interface EditorBarProps {
  campaign: Json | undefined;
  draft: Draft;
  isReady: boolean;
}

function EditorBar({ campaign, draft, isReady }: EditorBarProps) {
  const may = useMay();
  const id = textAt(campaign, 'id');
  const isDraft = !campaign || textAt(campaign, 'state') === 'DRAFT';
  const title = textAt(draft.shown, 'name') || t('form.new', { what: labels.one('campaign') });
  return (
    <Bar
      title={<Crumbs resource="campaigns" title={title} />}
      beside={campaign && <StateChip record={campaign} of="CampaignState" tones={campaignTones} />}
    >
      <RecordMenu resource="campaigns" id={id} />
      {isDraft && <DraftButtons {...{ campaign, draft, isReady }} />}
      {!isDraft && may('cancelCampaign') && (
        <Button icon={icons.Undo2} onPress={() => draft.act('cancelCampaign')}>
          {t('campaign.unschedule')}
        </Button>
      )}
    </Bar>
  );
}

function DraftButtons({ campaign, draft, isReady }: EditorBarProps) {
  const may = useMay();
  const [isStarting, setIsStarting] = useState(false);
  return (
    <>
      <SaveButton kind={campaign ? 'plain' : 'primary'} draft={draft} />
      {campaign && may('startCampaign') && (
        <Button
          kind="primary"
          icon={icons.Send}
          isDisabled={!isReady}
          isPending={draft.isPending}
          onPress={() => setIsStarting(true)}
        >
          {t('campaign.start')}
        </Button>
      )}
      {isStarting && campaign && <StartDialog campaign={campaign} onClose={() => setIsStarting(false)} />}
    </>
  );
}

/** Asks once more, with the number of people, before e-mails leave. */
function StartDialog({ campaign, onClose }: { campaign: Json; onClose: () => void }) {
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
