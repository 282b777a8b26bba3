import { deviceOf } from '../platform/modelFolders'
import { isBelow } from './downloadRows'

/** Which folders lie on the disk that downloads go to. Asked of the system once for each; until it has answered, a folder inside counts. */
export class ModelsDisk {
  readonly #devices = new Map<string, Promise<void> | string | null>()

  constructor(
    private readonly modelsFolder: () => string,
    private readonly changed: () => void,
  ) {}

  holds(folder: string): boolean {
    const models = this.modelsFolder()
    const [own, theirs] = [this.#deviceOf(folder), this.#deviceOf(models)]
    if (typeof own !== 'string' || typeof theirs !== 'string') return folder === models || isBelow(folder, models)
    return own === theirs
  }

  #deviceOf(folder: string): Promise<void> | string | null {
    const known = this.#devices.get(folder)
    if (known !== undefined) return known
    const asked = deviceOf(folder).then((device) => {
      this.#devices.set(folder, device)
      this.changed()
    })
    this.#devices.set(folder, asked)
    return asked
  }
}
