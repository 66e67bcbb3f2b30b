import { invalidArgument } from '@rapport/platform';

/** Controls, marks that turn the direction of writing, other invisible ones, and halves of characters. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * A file name as it is stored: the last step of a path, without characters that deceive who reads it.
 *
 * @param field of the request that has it
 * @throws AppError INVALID_ARGUMENT when nothing is left
 */
export function cleanFileName(name: string, field: string): string {
  const step = name.split(/[/\\]/).at(-1) ?? '';
  const cleaned = step.normalize('NFC').replace(invisible, '').trim();
  if (cleaned !== '' && !/^\.+$/.test(cleaned)) return cleaned;
  const description = 'must have visible characters after the last slash.';
  throw invalidArgument([{ field, reason: 'FILE_NAME_EMPTY', description }]);
}

/** The header by which a browser stores a file and never opens it (RFC 6266), with its name in UTF-8 (RFC 8187) and as older clients read it. */
export function attachment(name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["%\\]/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
