/** How the tour is written: to a terminal in color, elsewhere as plain text. */
export interface Printer {
  group(title: string): void;
  step(title: string, line: string): void;
  answer(good: boolean, text: string): void;
  detail(text: string): void;
  note(text: string): void;
}

const styles = { bold: 1, dim: 2, red: 31, green: 32, cyan: 36 } as const;
const width = 110;

export function createPrinter(stream: NodeJS.WriteStream): Printer {
  const color = stream.isTTY && stream.hasColors();
  const paint = (style: keyof typeof styles, text: string) =>
    color ? `\u001b[${styles[style]}m${text}\u001b[0m` : text;
  const write = (text: string) => stream.write(`${text}\n`);
  return {
    group: (title) =>
      write(`\n${paint('bold', `── ${title} ${'─'.repeat(Math.max(0, 76 - title.length))}`)}`),
    step(title, line) {
      write(`\n${paint('bold', title)}`);
      if (line !== '') write(`  ${paint('cyan', `$ ${line}`)}`);
    },
    answer: (good, text) => write(`  ${good ? paint('green', '✓') : paint('red', '✗')} ${text}`),
    detail(text) {
      for (const line of text.trimEnd().split('\n')) {
        write(`    ${paint('dim', line.length > width ? `${line.slice(0, width - 1)}…` : line)}`);
      }
    },
    note: (text) => write(text),
  };
}
