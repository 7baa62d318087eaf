// What the JavaScript adapters of `respd client-test` share: the loop over its lines.

import readline from 'node:readline';

/** The ports and the options in the arguments of @connect, @cluster and @sentinel. */
export function told(word, args) {
  const ports = word === '@connect' ? [] : args[0].split(',').map(Number);
  const options = {};
  for (let at = word === '@connect' ? 0 : 1; at < args.length; at += 2) options[args[at]] = args[at + 1];
  return { ports, options };
}

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
