import { useQuery } from '@tanstack/react-query';
import { ProblemText } from '../../app/boundaries.tsx';
import { labels, t } from '../../app/language.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { call, invalidate, readQuery } from '../../contract/api.ts';
import { valueAt } from '../../contract/json.ts';
import { Check } from '../../kit/form/field.tsx';
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
  const choose = async (field: string, inApp: boolean) => {
    await call('updateNotificationPreferences', {}, { body: { [field]: { inApp } } });
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
                  onChange={(inApp) => void choose(field, inApp)}
                />
                <p className={style.about}>{t(`notifications.about.${field}`)}</p>
              </li>
            ))}
          </ul>
        )}
      </Scroll>
    </>
  );
}
