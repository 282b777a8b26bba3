import type { Words } from '../words'
import { chat } from './chat'
import { cli } from './cli'
import { common } from './common'
import { discover } from './discover'
import { errors } from './errors'
import { library } from './library'
import { machine } from './machine'
import { menu } from './menu'
import { planner } from './planner'
import { settings } from './settings'
import { welcome } from './welcome'

const catalogue = { common, errors, menu, cli, machine, discover, library, chat, planner, settings, welcome }

export const en: Words<typeof catalogue> = catalogue
