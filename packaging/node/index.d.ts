/// <reference lib="esnext.disposable" />

/** What a directive may be given: text, a number, a boolean for yes or no, several words, or null for no port. */
export type Value = string | number | boolean | null | readonly (string | number)[]

/** The server has not started. The message is its own. */
export class StartError extends Error {}

/** A server that runs. It ends with `close()`, at the end of an `await using` block, or with this process. */
export interface Server extends AsyncDisposable {
  /** The address for clients. */
  readonly host: string
  /** The port for clients; 0 if `port: null` asked for none. */
  readonly port: number
  /** The port for administration, if `adminPort` asked for one; 0 there is any free one. */
  readonly adminPort: number | null
  /** The port for clients that speak TLS, if there is one. */
  readonly tlsPort: number | null
  /** The path of the unix socket, if `unixsocket` asked for one. */
  readonly unix: string | null
  /** The id of the process. */
  readonly pid: number
  /** `redis://HOST:PORT`, with the password if there is one, as client libraries take it. */
  readonly url: string
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
 * `timeout` is in milliseconds, 30000 if it is left out.
 */
export function start(directives?: Readonly<Record<string, Value>>, options?: { timeout?: number }): Promise<Server>

/** The path of the binary: `$RESPD_BINARY`, or the one of this package. */
export function binary(): string
