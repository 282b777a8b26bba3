import type { Llama } from 'node-llama-cpp'

/** llama.cpp's own Jinja renderer: the third in the chain. It cannot be interrupted, so only the expendable tools process calls it. */
export interface NativeRenderer {
  render(template: string, context: Record<string, unknown>): string
}

interface AddonRenderer {
  render(context: Record<string, unknown>): string
}
type AddonRendererClass = new (template: string) => AddonRenderer

/**
 * The class is a private binding of node-llama-cpp: this file alone knows where it is, the version is pinned, and
 * `nativeTemplateRenderer.real.test.ts` fails when it moves. Without it the chain has two renderers, and 24 prompts of 695 are lost.
 */
export function createNativeRenderer(llama: Llama): NativeRenderer | null {
  const bindings: unknown = Reflect.get(llama, '_bindings')
  if (typeof bindings !== 'object' || bindings === null) return null
  const found: unknown = Reflect.get(bindings, 'AddonJinjaRenderer')
  if (typeof found !== 'function') return null
  const Renderer = found as AddonRendererClass
  let last: { template: string; renderer: AddonRenderer } | null = null
  return {
    render(template, context) {
      if (last?.template !== template) last = { template, renderer: new Renderer(template) }
      return last.renderer.render(context)
    },
  }
}
