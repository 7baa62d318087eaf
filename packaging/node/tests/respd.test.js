// What the package `respd` promises, tried where it is installed.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { StartError, start } from 'respd'

// Sends commands and gives what the server answers, whole, after it has closed.
async function ask(where, ...commands) {
  const socket = createConnection(where)
  socket.write([...commands, 'QUIT'].map((command) => `${command}\r\n`).join(''))
  let said = ''
  for await (const more of socket) said += more
  return said
}

test('serves, and leaves nothing', async () => {
  const server = await start()
  assert.equal(await ask(server, 'PING', 'SET greeting hello', 'GET greeting'), '+PONG\r\n+OK\r\n$5\r\nhello\r\n+OK\r\n')
  const folder = (await ask(server, 'CONFIG GET dir')).split('\r\n')[4]
  assert.ok(existsSync(folder))
  assert.equal(server.url, `redis://127.0.0.1:${server.port}`)
  assert.deepEqual([server.adminPort, server.tlsPort, server.unix], [null, null, null])
  await server.close()
  assert.ok(!existsSync(folder))
  assert.ok(hasEnded(server.pid))
  await server.close()
})

test('directives are those of the file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'respd test '))
  const unixsocket = join(folder, 'socket')
  const server = await start({ 'maxmemory-policy': 'allkeys-lru', maxmemorySamples: 7, appendonly: true, adminPort: 0, dir: folder, unixsocket, unixsocketperm: 700 })
  const said = await ask({ path: unixsocket }, 'CONFIG GET maxmemory-*')
  assert.match(said, /allkeys-lru/)
  assert.match(said, /\r\n7\r\n/)
  assert.ok(server.adminPort > 0 && server.adminPort !== server.port)
  assert.equal(server.unix, unixsocket)
  await server[Symbol.asyncDispose]()
  assert.ok(existsSync(join(folder, 'appendonlydir')), 'the folder that was told stays')
  rmSync(folder, { recursive: true })
})

test('a password is in the url', async () => {
  const server = await start({ requirepass: 'se/same' })
  assert.equal(server.url, `redis://:se%2Fsame@127.0.0.1:${server.port}`)
  assert.match(await ask(server, 'PING'), /^-NOAUTH/)
  await server.close()
})

test('says what the server says when it does not start', async () => {
  await assert.rejects(start({ maxmemory: 'plenty' }), { name: 'StartError', message: /maxmemory/ })
  await assert.rejects(start({ maxmemori: '1mb' }), (error) => error instanceof StartError && /maxmemori/.test(error.message))
  const server = await start()
  await assert.rejects(start({ port: server.port }), { message: new RegExp(server.port) })
  await server.close()
})

test('ends with a process that is killed', async () => {
  const program = "import { start } from 'respd'; console.log((await start()).pid); setTimeout(() => {}, 600_000)"
  const owner = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(owner.stdout, 'data')
  const pid = Number(line)
  assert.ok(!hasEnded(pid))
  owner.kill('SIGKILL')
  const deadline = Date.now() + 60_000
  while (!hasEnded(pid)) {
    assert.ok(Date.now() < deadline, 'the server outlives the process that started it')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
})

test('does not keep a program alive', async () => {
  const program = "import { start } from 'respd'; console.log((await start()).pid)"
  const owner = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  assert.deepEqual(await once(owner, 'close'), [0, null])
})

// Whether a process runs no more. One that nothing has waited for has ended, too.
function hasEnded(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).startsWith('Z')
  } catch {
    return true
  }
}
