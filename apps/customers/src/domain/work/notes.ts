import type { Note } from '@rapport/contracts/rapport/work/v1/note';
import { NotesServiceService } from '@rapport/contracts/rapport/work/v1/notes_service';
import { cutText } from '@rapport/platform';
import { withoutMentions } from '../../engine/records/notices.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** Most code points of a title. */
const maxTitle = 100;

/** Notes: texts about records. */
export const notes = defineRecord<Note>('rapport/Note', NotesServiceService, {
  indexVersion: 1,
  alwaysSet: ['title'],
  mentionsIn: ['body'],
  stamp: ({ after }) => ({ title: titleOf(after.body) }),
});

export const NotesController = recordController(notes, NotesServiceService);

/** The first line with text, without the marks of headings, lists, quotes and emphasis; of a mention, the name. */
export function titleOf(body: string): string {
  const lines = body.split('\n').map((line) =>
    withoutMentions(line)
      .replace(/^[\s#>*+-]+|[*_`]{1,3}/g, '')
      .trim(),
  );
  const [first = body.trim()] = lines.filter((line) => line !== '');
  return cutText(first, maxTitle);
}
