import { Link } from '@tanstack/react-router';
import { format, labels } from '../../app/language.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { useFirst } from '../../kit/form/choices.ts';
import { shapeOf, useRecord } from '../../kit/record/names.tsx';
import { isMoney } from '../../kit/record/value.tsx';
import { Chip, Face, Icon, icons, join, text } from '../../kit/ui.tsx';
import style from './ticket-pane.module.css';

/** The customer of a ticket: how to be reached, their other tickets, and what they may buy. */
export function CustomerCard({ ticket }: { ticket: Json }) {
  const id = textAt(ticket, 'customerId');
  const customer = useRecord('customers', id);
  if (!customer) return null;
  const name = textAt(customer, 'displayName');
  const address = textAt(itemsAt(customer, 'emails')[0], 'address');
  const phone = textAt(itemsAt(customer, 'phones')[0], 'number');
  return (
    <section className={style.card} aria-label={labels.singular('customer')}>
      <Link to="/$resource/$id" params={{ resource: 'customers', id }} className={style.customer}>
        <Face name={name} shape={shapeOf(customer) ?? 'person'} size="middle" />
        <span className={style.naming}>
          <b className={text.cut}>{name}</b>
          <span className={join(text.meta, text.cut)}>
            {[textAt(customer, 'jobTitle'), textAt(customer, 'companyName') || textAt(ticket, 'companyName')]
              .filter((each) => each !== '')
              .join(', ')}
          </span>
        </span>
      </Link>
      <ul className={style.contact}>
        {address !== '' && (
          <li className={text.row}>
            <Icon of={icons.Mail} /> <span className={text.cut}>{address}</span>
          </li>
        )}
        {phone !== '' && (
          <li className={text.row}>
            <Icon of={icons.Phone} /> <span className={text.cut}>{phone}</span>
          </li>
        )}
      </ul>
      <Others customerId={id} ticketId={textAt(ticket, 'id')} />
      <Deals customerId={id} />
    </section>
  );
}

function Others({ customerId, ticketId }: { customerId: string; ticketId: string }) {
  const filter = `customerId = "${customerId}"`;
  const all = useFirst('tickets', { filter, orderBy: 'createTime desc', pageSize: 8 });
  const tickets = all.filter(({ id }) => id !== ticketId);
  if (tickets.length === 0) return null;
  return (
    <div>
      <h3>{labels.resource('tickets')}</h3>
      <ul>
        {tickets.map((ticket) => (
          <li key={textAt(ticket, 'id')}>
            <Link to="/inbox" search={{ ticket: textAt(ticket, 'id') } as never} className={style.other}>
              <span className={text.cut}>{textAt(ticket, 'subject')}</span>
              <span className={text.meta}>{labels.value('TicketCategory', textAt(ticket, 'category'))}</span>
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Deals({ customerId }: { customerId: string }) {
  const deals = useFirst('deals', { filter: `customerId = "${customerId}" AND status = OPEN`, pageSize: 4 });
  if (deals.length === 0) return null;
  return (
    <div>
      <h3>{labels.resource('deals')}</h3>
      <ul>
        {deals.map((deal) => (
          <li key={textAt(deal, 'id')}>
            <Link to="/$resource/$id" params={{ resource: 'deals', id: textAt(deal, 'id') }} className={style.other}>
              <span className={text.cut}>{textAt(deal, 'title')}</span>
              {isMoney(deal.amount) && <Chip>{format.money(deal.amount)}</Chip>}
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}
