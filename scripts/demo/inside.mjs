// What a command tries that needs a program: prints "went through" or the system's error name. Runs inside the sandbox,
// and once without one, to show that the attempt would succeed.
import dgram from 'node:dgram'
import net from 'node:net'

const [what, target] = process.argv.slice(2)
const tell = text => {
  console.log(text)
  process.exit(text === 'went through' ? 0 : 1)
}
const failed = error => tell(error.code ?? error.message)
process.on('uncaughtException', failed)
setTimeout(() => tell('no answer'), 3000)

const attempts = {
  tcp: () => net.connect(Number(target), '127.0.0.1').on('connect', () => tell('went through')),
  udp: () => {
    dgram.createSocket('udp4').send('hello', Number(target), '127.0.0.1', error => {
      if (error) failed(error)
      else tell('went through')
    })
  },
  abstract: () => net.connect(`\0${target}`).on('connect', () => tell('went through')),
  signal: () => {
    process.kill(Number(target), 'SIGUSR2')
    tell('went through')
  },
}
attempts[what]()
