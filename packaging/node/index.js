// A respd server for a program or a test: starting the binary, and what a program learns of the server.

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Stage, StageError } from './stage.js'

export { Stage, StageError }

/** The server has not started. The message is its own. */
export class StartError extends Error {
  name = 'StartError'
}

/** The path of the binary: `$RESPD_BINARY`, or the one of this package. */
export const binary = () => process.env.RESPD_BINARY || fileURLToPath(new URL('bin/respd', import.meta.url))

/** Starts a server; the promise is kept when it is ready. */
export async function start(directives = {}, { timeout = 30_000, stage = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'respd-'))
  const given = { port: 0, bind: '127.0.0.1', dir: folder }
  for (const [name, value] of Object.entries(directives)) given[dashed(name)] = value
  if (stage) given['enable-stage-command'] = 'local'
  const isStaged = text(given['enable-stage-command'] ?? 'no') !== 'no'
  if (isStaged && !('admin-port' in given)) given['admin-port'] = 0
  const words = ['--ready', '--exit-with-stdin']
  for (const [name, value] of Object.entries(given)) {
    // A port of 0 is any free one as an option, and none at all as a directive.
    if (name.endsWith('port') && value !== null) words.push(`--${name}`, text(value))
    else words.push('-o', `${name}=${text(value)}`)
  }
  // The server ends when its stdin does. This process alone has the other end, so that is whenever it ends.
  const child = spawn(binary(), words, { stdio: 'pipe' })
  const adminSpeaksTls = text(given['admin-tls'] ?? 'no') === 'yes'
  const server = new Server(child, folder, String(given.requirepass ?? ''), adminSpeaksTls)
  try {
    server.read(await server.readyLine(timeout))
  } catch (error) {
    await server.close()
    throw error
  }
  // It does not keep a program alive that has nothing else to do.
  child.unref()
  for (const pipe of child.stdio) pipe.unref()
  return server
}

class Server {
  #child
  #folder
  #password
  #adminSpeaksTls
  #log = ''
  #ended

  constructor(child, folder, password, adminSpeaksTls) {
    this.#child = child
    this.#folder = folder
    this.#password = password
    this.#adminSpeaksTls = adminSpeaksTls
    this.#ended = new Promise((resolve) => child.once('close', resolve).once('error', resolve))
    // What a server that has ended leaves unread in the pipe is not an error of the program.
    child.stdin.on('error', () => {})
    child.stderr.setEncoding('utf8').on('data', (more) => (this.#log += more))
  }

  readyLine(timeout) {
    return new Promise((resolve, reject) => {
      let said = ''
      const late = setTimeout(
        () => reject(new StartError(`respd is not ready after ${timeout} ms\n${this.#log}`.trimEnd())),
        timeout,
      )
      this.#child.stdout.setEncoding('utf8').on('data', (more) => {
        said += more
        if (!said.endsWith('\n')) return
        clearTimeout(late)
        resolve(said.trimEnd())
      })
      this.#ended.then((status) => {
        clearTimeout(late)
        if (status instanceof Error) reject(status)
        else reject(new StartError(this.#log.trim() || `respd ended with status ${status}`))
      })
    })
  }

  // Takes what is in `ready pid=… tcp=ADDR:PORT [admin=ADDR:PORT] [tls=ADDR:PORT] [unix=PATH]`.
  read(line) {
    // A path is last, and may have spaces.
    const [start, unix] = line.split(/ unix=(.*)/s)
    const fields = Object.fromEntries(start.split(' ').slice(1).map((field) => field.split(/=(.*)/s)))
    const tcp = address(fields.tcp)
    this.pid = Number(fields.pid)
    this.host = tcp?.host ?? '127.0.0.1'
    this.port = tcp?.port ?? 0
    this.adminPort = address(fields.admin)?.port ?? null
    this.tlsPort = address(fields.tls)?.port ?? null
    this.unix = unix ?? null
    const admin = this.#adminSpeaksTls ? undefined : address(fields.admin)
    const clients = this.port === 0 && this.unix ? { path: this.unix } : { host: this.host, port: this.port }
    this.stage = new Stage(admin ?? clients, this.#password)
  }

  get url() {
    const password = this.#password && `:${encodeURIComponent(this.#password)}@`
    const host = this.host.includes(':') ? `[${this.host}]` : this.host
    return `redis://${password}${host}:${this.port}`
  }

  get log() {
    return this.#log
  }

  async close() {
    this.stage?.close()
    this.#child.kill('SIGTERM')
    this.#child.ref()
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 30_000)
    await this.#ended
    clearTimeout(late)
    await rm(this.#folder, { recursive: true, force: true })
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }
}

// `maxmemoryPolicy` and `maxmemory-policy` are one directive.
const dashed = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

// A directive's value as the configuration file has it.
function text(value) {
  if (value === null) return '0'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return Array.isArray(value) ? value.join(' ') : String(value)
}

function address(field) {
  if (field === undefined) return undefined
  const colon = field.lastIndexOf(':')
  return { host: field.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(field.slice(colon + 1)) }
}
