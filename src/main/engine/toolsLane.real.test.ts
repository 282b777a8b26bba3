import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { forkNode } from '../../engine/forkNode'
import { writeScriptedModel } from '../../engine/scriptedModel'
import { engineEntry } from '../../engine/testEngine'
import { silentLog } from '@shared/log'
import { ToolsLane } from './toolsLane'

test('an endless template ends its process after two seconds of the processor, and the next one renders', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'snug-lane-'))
  const tools = new ToolsLane(forkNode(engineEntry()), silentLog)
  try {
    const { path } = await writeScriptedModel(join(folder, 'm.gguf'))
    // no range(), which is counted: lists in lists in lists
    const hundred = `[${'0,'.repeat(99)}0]`
    const depth = 8
    const endless = `${Array.from({ length: depth }, (_, i) => `{% for a${i} in ${hundred} %}`).join('')}x${'{% endfor %}'.repeat(depth)}`
    const thinking = { mode: 'default' as const }
    const messages = [{ role: 'user', content: 'Hi' }]
    const started = performance.now()
    await expect(
      tools.call('render', { source: { kind: 'template', template: endless, bos: null, eos: null }, messages, thinking }),
    ).rejects.toMatchObject({ code: 'template/too-slow' })
    expect(performance.now() - started).toBeGreaterThan(1_000)
    await expect(tools.call('render', { source: { kind: 'file', path }, messages, thinking })).resolves.toMatchObject({
      template: { kind: 'own' },
    })
  } finally {
    await tools.dispose()
    rmSync(folder, { recursive: true, force: true })
  }
})
