import type { Server, Value } from './index.js'

/**
 * A server for the tests of a file, by node:test: it is started before them, has no keys and nothing staged when one
 * begins, and is closed behind them. Its members are there once the tests begin.
 */
export function stage(directives?: Readonly<Record<string, Value>>, options?: { timeout?: number }): Server
