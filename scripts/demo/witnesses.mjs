// Who sees from outside whether an attempt went through: listeners on loopback, and a process that can be signalled.
import { spawn } from 'node:child_process'
import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'

/** Each witness has a `target` for the attempt and `contacts`, which counts what arrived. */
export async function startWitnesses() {
  const tcp = await streamWitness({ port: 0, host: '127.0.0.1' }, server => server.address().port)
  const name = `castellan-demo-${process.pid}-${Date.now()}`
  const abstract = await streamWitness(`\0${name}`, () => name)
  const udp = await datagramWitness()
  const victim = await processWitness()
  const all = { tcp, udp, abstract, victim }
  return { ...all, stop: () => Object.values(all).forEach(witness => void witness?.stop()) }
}

async function streamWitness(where, targetOf) {
  const witness = { contacts: 0 }
  const server = net.createServer(socket => {
    witness.contacts++
    socket.on('error', () => {}).destroy()
  })
  try {
    server.listen(where)
    await once(server, 'listening')
  } catch (error) {
    // A Node.js that has no abstract sockets: the attempt is left out.
    if (typeof where === 'string') return undefined
    throw error
  }
  return Object.assign(witness, { target: targetOf(server), stop: () => server.close() })
}

async function datagramWitness() {
  const witness = { contacts: 0 }
  const socket = dgram.createSocket('udp4', () => witness.contacts++)
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return Object.assign(witness, { target: socket.address().port, stop: () => socket.close() })
}

async function processWitness() {
  // Its input ends with this process, however that ends, and it ends with its input.
  const program = "process.on('SIGUSR2', () => console.log('signalled')); process.stdin.resume(); console.log('up')"
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'ignore'] })
  await once(child.stdout, 'data')
  const witness = { contacts: 0, target: child.pid, stop: () => child.kill('SIGKILL') }
  child.stdout.on('data', () => witness.contacts++)
  child.once('exit', () => witness.contacts++)
  return witness
}
