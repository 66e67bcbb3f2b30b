import { labels, t } from '../../app/language.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { optionsOf } from '../../kit/form/choices.ts';
import { Select } from '../../kit/form/field.tsx';
import { usePeople } from '../../kit/record/names.tsx';
import { setField, useQueues, useStatuses, type useTicketActs } from './ticket-acts.ts';
import style from './ticket-pane.module.css';

/** What is changed most: status, priority, assignee and queue, each in its place. */
export function TicketFacts({ ticket, acts }: { ticket: Json; acts: ReturnType<typeof useTicketActs> }) {
  const statuses = useStatuses();
  const people = [...usePeople().values()].filter(({ shape }) => shape === 'person');
  const queues = optionsOf(useQueues());
  const owner = textAt(ticket, 'ownerId');
  const nobody = { id: '', name: t('ticket.nobody') };
  return (
    <div className={style.facts}>
      <Select
        label={labels.field('Ticket', 'status')}
        isHiddenLabel
        value={textAt(ticket, 'status')}
        options={statuses}
        onChange={(id) => {
          const next = statuses.find((each) => each.id === id);
          if (next) acts.setStatus(next);
        }}
      />
      <Select
        label={labels.field('Ticket', 'priority')}
        isHiddenLabel
        value={textAt(ticket, 'priority')}
        options={labels.values('TicketPriority')}
        onChange={(priority) => void setField(ticket, 'priority', priority)}
      />
      <Select
        label={t('ticket.assignee')}
        isHiddenLabel
        value={owner}
        options={[nobody, ...people]}
        onChange={(id) => {
          if (id === '') acts.release();
          else acts.assign(id, people.find((each) => each.id === id)?.name ?? '');
        }}
      />
      {queues.length > 0 && (
        <Select
          label={labels.singular('queue')}
          isHiddenLabel
          value={textAt(ticket, 'queueId')}
          options={[{ id: '', name: t('form.none') }, ...queues]}
          onChange={(id) => void setField(ticket, 'queueId', id === '' ? null : id)}
        />
      )}
    </div>
  );
}
