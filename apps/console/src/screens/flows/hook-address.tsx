import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Copy, RefreshCw } from '../../gen/icons.ts';
import { t } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { call } from '../../contract/api.ts';
import { textAt } from '../../contract/json.ts';
import { Ask } from '../../kit/form/ask.tsx';
import { TextField } from '../../kit/form/field.tsx';
import { copyText } from '../../kit/notices.ts';
import { Button } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';

/** Makes the address at which other systems start a flow. It is shown once, since only a hash of its token is stored. */
export function HookAddress({ flowId }: { flowId: string }) {
  const may = useMay();
  const [isAsked, setIsAsked] = useState(false);
  const { data, mutateAsync } = useMutation({ mutationFn: () => call('rotateFlowHook', { id: flowId }) });
  const address = data && `${location.origin}/v1/flowHooks/${textAt(data, 'token')}`;
  if (!may('rotateFlowHook')) return null;
  return (
    <>
      {address !== undefined && (
        <TextField label={t('flow.hook.address')} value={address} isReadOnly help={t('flow.hook.once')} />
      )}
      <span className={text.row}>
        {address !== undefined && (
          <Button small icon={Copy} onPress={() => void copyText(address, t('record.copied'))}>
            {t('flow.hook.copy')}
          </Button>
        )}
        <Button small icon={RefreshCw} onPress={() => setIsAsked(true)}>
          {t('flow.hook.make')}
        </Button>
      </span>
      {isAsked && (
        <Ask
          title={t('flow.hook.make')}
          acts={[{ name: t('flow.hook.make'), run: () => mutateAsync() }]}
          names={[]}
          onClose={() => setIsAsked(false)}
        >
          {() => <p>{t('flow.hook.ends')}</p>}
        </Ask>
      )}
    </>
  );
}
