import { invalidArgument } from '@rapport/platform';

/** Control characters, bidirectional marks, other invisible characters, and lone surrogates. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * A file name, ready to store: the last segment of a path, without deceptive characters.
 *
 * @param field of the request that has it
 * @throws AppError INVALID_ARGUMENT when nothing is left
 */
export function cleanFileName(name: string, field: string): string {
  const cleaned = visibleFileName(name);
  if (cleaned !== undefined) return cleaned;
  const description = 'must have visible characters after the last slash.';
  throw invalidArgument([{ field, reason: 'FILE_NAME_EMPTY', description }]);
}

/** As `cleanFileName`, or undefined when nothing is left. */
export function visibleFileName(name: string): string | undefined {
  const step = name.split(/[/\\]/).at(-1) ?? '';
  const cleaned = step.normalize('NFC').replace(invisible, '').trim();
  return cleaned === '' || /^\.+$/.test(cleaned) ? undefined : cleaned;
}

/**
 * A Content-Disposition header that makes browsers save a file instead of opening it (RFC 6266), with its name in UTF-8
 * (RFC 8187) and in the form for older clients.
 */
export function attachment(name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["%\\]/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
