import type { Socket } from 'node:net'

/** Passes on the first `most` bytes of all sockets together and drops what comes after them; `exceeded` is told once. */
export function watchOutput(sockets: readonly Socket[], most: number, exceeded: () => void): void {
  let heard = 0
  for (const socket of sockets) {
    const push = socket.push.bind(socket)
    socket.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
      if (chunk === null) return push(null)
      const before = heard
      heard += chunk.length
      if (heard <= most) return push(chunk, encoding)
      if (before <= most) exceeded()
      const room = Math.max(0, most - before)
      return room === 0 || push(chunk.subarray(0, room), encoding)
    }
  }
}
