import net from 'node:net'

export interface RelayOptions {
  /** Added to each way. */
  delayMs: number
  /** Of each connection, each way. */
  bytesPerSecond: number
}

export interface Relay {
  /** `http://127.0.0.1:PORT` */
  address: string
  connections: number
  close(): Promise<void>
}

const sliceBytes = 8 * 1024
/** What may be under way: a sender that is not held back would fill the memory instead of the link. */
const bufferBytes = 64 * 1024

/** A bad link on loopback: every byte comes late, and each connection gets only so many. */
export async function startRelay(target: () => string, options: RelayOptions): Promise<Relay> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer({ noDelay: true }, (near) => {
    relay.connections++
    const to = new URL(target())
    const far = net.connect({ host: to.hostname, port: Number(to.port), noDelay: true })
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    }
    pass(near, far, options)
    pass(far, near, options)
  })
  const relay: Relay = {
    address: '',
    connections: 0,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const bound = server.address()
  relay.address = `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`
  return relay
}

function pass(from: net.Socket, to: net.Socket, { delayMs, bytesPerSecond }: RelayOptions): void {
  /** When the link is free for the next byte. */
  let free = 0
  let waiting = 0
  let timer: NodeJS.Timeout | undefined
  /** In order: timers of their own would overtake each other on a busy machine. */
  const queue: { slice: Buffer; due: number }[] = []
  const deliver = () => {
    timer = undefined
    for (let first = queue[0]; first !== undefined && first.due <= performance.now(); first = queue[0]) {
      queue.shift()
      waiting -= first.slice.length
      if (!to.destroyed) to.write(first.slice)
    }
    if (waiting < bufferBytes) from.resume()
    if (queue[0] !== undefined) timer = setTimeout(deliver, queue[0].due - performance.now())
    else if (from.destroyed) to.end()
  }
  from.on('data', (data: Buffer) => {
    for (let at = 0; at < data.length; at += sliceBytes) {
      const slice = data.subarray(at, at + sliceBytes)
      free = Math.max(free, performance.now()) + (slice.length / bytesPerSecond) * 1_000
      waiting += slice.length
      queue.push({ slice, due: free + delayMs })
    }
    timer ??= setTimeout(deliver, delayMs)
    if (waiting >= bufferBytes) from.pause()
  })
  from.on('error', () => to.destroy())
  from.on('close', () => {
    if (queue.length === 0) setTimeout(() => to.end(), delayMs)
  })
}
