import { app } from './app'
import { chat } from './chat'
import { discover } from './discover'
import { downloads } from './downloads'
import { engine, library } from './library'
import { machine } from './machine'

/** The one contract between page and main. Names are `area.verb`. */
export const contract = { app, machine, discover, downloads, library, engine, chat }
export type Contract = typeof contract
