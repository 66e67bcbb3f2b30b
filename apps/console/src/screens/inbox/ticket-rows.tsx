import { GridListItem } from 'react-aria-components';
import { format, labels, t } from '../../app/language.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { useTitles } from '../../kit/record/names.tsx';
import { ChosenList } from '../../kit/split.tsx';
import { join, text } from '../../kit/ui.tsx';
import { DueMark } from '../ticket/clock/clocks.tsx';
import style from './inbox.module.css';

interface TicketRowsProps {
  label: string;
  tickets: readonly Json[];
  chosen: string;
  onChoose: (id: string) => void;
  onOpen: (id: string) => void;
}

/** Tickets in two lines: what about and since when, who asks, and the clock that ends next. */
export function TicketRows({ label, tickets, chosen, onChoose, onOpen }: TicketRowsProps) {
  const names = useTitles(
    'customers',
    tickets.map((ticket) => textAt(ticket, 'customerId')),
  );
  return (
    <ChosenList {...{ label, chosen, onChoose }} onAction={(key) => onOpen(String(key))}>
      {tickets.map((ticket) => {
        const subject = textAt(ticket, 'subject');
        return (
          <GridListItem key={textAt(ticket, 'id')} id={textAt(ticket, 'id')} textValue={subject} className={style.row}>
            <Row ticket={ticket} customer={names.get(textAt(ticket, 'customerId')) ?? ''} />
          </GridListItem>
        );
      })}
    </ChosenList>
  );
}

function Row({ ticket, customer }: { ticket: Json; customer: string }) {
  const priority = textAt(ticket, 'priority');
  const isPressing = priority === 'HIGH' || priority === 'URGENT';
  const last = textAt(ticket, 'lastCustomerMessageTime') || textAt(ticket, 'createTime');
  return (
    <span className={style.lines}>
      <span className={text.row}>
        <span className={join(style.sign, isUnanswered(ticket) && style.unanswered)}>
          {isUnanswered(ticket) && <span className={text.hidden}>{t('inbox.unanswered')}</span>}
        </span>
        <span className={join(style.subject, text.cut, text.grow)} title={textAt(ticket, 'subject')}>
          {textAt(ticket, 'subject')}
        </span>
        <time className={join(style.when, text.meta)} title={format.exactTime(last)}>
          {format.time(last)}
        </time>
      </span>
      <span className={join(style.second, text.meta)}>
        {isPressing && <b className={style[priority]}>{labels.value('TicketPriority', priority)}</b>}
        <span className={join(style.from, text.cut)}>{customer}</span>
        <span>#{textAt(ticket, 'number')}</span>
        <DueMark ticket={ticket} />
      </span>
    </span>
  );
}

/** Whether the customer wrote last. */
function isUnanswered(ticket: Json): boolean {
  const category = textAt(ticket, 'category');
  const [asked, replied] = [textAt(ticket, 'lastCustomerMessageTime'), textAt(ticket, 'lastReplyTime')];
  return ['NEW', 'OPEN'].includes(category) && (replied === '' || Date.parse(asked) > Date.parse(replied));
}
