import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { type Take, readBody } from './readBody'

const mostBytes = 1024 * 1024

/**
 * One connection that reads into the same memory again and again. Node's parser copies a body into new memory for each 64 KiB, which took
 * longer than all the rest of a download (`bench download`): so it reads the headers, and a body whose length is told comes from here.
 */
export class StraightConnection {
  readonly agent: http.Agent
  readonly #memory = Buffer.allocUnsafeSlow(mostBytes)
  #socket: Socket | null = null
  #straight: ((bytes: Buffer) => boolean) | null = null

  /** `atOnce`: so many bytes are read in one go at most; asked before each. */
  constructor(protocol: string, atOnce: () => number) {
    this.agent = protocol === 'https:' ? new https.Agent() : new http.Agent()
    const onread = {
      buffer: () => this.#memory.subarray(0, Math.min(mostBytes, atOnce())),
      callback: (count: number, bytes: Uint8Array) => this.#came(bytes.subarray(0, count)),
    }
    const connect = this.agent.createConnection.bind(this.agent)
    this.agent.createConnection = (options, done) => {
      const socket = connect({ ...options, onread } as http.ClientRequestArgs, done) as Socket
      this.#socket = socket
      return socket
    }
  }

  /** As `readBody`. A chunk is what it is only until `take` returns. */
  async read(message: IncomingMessage, take: Take): Promise<void> {
    const socket = this.#socket
    const length = toldLength(message)
    if (socket === null || length === null) return readBody(message, take)
    const under: { way: Promise<boolean> | null } = { way: null }
    try {
      await new Promise<void>((resolve, reject) => {
        /** TLS hands out all that it has unpacked, also after it was told to wait. */
        const waiting: Buffer[] = []
        let left = length
        /** Whatever comes yet is not taken. */
        const end = (settle: () => void): void => {
          left = 0
          settle()
        }
        const fail = (error: unknown) => end(() => reject(error))
        const goOn = (more: boolean): void => {
          under.way = null
          if (!more || left === 0) return end(resolve)
          for (const bytes of waiting.splice(0)) give(bytes)
          if (under.way === null) socket.resume()
        }
        /** False: no more for now. */
        const give = (bytes: Buffer): boolean => {
          if (under.way !== null) {
            waiting.push(Buffer.from(bytes))
            return false
          }
          const own = bytes.length > left ? bytes.subarray(0, left) : bytes
          if (own.length === 0) return false
          left -= own.length
          try {
            const more = take(own)
            if (more === true && left > 0) return true
            if (typeof more === 'boolean') end(resolve)
            else (under.way = more).then(goOn, fail)
          } catch (error) {
            fail(error)
          }
          return false
        }
        if (message.destroyed) return reject(message.errored ?? new Error('the connection ended early'))
        const gone = (error: unknown): void => {
          // All of it came before the end of the connection, and waits.
          if (waiting.reduce((sum, { length: bytes }) => sum + bytes, 0) < left) fail(error)
        }
        message.once('error', gone)
        // A connection that is cut without a word only closes.
        message.once('close', () => gone(new Error('the connection ended early')))
        if (length === 0) return resolve()
        // What came together with the headers.
        for (let chunk = message.read() as Buffer | null; chunk !== null; chunk = message.read() as Buffer | null) give(chunk)
        this.#straight = give
        if (under.way === null) socket.resume()
      })
    } finally {
      this.#straight = () => false
      // What is under way ends before anything else happens to where it goes.
      await under.way
    }
  }

  #came(bytes: Uint8Array): boolean {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    if (this.#straight !== null) return this.#straight(chunk)
    // The parser may keep what it is given.
    this.#socket?.emit('data', Buffer.from(chunk))
    return true
  }
}

/** null: it ends where the server says so on the way. */
function toldLength({ headers }: IncomingMessage): number | null {
  const told = headers['content-length']
  if (told === undefined || headers['transfer-encoding'] !== undefined || !/^\d{1,15}$/.test(told)) return null
  return Number(told)
}
