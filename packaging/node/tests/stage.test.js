// What `server.stage` and `respd/test` promise, tried where the package is installed.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createConnection } from 'node:net'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { StageError, start } from 'respd'
import { stage } from 'respd/test'

const respd = stage()

// Sends lines and QUIT, and gives all that comes until the server closes.
async function say(...lines) {
  const socket = createConnection(respd.port, respd.host)
  socket.write([...lines, 'QUIT'].map((line) => `${line}\r\n`).join(''))
  let said = ''
  for await (const more of socket) said += more
  return said
}

test('a fault is told in words', async () => {
  const no = { on: 'GET', args: { 1: 'k*' }, client: { name: 'web', proto: 2 }, skip: 1, times: 1, do: 'ERROR LOADING not yet' }
  await respd.stage.fault('no', no)
  const said = await say('CLIENT SETNAME web', 'GET k', 'GET other', 'GET k', 'GET k')
  assert.equal(said, '+OK\r\n$-1\r\n$-1\r\n-LOADING not yet\r\n$-1\r\n+OK\r\n')
  const [{ name, hits }] = await respd.stage.faults()
  assert.deepEqual([name, hits], ['no', 1])
  await respd.stage.delFault('no')
  assert.deepEqual(await respd.stage.faults(), [])
})

test('a test leaves something behind', async () => {
  await say('SET k v')
  await respd.stage.fault('no', { on: 'FLUSHALL', do: 'ERROR no' })
  await respd.stage.accept('REFUSE')
  await respd.stage.freeze()
})

test('and the next one has nothing of it', async () => {
  assert.deepEqual(await respd.stage.faults(), [])
  assert.equal(await say('GET k'), '$-1\r\n+OK\r\n')
})

test('several actions follow each other, and bytes mean themselves', async () => {
  await respd.stage.fault('odd', { on: 'GET', do: ['RUN', ['PUSH', Buffer.from('+a\\r\r\n')]] })
  assert.equal(await say('GET k'), '$-1\r\n+a\\r\r\n+OK\r\n')
})

test('bytes alone are no action', async () => {
  await assert.rejects(respd.stage.fault('odd', { do: ['REPLY', Buffer.from('+a\r\n')] }), TypeError)
  assert.deepEqual(await respd.stage.faults(), [])
})

test('time passes when it is told to', async () => {
  await respd.stage.freeze()
  await say('SET k v EX 3600')
  await respd.stage.advance(3599.999)
  assert.equal(await say('EXISTS k'), ':1\r\n+OK\r\n')
  await respd.stage.advance(0.001)
  assert.equal(await say('EXISTS k'), ':0\r\n+OK\r\n')
  await respd.stage.setClock(2_000_000_000)
  assert.match(await say('TIME'), /2000000000/)
  await respd.stage.run()
})

test('the journal has what was sent', async () => {
  await respd.stage.journal.on({ limit: 100 })
  await say('CLIENT SETNAME web', 'SET k v', 'GET k')
  assert.equal(await respd.stage.journal.wait('GET', { args: { 1: 'k' } }), 1)
  const entries = await respd.stage.journal.get({ client: 'web' })
  const get = entries.at(-2)
  assert.deepEqual([get.argv, get.name, String(get.reply)], [['GET', 'k'], 'web', '$1\r\nv\r\n'])
  assert.deepEqual(await respd.stage.journal.get({ since: entries.at(-1).seq }), entries.slice(-1))
  await assert.rejects(respd.stage.journal.wait('DEL', { timeout: 0.01 }), { name: 'StageError', message: /DEL has been sent 0 times/ })
})

test('what the server replies is the value', async () => {
  const port = await respd.stage.node('ADD', 'a', 'SLOTS', '0-16383')
  assert.ok(Number.isInteger(port) && port > 0)
  assert.equal(await respd.stage.node('DOWN', 'a'), 'OK')
  await respd.stage.node('ADD', 'm')
  assert.notEqual(await respd.stage.sentinel('ADD', 's', 'MASTER', 'm'), port)
  assert.equal(await respd.stage.send({ name: 'nosuch' }, '+x'), 0)
})

test('an error has the text of the server', async () => {
  await assert.rejects(respd.stage.line('CLOCK', 'GO'), (error) => error instanceof StageError && /GO/.test(error.message))
  await assert.rejects(respd.stage.delFault('x'), { message: /there is no fault 'x'/ })
})

test('a server without a stage says so, and one with a password is told it', async () => {
  const plain = await start()
  await assert.rejects(plain.stage.reset(), { message: /unknown command 'STAGE'/ })
  await plain.close()
  const server = await start({ requirepass: 'sesame' }, { stage: true })
  await server.stage.fault('no', { on: 'AUTH', do: 'CLOSE' })
  await server.stage.reset()
  await server.close()
})

const ENDS = ['CLOSE', 'RESET', 'HANG', 'ERROR LOADING not yet', 'DELAY 60000', 'DROP', 'REPLY *9\\r\\n', 'RUN THEN CUT 1']

for (const accept of ['ALL', 'REFUSE', 'HANG', 'CLOSE']) {
  test(`reset reaches the server from another process: ${accept}`, async () => {
    for (const on of [undefined, '*', 'HELLO', 'AUTH', 'CLIENT']) {
      for (const [number, action] of ENDS.entries()) {
        await respd.stage.fault(`f${number}`, { on, every: 2, do: [action] })
      }
      await respd.stage.fault('last', { on, do: 'CLOSE' })
      await respd.stage.accept(accept)
      await respd.stage.freeze()
      const code = `import { Stage } from 'respd'; await new Stage({ port: ${respd.adminPort} }).reset()`
      await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], { cwd: fileURLToPath(new URL('.', import.meta.url)), timeout: 60_000 })
      assert.equal(await say('PING'), '+PONG\r\n+OK\r\n')
      assert.deepEqual(await respd.stage.faults(), [])
    }
  })
}
