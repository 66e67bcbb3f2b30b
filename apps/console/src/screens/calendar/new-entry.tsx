import { useState } from 'react';
import { zone } from '../../app/format.ts';
import { format, labels, t } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { useSession } from '../../app/session.ts';
import { call, invalidate } from '../../contract/api.ts';
import { textAt } from '../../contract/json.ts';
import { Ask } from '../../kit/form/ask.tsx';
import { Select, TextField } from '../../kit/form/field.tsx';
import { Segments } from '../../kit/form/segments.tsx';
import { notify } from '../../kit/notices.ts';
import { momentOf } from '../home/home-data.ts';
import { type EntryKind } from './entries.ts';
import { dayName } from './time-grid.tsx';

const creates = { meetings: 'createMeeting', tasks: 'createTask', calls: 'createCall' } as const;
const removes = { meetings: 'deleteMeeting', tasks: 'deleteTask', calls: 'deleteCall' } as const;
const lengths = ['15', '30', '45', '60', '90', '120'];

/** Asks what happens at a time of a day. */
export function NewEntry({ day, minutes, onClose }: { day: Date; minutes: number; onClose: () => void }) {
  const { user } = useSession();
  const may = useMay();
  const kinds = (['meetings', 'tasks', 'calls'] as const).filter((kind) => may(creates[kind]));
  const [kind, setKind] = useState<EntryKind>(kinds[0] ?? 'meetings');
  const [subject, setSubject] = useState('');
  const [time, setTime] = useState(format.hour(momentOf(day, minutes)));
  const [length, setLength] = useState('30');
  const save = async () => {
    const [hours = 0, rest = 0] = time.split(':').map(Number);
    const start = momentOf(day, hours * 60 + rest);
    const seconds = Number(length) * 60;
    const when = {
      meetings: {
        startTime: start.toISOString(),
        endTime: new Date(start.getTime() + seconds * 1_000).toISOString(),
        timeZone: zone,
      },
      tasks: { dueTime: start.toISOString() },
      calls: { startTime: start.toISOString(), durationSeconds: seconds, direction: 'OUTBOUND' },
    }[kind];
    const made = await call(creates[kind], {}, { body: { subject, ownerId: user.id, ...when } });
    await invalidate(kind);
    const undo = () => call(removes[kind], { id: made.id }, { ifMatch: textAt(made, 'etag') });
    notify(t('work.added', { subject }), () => undo().then(() => invalidate(kind)));
  };
  return (
    <Ask title={dayName(day)} acts={[{ name: t('form.save'), run: save }]} onClose={onClose} names={['subject']}>
      {(faults) => (
        <>
          <Segments
            label={t('calendar.kind')}
            value={kind}
            onChange={setKind}
            options={kinds.map((id) => ({ id, name: labels.singular(id.slice(0, -1)) }))}
          />
          <TextField
            label={labels.field('', 'subject')}
            value={subject}
            onChange={setSubject}
            error={faults.get('/subject')}
            autoFocus
          />
          <TextField label={t('calendar.from')} type="time" value={time} onChange={setTime} />
          {kind !== 'tasks' && (
            <Select
              label={t('calendar.length')}
              value={length}
              onChange={setLength}
              options={lengths.map((id) => ({ id, name: t('calendar.minutes', { count: Number(id) }) }))}
            />
          )}
        </>
      )}
    </Ask>
  );
}
