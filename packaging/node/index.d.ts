/// <reference lib="esnext.disposable" />

/** What a directive may be given: text, a number, a boolean for yes or no, several words, or null for no port. */
export type Value = string | number | boolean | null | readonly (string | number)[]

/** The server has not started. The message is its own. */
export class StartError extends Error {}

/** A line of STAGE was refused, or what was waited for has not come. The message is the server's. */
export class StageError extends Error {}

/** Text or a number, or bytes, which mean themselves whatever escapes are in them. */
export type Word = string | number | Uint8Array

/** `'DELAY 200'`, of which ERROR, REPLY and PUSH take all behind them; or its words. */
export type Action = string | readonly Word[]

/** Which clients: a glob for the name, or any of these. */
export type Clients =
  | string
  | { id?: number; name?: string; lib?: string; user?: string; db?: number; proto?: 2 | 3 }

/** Globs for words of a command, by their place; 0 is the command itself, -1 the last word. */
export type Arguments = Readonly<Record<number, string>>

/** What a fault is, and whom it meets. */
export interface Fault {
  on?: string
  args?: Arguments
  client?: Clients
  skip?: number
  times?: number
  every?: number
  chance?: number
  seed?: number
  /** An action or several, one after the other. */
  do: string | readonly Action[]
}

/** A command that a client has sent. */
export interface Entry {
  /** Its number: `get({ since })` begins there. */
  seq: number
  /** When it came, in µs since 1970 by the server's clock. */
  time: number
  /** The client's id. */
  client: number
  /** The client's name. */
  name: string
  argv: string[]
  /** What was sent for it, as it was sent; null if nothing was. */
  reply: Buffer | null
}

/** What clients send, while it is on. */
export interface Journal {
  on(options?: { limit?: number }): Promise<void>
  off(): Promise<void>
  reset(): Promise<void>
  get(options?: { client?: Clients; since?: number }): Promise<Entry[]>
  /** Kept when the command has been sent `count` times; broken with a `StageError` after `timeout` seconds. */
  wait(command: string, options?: { args?: Arguments; count?: number; timeout?: number }): Promise<number>
}

/**
 * What a test drives a server by. Promises are broken with a `StageError` that has the server's text.
 *
 * `Server.stage` is one. Another process makes its own, `new Stage({ host: '127.0.0.1', port: adminPort }, password)`: on
 * the administration port nothing that is staged keeps it out.
 */
export class Stage {
  constructor(where: { host?: string; port: number } | { path: string }, password?: string)
  readonly journal: Journal
  /** Adds a fault: `fault('slow', { on: 'GET', times: 1, do: ['RUN', 'DELAY 200'] })`. */
  fault(name: string, fault: Fault): Promise<void>
  /** The faults that there are, with the `hits` of each. */
  faults(): Promise<{ name: string; hits: number; [field: string]: unknown }[]>
  delFault(name: string): Promise<void>
  clearFaults(): Promise<void>
  /** What happens to clients that connect: to the next `times`, or until `reset()`. ALL is as usual. */
  accept(what: 'REFUSE' | 'HANG' | 'CLOSE' | 'ALL', options?: { times?: number }): Promise<void>
  /** Sends bytes to clients, now; its value is to how many. In text, escapes are the server's. */
  send(whom: { name: string; id?: undefined } | { id: number; name?: undefined }, bytes: string | Uint8Array): Promise<number>
  /** Stops the server's clock. */
  freeze(): Promise<void>
  /** Lets time pass. Kept when all that fell due has happened, in order, and is sent. */
  advance(seconds: number): Promise<void>
  /** Sets the server's clock to so many seconds since 1970. */
  setClock(seconds: number): Promise<void>
  /** Lets the server's clock run by itself again. */
  run(): Promise<void>
  /** What is picked at random follows from this number. */
  seed(number: number): Promise<void>
  /** Writes a conversation for `respd play`, a new file in the server's folder, until `stopRecording()`. */
  record(file: string): Promise<void>
  stopRecording(): Promise<void>
  /** A node of a cluster: `node('ADD', 'b', 'REPLICA-OF', 'a')`, whose value is its port, `node('FAILOVER', 'b')`. */
  node(...words: Word[]): Promise<unknown>
  /** A Sentinel: `sentinel('ADD', 's', 'MASTER', 'group', 'QUORUM', 1)`, whose value is its port. */
  sentinel(...words: Word[]): Promise<unknown>
  /** Ends all of this. It is what a test ends with. */
  reset(): Promise<void>
  /** Any line of STAGE; the reply's value, in which bulk strings are buffers. */
  line(...words: Word[]): Promise<unknown>
  /** Closes the connection; another one is made when it is needed. */
  close(): void
}

/** A server that runs. It ends with `close()`, at the end of an `await using` block, or with this process. */
export interface Server extends AsyncDisposable {
  /** The address for clients. */
  readonly host: string
  /** The port for clients; 0 if `port: null` asked for none. */
  readonly port: number
  /** The port for administration, if `adminPort` asked for one, where 0 is any free one, or `stage: true` did. */
  readonly adminPort: number | null
  /** The port for clients that speak TLS, if there is one. */
  readonly tlsPort: number | null
  /** The path of the unix socket, if `unixsocket` asked for one. */
  readonly unix: string | null
  /** The id of the process. */
  readonly pid: number
  /** `redis://HOST:PORT`, with the password if there is one, as client libraries take it. */
  readonly url: string
  /** What a test drives the server by, if it was started with `stage: true`. */
  readonly stage: Stage
  /** What the server has logged until now. */
  readonly log: string
  /** Ends the server and removes its folder. More than once does no harm. */
  close(): Promise<void>
}

/**
 * Starts a server; the promise is kept when it is ready, and broken with a `StartError` if it does not start.
 *
 * Directives are those of the configuration file, also in camel case: `start({ maxmemory: '100mb', appendonly: true })`.
 * Without them the server takes any free port of 127.0.0.1 and a folder that is removed with it.
 * `timeout` is in milliseconds, 30000 if it is left out. `stage: true` is for a server that a test drives, through an
 * administration port, on which nothing that is staged counts.
 */
export function start(
  directives?: Readonly<Record<string, Value>>,
  options?: { timeout?: number; stage?: boolean },
): Promise<Server>

/** The path of the binary: `$RESPD_BINARY`, or the one of this package. */
export function binary(): string
