import { useQuery } from '@tanstack/react-query';
import { ProblemText } from '../../app/boundaries.tsx';
import { labels, t } from '../../app/language.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { call, invalidate, readQuery } from '../../contract/api.ts';
import { textAt, valueAt, type Json } from '../../contract/json.ts';
import { zone } from '../../app/format.ts';
import { Check, Select } from '../../kit/form/field.tsx';
import style from './preferences.module.css';

/** The preference of each kind of notifications, in the order of importance. */
const kinds = {
  assigned: 'ASSIGNED',
  mentioned: 'MENTIONED',
  customerMessage: 'CUSTOMER_MESSAGE',
  statusChanged: 'STATUS_CHANGED',
  due: 'DUE',
  reminder: 'REMINDER',
  operationFailed: 'OPERATION_FAILED',
  approvalRequested: 'APPROVAL_REQUESTED',
};

/** Which notifications who is signed in gets. A choice is stored at once. */
export function NotificationPreferences() {
  const { data, error } = useQuery(readQuery('getNotificationPreferences'));
  const change = async (changes: Json) => {
    await call('updateNotificationPreferences', {}, { body: changes });
    await invalidate('notificationPreferences');
  };
  return (
    <>
      <Bar title={t('notifications.preferences')} beside={t('notifications.preferencesBeside')} />
      <Scroll padded>
        {error && <ProblemText error={error} />}
        {data && (
          <ul className={style.kinds}>
            {Object.entries(kinds).map(([field, kind]) => (
              <li key={field}>
                <Check
                  label={labels.value('NotificationKind', kind)}
                  isSelected={valueAt(data, `${field}.inApp`) !== false}
                  onChange={(inApp) => void change({ [field]: { inApp } })}
                />
                <p className={style.about}>{t(`notifications.about.${field}`)}</p>
              </li>
            ))}
            <Digest preferences={data} onChange={(digest) => void change({ digest })} />
          </ul>
        )}
      </Scroll>
    </>
  );
}

const hours = Array.from({ length: 24 }, (_, hour) => ({
  id: String(hour),
  name: `${String(hour).padStart(2, '0')}:00`,
}));

/** The daily e-mail. It begins with the time zone of the browser, and keeps its own when the hour changes. */
function Digest({ preferences, onChange }: { preferences: Json; onChange: (digest: Json | null) => void }) {
  const hour = textAt(preferences, 'digest.hour');
  const timeZone = textAt(preferences, 'digest.timeZone');
  return (
    <li>
      <Check
        label={t('notifications.digest')}
        isSelected={hour !== ''}
        onChange={(isOn) => onChange(isOn ? { hour: 8, timeZone: zone } : null)}
      />
      <p className={style.about}>{t('notifications.about.digest')}</p>
      {hour !== '' && (
        <div className={style.hour}>
          <Select
            label={timeZone === '' ? t('notifications.hour') : t('notifications.hourIn', { zone: timeZone })}
            options={hours}
            value={hour}
            onChange={(id) => onChange({ hour: Number(id), ...(timeZone !== '' && { timeZone }) })}
          />
        </div>
      )}
    </li>
  );
}
