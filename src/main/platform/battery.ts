/** A driver that does not answer must not hold the measurement up. */
const limitMs = 3000

/** Running on its battery, a machine is slower than it can be. False where nobody can say. */
export async function onBattery(): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), limitMs)
  })
  try {
    const { battery } = await import('systeminformation')
    const state = await Promise.race([battery(), late])
    return state !== null && state.hasBattery && !state.acConnected && !state.isCharging
  } catch {
    // No battery driver (a server, a container): there is nothing to run on but the mains.
    return false
  } finally {
    clearTimeout(timer)
  }
}
