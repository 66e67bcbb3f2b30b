import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { usePeople } from '../../kit/record/names.tsx';
import { ProblemText } from '../../app/boundaries.tsx';
import { labels, t } from '../../app/language.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { theContract } from '../../contract/contract.ts';
import { readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { Select } from '../../kit/form/field.tsx';
import { Chip, icons, text } from '../../kit/ui.tsx';
import style from './explain.module.css';

/** Why a person or a key may do something, or may not: the roles that grant it, with what they cover. */
export function Explain() {
  const principals = usePrincipals();
  const [principal, setPrincipal] = useState('');
  const [permission, setPermission] = useState('customers.write');
  const isAsked = principal !== '' && permission !== '';
  const { data, error } = useQuery(readQuery('explainPermission', { principalId: principal, permission }, isAsked));
  return (
    <>
      <Bar title={t('explain.title')} beside={t('explain.beside')} />
      <Scroll padded>
        <div className={style.question}>
          <Select label={t('explain.who')} options={principals} value={principal} onChange={setPrincipal} />
          <Select
            label={t('explain.what')}
            options={theContract().permissions.map((id) => ({ id, name: id }))}
            value={permission}
            onChange={setPermission}
          />
        </div>
        <div className={style.answer} aria-live="polite">
          {error && <ProblemText error={error} />}
          {isAsked && data && <Explanation explanation={data} />}
        </div>
      </Scroll>
    </>
  );
}

function usePrincipals(): { id: string; name: string }[] {
  return [...usePeople().values()]
    .filter(({ shape }) => shape !== 'company')
    .map(({ id, name, shape }) => ({ id, name: shape === 'machine' ? t('explain.key', { name }) : name }));
}

function Explanation({ explanation }: { explanation: Json }) {
  const isAllowed = explanation.allowed === true;
  return (
    <>
      <p className={style.verdict}>
        <Chip tone={isAllowed ? 'good' : 'danger'} icon={isAllowed ? icons.Check : icons.X}>
          {t(isAllowed ? 'explain.allowed' : 'explain.denied')}
        </Chip>
        {labels.value('ExplainPermissionResponse.Rule', textAt(explanation, 'rule'))}
      </p>
      <ul className={style.grants}>
        {itemsAt(explanation, 'grants').map((grant) => (
          <li key={`${textAt(grant, 'roleId')} ${textAt(grant, 'displayName')}`}>
            <strong className={text.grow}>{textAt(grant, 'displayName')}</strong>
            <span>{labels.value('RecordScope', textAt(grant, 'recordScope'))}</span>
            <span className={text.meta}>{t(grant.hidesPii === true ? 'explain.masked' : 'explain.plain')}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
