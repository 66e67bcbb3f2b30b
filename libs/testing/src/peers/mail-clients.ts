import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { debianRoot } from './debian-root.js';

const timeoutMs = 30_000;

/** Mail clients of Debian whose replies need no screen. */
export const mailClients = ['mutt', 's-nail', 'nmh', 'mblaze'] as const;

export type MailClient = (typeof mailClients)[number];

export interface ClientReply {
  /** The mail that is replied to, with `\n` or `\r\n`. */
  mail: string;
  /** Address of the recipient of the mail, from which it is answered. */
  address: string;
  /** A line. */
  text: string;
}

/** The root of the clients, with the programs that their scripts call. */
export function mailClientsRoot(): Promise<string> {
  const programs = ['coreutils', 'dash', 'debianutils', 'file', 'grep', 'libc-bin', 'mawk', 'ncurses-base', 'sed'];
  return debianRoot({
    ...{ name: 'mail-clients', form: 1, packages: [...mailClients, ...programs], users: { ada: 1_000 } },
    setUp: 'ln -sf mawk usr/bin/awk',
  });
}

/** Answers a mail with a client, as a person does who quotes it. @returns the reply, with the line ends of a mail */
export async function replyWith(client: MailClient, { mail, address, text }: ClientReply): Promise<Buffer> {
  const root = await mailClientsRoot();
  const folder = await mkdtemp(join(root, 'srv', `${client}-`));
  try {
    const lines = mail.replaceAll('\r\n', '\n');
    await writeFile(join(folder, 'in.eml'), lines);
    // Lines of the mail that begin with `From ` are not quoted: the mails of tests have none.
    await writeFile(join(folder, 'mbox'), `From sender@example.invalid Mon Nov 30 14:00:00 2026\n${lines}\n`);
    const home = folder.slice(root.length);
    await writeFile(join(folder, 'store'), `#!/bin/sh\ncat > ${home}/out.eml\n`);
    await writeFile(join(folder, 'edit'), `#!/bin/sh\n{ cat "$1"; echo "$TEXT"; } > "$1.new"\ncat "$1.new" > "$1"\n`);
    await writeFile(join(folder, 'run'), preamble + commands[client]);
    for (const name of ['store', 'edit']) await chmod(join(folder, name), 0o755);
    const settings = {
      ...{ HOME: home, PATH: '/usr/bin:/usr/bin/mh', TERM: 'vt100', LANG: 'C.UTF-8', TZ: 'UTC' },
      ...{ ADDRESS: address, TEXT: text, EDITOR: `${home}/edit` },
    };
    await inTerminal(['chroot', root, '/bin/sh', `${home}/run`], settings);
    const reply = await readFile(join(folder, 'out.eml'), 'latin1');
    return Buffer.from(reply.replaceAll(/\r?\n/g, '\r\n'), 'latin1');
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Runs a command on a terminal: clients refuse to run without one, or ask nothing. */
async function inTerminal(command: readonly string[], env: Record<string, string>): Promise<void> {
  const line = `stty rows 24 cols 80; exec ${command.join(' ')}`;
  const run = spawn('script', ['-qec', line, '/dev/null'], {
    env: { ...env, PATH: `${process.env['PATH'] ?? ''}:${env['PATH']}`, SHELL: '/bin/sh' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
  });
  let said = '';
  for (const stream of [run.stdout, run.stderr]) stream.on('data', (piece: Buffer) => (said += piece.toString()));
  const [code] = (await once(run, 'close')) as [number | null];
  if (code !== 0) throw new Error(`The mail client ended with ${code}: ${said.slice(-2_000)}`);
}

const preamble = 'set -eu\ncd "$HOME"\n';

/** The settings are those that a user must make, and the answers those that a user types. */
const commands: Readonly<Record<MailClient, string>> = {
  mutt: `
    cat > muttrc <<M
    set from="$ADDRESS" realname="Ada Lovelace" hostname="example.invalid" folder="$HOME" record="" include=yes
    set editor="$HOME/edit" sendmail="$HOME/store" reply_to=yes fast_reply=yes abort_unmodified=no move=no
    push "<reply><send-message><exit>"
M
    mutt -n -F muttrc -f mbox
  `,
  's-nail': `
    printf 'reply 1\\n%s\\n~.\\nexit\\n' "$TEXT" |
      s-nail -n -# -S v15-compat=yes -S mta="$HOME/store" -S from="Ada Lovelace <$ADDRESS>" -S hostname=example.invalid \\
        -S quote -S sendwait -S ttycharset=utf-8 -f mbox
  `,
  nmh: `
    mkdir -p Mail/inbox
    printf 'Path: %s/Mail\\nLocal-Mailbox: Ada Lovelace <%s>\\nWelcome: disable\\n' "$HOME" "$ADDRESS" > .mh_profile
    printf 'mts: sendmail/pipe\\nsendmail: %s/store\\nlocalname: example.invalid\\n' "$HOME" > mts.conf
    export MHMTSCONF="$HOME/mts.conf"
    cp in.eml Mail/inbox/1
    repl -build -filter mhl.reply +inbox 1
    edit="$HOME/edit"; "$edit" Mail/reply
    send -msgid "$HOME/Mail/reply"
  `,
  mblaze: `
    mkdir .mblaze
    printf 'Local-Mailbox: Ada Lovelace <%s>\\nFQDN: example.invalid\\nSendmail: %s/store\\n' "$ADDRESS" "$HOME" > .mblaze/profile
    touch .mblaze/seq
    yes s | mrep ./in.eml
  `,
};
