import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { ProblemNote } from '../../app/boundaries.tsx';
import { labels, t } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { useShortcut } from '../../app/shortcuts.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { Menu, MenuItem } from '../../kit/overlay.tsx';
import { Reference } from '../../kit/record/names.tsx';
import { Button, Chip, IconButton, icons, join, text } from '../../kit/ui.tsx';
import { call } from '../../contract/api.ts';
import { Ask } from '../../kit/form/ask.tsx';
import { ReferencePicker } from '../../kit/form/reference.tsx';
import { notify } from '../../kit/notices.ts';
import { Clocks } from './clock/clocks.tsx';
import { Composer } from './composer/composer.tsx';
import { Conversation } from './conversation.tsx';
import { CustomerCard } from './customer-card.tsx';
import { useTicketActs, refreshTickets } from './ticket-acts.ts';
import { TicketFacts } from './ticket-facts.tsx';
import style from './ticket-pane.module.css';

/** A ticket as agents work on it: its facts and clocks, the conversation with a place to answer, and the customer beside it. */
export function TicketPane({ ticket }: { ticket: Json }) {
  return (
    <div className={style.pane}>
      <TicketHead ticket={ticket} />
      <div className={style.columns}>
        <TicketTalk ticket={ticket} />
        <aside className={style.aside}>
          <CustomerCard ticket={ticket} />
        </aside>
      </div>
    </div>
  );
}

/** The conversation of a ticket with a place to answer. */
export function TicketTalk({ ticket }: { ticket: Json }) {
  const [isSplitting, setIsSplitting] = useState(false);
  const isMerged = textAt(ticket, 'mergedIntoId') !== '';
  return (
    <div className={style.talk}>
      <Conversation ticket={ticket} isSplitting={isSplitting} onSplit={setIsSplitting} />
      {!isSplitting && !isMerged && <Composer ticket={ticket} />}
    </div>
  );
}

/** What is done with a ticket, and its clocks, on its own page. */
export function TicketStrip({ ticket }: { ticket: Json }) {
  const acts = useTicketActs(ticket);
  return (
    <div className={style.strip}>
      <Clocks ticketId={textAt(ticket, 'id')} isWhole />
      <span className={text.grow} />
      <Acts ticket={ticket} acts={acts} />
      <ProblemNote error={acts.error} />
    </div>
  );
}

function TicketHead({ ticket }: { ticket: Json }) {
  const acts = useTicketActs(ticket);
  const id = textAt(ticket, 'id');
  return (
    <header className={style.head}>
      <div className={join(text.row, style.title)}>
        <h2 className={join(text.title, text.cut)} title={textAt(ticket, 'subject')}>
          {textAt(ticket, 'subject')}
        </h2>
        <span className={text.grow} />
        <Acts ticket={ticket} acts={acts} />
      </div>
      <div className={join(style.about, text.two)}>
        <Reference resource="customers" id={textAt(ticket, 'customerId')} />
        <Link to="/$resource/$id" params={{ resource: 'tickets', id }} className={style.number}>
          #{textAt(ticket, 'number')}
        </Link>
        <span>{labels.value('TicketChannel', textAt(ticket, 'channel'))}</span>
        {ticket.isSpam === true && <Chip tone="warn">{t('ticket.spam')}</Chip>}
      </div>
      <TicketFacts ticket={ticket} acts={acts} />
      <Clocks ticketId={id} />
      <ProblemNote error={acts.error} />
    </header>
  );
}

type Acts = ReturnType<typeof useTicketActs>;

function Acts({ ticket, acts }: { ticket: Json; acts: Acts }) {
  const may = useMay();
  const [isMerging, setIsMerging] = useState(false);
  const category = textAt(ticket, 'category');
  const isDone = category === 'SOLVED' || category === 'CLOSED';
  const canTake = may('takeTicket') && !acts.isMine && !isDone;
  useShortcut('t', 'ticket.take', acts.take, canTake);
  useShortcut('s', 'ticket.solve', acts.solve, may('solveTicket') && !isDone);
  return (
    <>
      {canTake && (
        <Button small icon={icons.UserRoundCheck} shortcut="T" onPress={acts.take}>
          {t('ticket.take')}
        </Button>
      )}
      {may('solveTicket') && !isDone && (
        <Button small icon={icons.Check} shortcut="S" onPress={acts.solve}>
          {t('ticket.solve')}
        </Button>
      )}
      {may('reopenTicket') && isDone && (
        <Button small icon={icons.RotateCcw} onPress={acts.reopen}>
          {labels.operation('reopenTicket')}
        </Button>
      )}
      <Menu label={t('record.more')} button={<IconButton small name={t('record.more')} icon={icons.Ellipsis} />}>
        {[
          { verb: 'mergeTicket', icon: icons.Merge, name: t('ticket.merge'), run: () => setIsMerging(true) },
          { verb: 'releaseTicket', icon: icons.UserRoundX, name: labels.operation('releaseTicket'), run: acts.release },
          { verb: 'markTicketSpam', icon: icons.ShieldX, name: labels.operation('markTicketSpam'), run: acts.spam },
        ]
          .filter(({ verb }) => may(verb))
          .map(({ verb, icon, name, run }) => (
            <MenuItem key={verb} icon={icon} onAction={run}>
              {name}
            </MenuItem>
          ))}
        <MenuItem key="page" icon={icons.ExternalLink} href={`/tickets/${textAt(ticket, 'id')}`}>
          {t('ticket.page')}
        </MenuItem>
      </Menu>
      {isMerging && <MergeDialog ticket={ticket} onClose={() => setIsMerging(false)} />}
    </>
  );
}

/** Merges a ticket into another one. The notice, and later the ticket, takes it back. */
function MergeDialog({ ticket, onClose }: { ticket: Json; onClose: () => void }) {
  const [into, setInto] = useState('');
  const id = textAt(ticket, 'id');
  const merge = async () => {
    await call('mergeTicket', { id }, { body: { intoId: into } });
    await refreshTickets();
    notify(t('ticket.mergeDone', { number: textAt(ticket, 'number') }), () =>
      call('undoTicketMerge', { id }).then(refreshTickets),
    );
  };
  return (
    <Ask
      title={t('ticket.mergeTitle', { number: textAt(ticket, 'number') })}
      acts={[{ name: t('ticket.merge'), run: merge }]}
      onClose={onClose}
      names={['intoId']}
    >
      {(faults) => (
        <>
          <p>{t('ticket.mergeHelp')}</p>
          <ReferencePicker
            label={t('ticket.mergeInto')}
            resource="tickets"
            value={into}
            onChange={setInto}
            error={faults.get('/intoId')}
            autoFocus
          />
        </>
      )}
    </Ask>
  );
}
