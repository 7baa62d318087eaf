// What the JavaScript adapters of `respd client-test` share: the loop over its lines.

import readline from 'node:readline';

/** Has run([word, ...args]) do what each line of standard input asks for, and prints what came of it; undefined: it cannot. */
export async function serve(run) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      const value = await run(JSON.parse(line));
      answer = value === undefined ? { unsupported: true } : { value };
    } catch (error) {
      answer = { error: String(error.message), kind: error.constructor.name };
    }
    console.log(JSON.stringify(answer));
  }
  process.exit();
}
