import { useMutation, useQuery } from '@tanstack/react-query';
import { Table } from '../../kit/table.tsx';
import { ProblemText } from '../../app/boundaries.tsx';
import { format, t } from '../../app/language.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { call, download, invalidate, readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { saveFile } from '../../kit/notices.ts';
import { Button, Chip, icons, text } from '../../kit/ui.tsx';
import style from './verify.module.css';

/** Each chain of hashes, with the operations that check it, sign its head and give it as a file. */
const chains = [
  {
    key: 'records',
    verify: 'verifyAuditEntries',
    heads: 'listAuditHeads',
    items: 'auditHeads',
    sign: 'signAuditHead',
    export: 'exportAuditEntries',
  },
  {
    key: 'security',
    verify: 'verifySecurityEvents',
    heads: 'listSecurityEventHeads',
    items: 'securityEventHeads',
    sign: 'signSecurityEventHead',
    export: 'exportSecurityEvents',
  },
] as const;

/** Checks that nobody changed or removed an entry of the logs. */
export function VerifyAudit() {
  return (
    <>
      <Bar title={t('verify.title')} beside={t('verify.beside')} />
      <Scroll padded>
        <div className={style.chains}>
          {chains.map((chain) => (
            <ChainPanel key={chain.key} chain={chain} />
          ))}
        </div>
      </Scroll>
    </>
  );
}

type Chain = (typeof chains)[number];

function ChainPanel({ chain }: { chain: Chain }) {
  const verify = useMutation({ mutationFn: () => verifyWhole(chain) });
  const sign = useMutation({ mutationFn: () => call(chain.sign), onSuccess: () => invalidate(collectionOf(chain)) });
  const save = useMutation({ mutationFn: async () => saveFile(await download(chain.export), `${chain.key}.ndjson`) });
  const error = verify.error ?? sign.error ?? save.error;
  return (
    <section className={style.chain}>
      <header>
        <h2>{t(`verify.${chain.key}`)}</h2>
        <p className={text.two}>{t(`verify.${chain.key}.help`)}</p>
      </header>
      <div className={style.actions}>
        <Button kind="primary" icon={icons.ShieldCheck} onPress={() => verify.mutate()} isPending={verify.isPending}>
          {t('verify.run')}
        </Button>
        <Button icon={icons.PenLine} onPress={() => sign.mutate()} isPending={sign.isPending}>
          {t('verify.sign')}
        </Button>
        <Button icon={icons.Download} onPress={() => save.mutate()} isPending={save.isPending}>
          {t('verify.export')}
        </Button>
      </div>
      <div aria-live="polite">
        {verify.isPending && <p>{t('verify.running')}</p>}
        {verify.data && <Verdict verification={verify.data} />}
        {error && <ProblemText error={error} />}
      </div>
      <Heads chain={chain} />
    </section>
  );
}

function collectionOf({ heads }: Chain): string {
  return heads === 'listAuditHeads' ? 'auditHeads' : 'securityEventHeads';
}

/** Verifies from the first entry to the last one: an answer that ran out of time says where to go on. */
async function verifyWhole(chain: Chain): Promise<Json> {
  let after: unknown;
  for (;;) {
    const answer = await call(chain.verify, {}, { body: after === undefined ? {} : { after } });
    if (answer.isComplete === true || answer.fault !== undefined) return answer;
    after = answer.end;
  }
}

function Verdict({ verification }: { verification: Json }) {
  const number = Number(valueAt(verification, 'end.number') ?? 0);
  if (verification.fault === undefined)
    return (
      <p className={text.row}>
        <Chip tone="good" icon={icons.ShieldCheck}>
          {t('verify.whole')}
        </Chip>
        {t('verify.upTo', { number: format.number(number) })}
      </p>
    );
  return (
    <p className={text.danger}>
      <strong>
        {t('verify.broken', { number: format.number(Number(valueAt(verification, 'fault.number') ?? 0)) })}
      </strong>{' '}
      {t(`verify.reason.${textAt(verification, 'fault.reason')}`)}
    </p>
  );
}

/** Signed heads: who keeps one outside can prove later that nothing before it has changed. */
function Heads({ chain }: { chain: Chain }) {
  const { data } = useQuery(readQuery(chain.heads));
  const heads = itemsAt(data, Object.keys(data ?? {}).find((key) => Array.isArray(data?.[key])) ?? chain.items);
  if (heads.length === 0) return <p className={text.meta}>{t('verify.noHeads')}</p>;
  return (
    <Table
      label={t(`verify.${chain.key}`)}
      heads={[t('verify.number'), t('verify.time'), t('verify.hash')]}
      rows={heads
        .slice(0, 8)
        .map(({ number, time, hash }) => [
          format.number(Number(number)),
          format.exactTime(String(time)),
          <code title={String(hash)}>{String(hash).slice(0, 16)}…</code>,
        ])}
    />
  );
}
