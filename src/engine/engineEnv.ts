import type { EngineRole } from '@shared/engine/protocol'

/** What llama.cpp, its drivers and the loader need; nothing that names an account, a token or a proxy. */
const passed = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'TEMP',
  'TMP',
  'XDG_RUNTIME_DIR',
  'XDG_CACHE_HOME',
  'LD_LIBRARY_PATH',
  'DYLD_LIBRARY_PATH',
  'SYSTEMROOT',
  'WINDIR',
  'APPDATA',
  'LOCALAPPDATA',
  'USERPROFILE',
  'PROCESSOR_ARCHITECTURE',
  'NUMBER_OF_PROCESSORS',
]
const passedPrefixes = ['CUDA_', 'GGML_', 'VK_', 'NVIDIA_', 'HIP_', 'ROCR_', 'MESA_', 'LIBGL_']

/** The environment of a worker. One thread in libuv's pool: with more, llama.cpp's threads and the pool's share a core (measured, half the speed). */
export function engineEnv(role: EngineRole, source: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(source)) {
    const upper = name.toUpperCase()
    if (value !== undefined && (passed.includes(upper) || passedPrefixes.some((prefix) => upper.startsWith(prefix)))) env[name] = value
  }
  return { ...env, UV_THREADPOOL_SIZE: '1', SNUG_ENGINE_ROLE: role }
}
