import { join } from 'node:path'
import { knownHubs } from '@shared/domain/address'
import { huggingFace } from '@shared/domain/settings'
import type { Log } from '@shared/log'
import { WorkerRunner } from './platform/downloadRunner'
import { Endpoints, candidates } from './platform/endpoints'
import { hubEndpoint, modelScopeCookie, modelScopeEndpoint } from './platform/environment'
import { Hub } from './platform/hub'
import { ModelScope } from './platform/modelScope'
import { Network, type SystemProxy } from './platform/network'
import { networkConfigFromEnv, tokensFromEnv } from './platform/networkConfig'
import type { SnugPaths } from './platform/paths'
import { SealedFile, type SecretBox } from './platform/sealedFile'
import { HubTokensService } from './services/hubTokens'
import type { SettingsService } from './services/settings'

interface NetworkSideOptions {
  paths: SnugPaths
  env: NodeJS.ProcessEnv
  settings: SettingsService
  /** What a command-line flag says for this run only. */
  endpoint: () => string | undefined
  systemProxy: SystemProxy | undefined
  secrets: SecretBox
  downloadWorker: string
  log: Log
}

/** The part of the core that leads out of this machine: the network, the hubs, who carries the bytes, and the tokens. */
export function createNetworkSide({ paths, env, settings, endpoint, systemProxy, secrets, downloadWorker, log }: NetworkSideOptions) {
  const network = new Network(networkConfigFromEnv(env, settings.get().offline), undefined, systemProxy)
  const endpoints = new Endpoints({
    network,
    fixed: () => endpoint() ?? hubEndpoint(settings.get().endpoint, env),
    automatic: () => endpoint() === undefined && settings.get().endpointAutomatic,
    candidates: () => candidates(hubEndpoint(null, env), settings.get().endpoint),
  })
  const modelScope = new ModelScope(network, modelScopeEndpoint(env))
  const hub = new Hub({ network, endpoint: () => endpoints.current, endpoints, modelScope })
  const runner = new WorkerRunner(downloadWorker, network)
  const hubs = () => knownHubs(hub.endpoint, modelScope.endpoint)
  const tokens = new HubTokensService({
    places: () => {
      const { endpoint: chosen, endpointAutomatic } = settings.get()
      const standard = hubEndpoint(null, env)
      const mirrors = [...(chosen === null ? [] : [chosen]), ...(endpointAutomatic ? candidates(standard, chosen) : [])]
      return [
        { address: standard, hub: standard === huggingFace ? 'huggingface' : 'environment' },
        ...mirrors.map((address) => ({ address, hub: 'mirror' as const })),
        { address: modelScope.endpoint, hub: 'modelscope', cookie: modelScopeCookie },
      ]
    },
    environment: tokensFromEnv(env),
    box: secrets,
    file: new SealedFile(join(paths.dataDir, 'tokens.json')),
    apply: (known) => {
      network.setTokens(known)
      runner.setTokens(known)
    },
    log: log.child('tokens'),
  })
  return { network, endpoints, hub, runner, hubs, tokens }
}
