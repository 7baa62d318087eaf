// A server for the tests of a file, which node:test starts once, and which has nothing staged and no keys before each.

import { after, afterEach, before, beforeEach } from 'node:test'
import { createConnection } from 'node:net'
import { start } from './index.js'

/** Starts a server for this file's tests. Its `server` is there once the tests begin. */
export function stage(directives = {}, options = {}) {
  const held = {}
  before(async () => {
    held.server = await start(directives, { ...options, stage: true })
  })
  beforeEach(() => flush(held.server))
  afterEach(() => held.server.stage.reset())
  after(() => held.server?.close())
  // Members are those of the server, so that a test writes `respd.port`.
  return new Proxy(held, {
    get({ server }, name) {
      if (server === undefined) throw new Error(`respd is there when the tests begin: ${String(name)}`)
      const value = Reflect.get(server, name, server)
      return typeof value === 'function' ? value.bind(server) : value
    },
  })
}

function flush({ url, host, port }) {
  const password = decodeURIComponent(new URL(url).password)
  const login = password ? [['AUTH', password]] : []
  const request = [...login, ['FLUSHALL'], ['QUIT']]
    .map((words) => `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
    .join('')
  return new Promise((resolve, reject) => {
    createConnection({ host, port }, function () {
      this.write(request)
    })
      .resume()
      .once('error', reject)
      .once('close', resolve)
  })
}
