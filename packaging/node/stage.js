// What goes wrong on a server, as plain words: each method is a line of STAGE.

import { createConnection } from 'node:net'

/** A line of STAGE was refused, or what was waited for has not come. The message is the server's. */
export class StageError extends Error {
  name = 'StageError'
}

/** What a test drives a server by: `{ host, port }` or `{ path }` is where that is. */
export class Stage {
  #where
  #password
  // The connection is kept: a new one through a port for clients might meet what this one has asked for.
  #connection

  constructor(where, password = '') {
    this.#where = where
    this.#password = password
    this.journal = new Journal(this)
  }

  async fault(name, { on, args, client, skip, times, every, chance, seed, do: actions }) {
    const words = ['ADD', name]
    if (on !== undefined) words.push('ON', on)
    words.push(...argumentWords(args), ...clientWords(client))
    for (const [word, number] of Object.entries({ skip, times, every, chance, seed })) {
      if (number !== undefined) words.push(word.toUpperCase(), number)
    }
    let joint = 'DO'
    for (const action of typeof actions === 'string' ? [actions] : actions) {
      words.push(joint, ...actionWords(action))
      joint = 'THEN'
    }
    await this.line('FAULT', ...words)
  }

  async faults() {
    return (await this.line('FAULT', 'LIST')).map((fault) => {
      const { name, ...rest } = fields(fault)
      return { name: String(name), ...rest }
    })
  }

  delFault(name) {
    return this.line('FAULT', 'DEL', name).then(nothing)
  }

  clearFaults() {
    return this.line('FAULT', 'CLEAR').then(nothing)
  }

  accept(what, { times } = {}) {
    return this.line('ACCEPT', what, ...(times === undefined ? [] : ['TIMES', times])).then(nothing)
  }

  send({ name, id }, bytes) {
    return this.line('SEND', ...(name === undefined ? ['ID', id] : ['NAME', name]), literal(bytes))
  }

  freeze() {
    return this.line('CLOCK', 'FREEZE').then(nothing)
  }

  advance(seconds) {
    return this.line('CLOCK', 'ADVANCE', Math.round(seconds * 1000)).then(nothing)
  }

  setClock(seconds) {
    return this.line('CLOCK', 'SET', Math.round(seconds * 1000)).then(nothing)
  }

  run() {
    return this.line('CLOCK', 'RUN').then(nothing)
  }

  seed(number) {
    return this.line('SEED', number).then(nothing)
  }

  record(file) {
    return this.line('RECORD', 'START', file).then(nothing)
  }

  stopRecording() {
    return this.line('RECORD', 'STOP').then(nothing)
  }

  node(...words) {
    return this.line('NODE', ...words)
  }

  sentinel(...words) {
    return this.line('SENTINEL', ...words)
  }

  reset() {
    return this.line('RESET').then(nothing)
  }

  line(...words) {
    if (this.#connection === undefined || this.#connection.gone) {
      this.#connection = new Connection(this.#where)
      // Where it is refused, so is what comes behind it.
      if (this.#password) this.#connection.call(['AUTH', this.#password]).catch(nothing)
    }
    return this.#connection.call(['STAGE', ...words])
  }

  close() {
    this.#connection?.close()
  }
}

// What clients send, while it is on.
class Journal {
  #stage

  constructor(stage) {
    this.#stage = stage
  }

  on({ limit } = {}) {
    return this.#stage.line('JOURNAL', 'ON', ...(limit === undefined ? [] : [limit])).then(nothing)
  }

  off() {
    return this.#stage.line('JOURNAL', 'OFF').then(nothing)
  }

  reset() {
    return this.#stage.line('JOURNAL', 'RESET').then(nothing)
  }

  async get({ client, since } = {}) {
    const words = clientWords(client)
    if (since !== undefined) words.push('SINCE', since)
    return (await this.#stage.line('JOURNAL', 'GET', ...words)).map((entry) => {
      const { name, argv, ...rest } = fields(entry)
      return { ...rest, name: String(name), argv: argv.map(String) }
    })
  }

