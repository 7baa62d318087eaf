// What the reports of clients for Node.js have in common: the server's address, the client, and how the server is told
// what goes wrong.

import { createConnection } from 'node:net'
import { createRequire } from 'node:module'

export const port = Number(process.argv[2])

/** A package of the folder in which the version that is looked at was installed. */
export const load = createRequire(`${process.argv[3]}/`)

/** A command of a connection of its own; what is replied, as it came. In '...' a word may have spaces. */
export function command(line) {
  const words = line.match(/'[^']*'|\S+/g).map((word) => word.replace(/^'|'$/g, ''))
  const request = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write(`*${words.length}\r\n${request}`))
    socket.once('error', reject).once('data', (reply) => {
      socket.end()
      if (reply[0] === 0x2d) reject(new Error(`${line}: ${reply}`))
      else resolve(String(reply))
    })
  })
}

/** A line of docs/stage.md. */
export const stage = (line) => command(`STAGE ${line}`)

/** What a promise comes to within so many milliseconds. */
export function outcome(promise, ms) {
  const settled = promise.then((value) => `it is kept: ${value}`, () => 'it is rejected')
  return Promise.race([settled, new Promise((resolve) => setTimeout(resolve, ms, 'it never settles'))])
}

/** Says what was seen, and ends, whatever is under way. */
export function say(text) {
  process.stdout.write(`${text}\n`, () => process.exit())
}
