import { useMutation, useQuery } from '@tanstack/react-query';
import { ProblemNote } from '../../app/boundaries.tsx';
import { find, labels, t } from '../../app/language.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { call, invalidate, readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { Icon, icons, text } from '../../kit/ui.tsx';
import { useGoOn } from '../../kit/use-go-on.ts';
import style from './flows.module.css';

/** What a flow without a template begins with. */
const empty: Json = {
  key: 'new_flow',
  definition: {
    trigger: { manual: { type: 'customer' } },
    steps: [{ key: 'add_task', addTask: { subject: "'Call ' + record.displayName" } }],
  },
};

/** A new flow, from a template or from nothing. It is a draft, and starts nothing before it is published. */
export function NewFlow() {
  const navigate = useGoOn();
  const { data } = useQuery(readQuery('listFlowTemplates'));
  const create = useMutation({
    mutationFn: async ({ key, name, definition }: Json) => {
      // Keys are for other flows: this one is unique, and short enough to be read.
      const flow = await call(
        'createFlow',
        {},
        { body: { key: `${String(key)}_${Date.now().toString(36)}`, name, definition } },
      );
      await invalidate('flows');
      await navigate({ to: '/flows/$id', params: { id: textAt(flow, 'id') } });
    },
  });
  const templates = [
    { ...empty, name: t('flow.empty'), description: t('flow.emptyHelp') },
    ...itemsAt(data, 'templates').map((template) => inWords(template)),
  ];
  return (
    <>
      <Bar title={t('form.new', { what: labels.one('flow') })} />
      <Scroll padded>
        <ProblemNote error={create.error} />
        <ul className={style.templates}>
          {templates.map((template) => (
            <li key={textAt(template, 'key')}>
              <button type="button" disabled={create.isPending} onClick={() => create.mutate(template)}>
                <Icon of={template.key === empty.key ? icons.Workflow : icons.FileStack} />
                <b>{textAt(template, 'name')}</b>
                <span className={text.two}>{textAt(template, 'description')}</span>
              </button>
            </li>
          ))}
        </ul>
      </Scroll>
    </>
  );
}

/** A template in the reader's language, where the catalog has it. */
function inWords(template: Json): Json {
  const key = textAt(template, 'key');
  const name = find(`flowTemplate.${key}`) ?? textAt(template, 'name');
  return { ...template, name, description: find(`flowTemplate.${key}.help`) ?? textAt(template, 'description') };
}