  async wait(command, { args, count = 1, timeout = 10 } = {}) {
    const ms = Math.max(1, Math.round(timeout * 1000))
    const words = [command, ...argumentWords(args), 'COUNT', count, 'TIMEOUT', ms]
    const found = await this.#stage.line('JOURNAL', 'WAIT', ...words)
    if (found < count) throw new StageError(`${command} has been sent ${found} times, not ${count}, within ${timeout} s`)
    return found
  }
}

// A client: replies settle the promises of requests in their order.
class Connection {
  gone = false
  #socket
  #read = Buffer.alloc(0)
  #waiting = []

  constructor(where) {
    this.#socket = createConnection(where)
    this.#socket.on('data', (more) => this.#take(more))
    this.#socket.on('error', (error) => this.#leave(error.message))
    this.#socket.on('close', () => this.#leave('the server has closed the connection'))
    this.#socket.unref()
  }

  call(words) {
    const parts = words.map((word) => (Buffer.isBuffer(word) ? word : Buffer.from(String(word))))
    const request = [`*${parts.length}\r\n`]
    for (const part of parts) request.push(`$${part.length}\r\n`, part, '\r\n')
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      // A program waits for a reply, and for nothing else of this.
      this.#socket.ref()
      this.#socket.write(Buffer.concat(request.map((part) => Buffer.from(part))))
    })
  }

  #take(more) {
    this.#read = Buffer.concat([this.#read, more])
    let reply
    while (this.#waiting.length > 0 && (reply = parse(this.#read, 0)) !== undefined) {
      this.#read = this.#read.subarray(reply.end)
      const { resolve, reject } = this.#waiting.shift()
      if (reply.value instanceof StageError) reject(reply.value)
      else resolve(reply.value)
    }
    if (this.#waiting.length === 0) this.#socket.unref()
  }

  #leave(why) {
    this.gone = true
    for (const { reject } of this.#waiting.splice(0)) reject(new StageError(why))
  }

  close() {
    this.gone = true
    this.#socket.destroy()
  }
}

// The reply at `at` and where it ends, or undefined if it is not whole yet.
function parse(bytes, at) {
  const stop = bytes.indexOf('\r\n', at)
  if (stop < 0) return undefined
  const [kind, rest, end] = [String.fromCharCode(bytes[at]), bytes.toString('utf8', at + 1, stop), stop + 2]
  if (kind === '+') return { value: rest, end }
  if (kind === '-') return { value: new StageError(rest), end }
  if (kind === ':') return { value: Number(rest), end }
  if (rest === '-1') return { value: null, end }
  if (kind === '$') {
    const last = end + Number(rest)
    return bytes.length < last + 2 ? undefined : { value: Buffer.from(bytes.subarray(end, last)), end: last + 2 }
  }
  const values = []
  let next = end
  while (values.length < Number(rest)) {
    const item = parse(bytes, next)
    if (item === undefined) return undefined
    values.push(item.value)
    next = item.end
  }
  return { value: values, end: next }
}

const nothing = () => {}

// A map as RESP2 has it: keys and values in turn.
function fields(flat) {
  const map = {}
  for (let i = 0; i < flat.length; i += 2) map[String(flat[i])] = flat[i + 1]
  return map
}

// `DELAY 200` as text, of which ERROR, REPLY and PUSH take all behind them; or its words.
function actionWords(action) {
  if (action instanceof Uint8Array) throw new TypeError("an action is text, or its words: do: [['REPLY', bytes]]")
  if (typeof action !== 'string') return action.map(literal)
  const [, word, rest] = action.match(/^(\S*) ?(.*)$/s)
  return /^(error|reply|push)$/i.test(word) ? [word, rest] : action.trim().split(/\s+/)
}

// Bytes mean themselves, whatever escapes there are in them.
function literal(word) {
  if (!(word instanceof Uint8Array)) return word
  const bytes = []
  for (const byte of word) bytes.push(...(byte === 0x5c ? [byte, byte] : [byte]))
  return Buffer.from(bytes)
}

function clientWords(client) {
  if (client === undefined) return []
  const words = Object.entries(typeof client === 'string' ? { name: client } : client)
  return ['CLIENT', ...words.flatMap(([word, value]) => [word.toUpperCase(), value])]
}

function argumentWords(args = {}) {
  const words = Object.entries(args)
  return words.length === 0 ? [] : ['ARGS', ...words.flat()]
}
