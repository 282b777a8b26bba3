import { type Parallelism, type ServeProgram, serveCommand } from '@shared/domain/parallelism'
import { Check, Copy } from 'lucide-react'
import { useState } from 'react'
import { client } from '../../lib/client'
import { useMessages } from '../../lib/i18n'
import { Button, Segmented } from '../../ui'
import type { Device } from './devices'
import { type StagePlan, adviceFor } from './plan'

const kinds: readonly Parallelism[] = ['pipeline', 'tensor', 'data']

/** How many devices is the person's choice; advice and command follow it. */
export function Parallel({ plan, device, model }: { plan: StagePlan; device: Device; model: string }) {
  const { planner, common } = useMessages()
  const [chosen, setChosen] = useState<number | null>(null)
  const [program, setProgram] = useState<ServeProgram>('llama.cpp')
  const [copied, setCopied] = useState(false)
  const [few, many] = plan.devices
  const devices = chosen ?? few
  const advice = adviceFor(plan, devices, device.usableBytes)
  const command = serveCommand(program, model, advice, 8192)
  const copy = () => {
    void client.app.copyText({ text: command }).then(() => {
      setCopied(true)
      setTimeout(() => setCopied(false), 1_500)
    })
  }
  return (
    <div className="parallel">
      <section aria-label={planner.parallel}>
        <h2 className="h2">
          {planner.parallel} <span className="t3">{planner.parallelFor({ stage: planner.stage[plan.stage], devices })}</span>
          <label className="row end f12">
            {planner.devicesLabel}
            <input
              className="field num"
              type="number"
              min={1}
              max={1024}
              value={devices}
              onChange={(event) => {
                const value = Number(event.target.value)
                setChosen(Number.isInteger(value) && value >= 1 && value <= 1024 ? value : null)
              }}
              title={few === many ? undefined : `${few}–${many}`}
            />
          </label>
        </h2>
        <div className="card flush kinds">
          {kinds.map((kind) => (
            <div key={kind} className="kind" aria-current={advice.kind === kind ? 'true' : undefined} data-testid={`parallel-${kind}`}>
              <Picture kind={kind} />
              <b className="row">
                {planner.parallelism[kind].name}
                {advice.kind === kind && <span className="tag acc">{planner.advised}</span>}
              </b>
              <span className="t2 f12">{planner.parallelism[kind].when}</span>
              <span className="t3 f12">{planner.parallelism[kind].how}</span>
            </div>
          ))}
          <p className="t3 f12 experts">{planner.experts}</p>
        </div>
      </section>
      {plan.stage === 'inference' && (
        <section aria-label={planner.command}>
          <h2 className="h2">{planner.command}</h2>
          <div className="card command">
            <div className="row">
              <Segmented<ServeProgram>
                small
                label={planner.commandFor}
                value={program}
                options={[
                  { value: 'llama.cpp', label: 'llama.cpp' },
                  { value: 'llama.cpp-rpc', label: planner.overRpc },
                  { value: 'vllm', label: 'vLLM' },
                ]}
                onChange={setProgram}
              />
              <span className="grow" />
              <Button kind="quiet" size="s" aria-label={planner.copyCommand} onClick={copy}>
                {copied ? <Check className="i xs" aria-hidden="true" /> : <Copy className="i xs" aria-hidden="true" />}
                {copied ? common.copied : common.copy}
              </Button>
            </div>
            <pre className="sel mono">{command}</pre>
            {program === 'llama.cpp-rpc' && (
              <p className="t3 f12">{devices > 1 ? planner.rpcHint({ hosts: devices - 1 }) : planner.rpcAlone}</p>
            )}
          </div>
        </section>
      )}
    </div>
  )
}

/** Two devices each: layers in a row, matrices cut, copies with their own data. */
function Picture({ kind }: { kind: Parallelism }) {
  const rows = [8, 18, 28, 38]
  return (
    <svg className="parallel-picture" viewBox="0 0 140 52" aria-hidden="true">
      <rect className="case" x="1" y="1" width="56" height="50" rx="5" />
      <rect className="case" x="83" y="1" width="56" height="50" rx="5" />
      {kind === 'pipeline' && (
        <>
          {rows.slice(0, 2).map((y) => (
            <rect key={y} className="w" x="9" y={y + 6} width="40" height="7" rx="2" />
          ))}
          {rows.slice(2).map((y) => (
            <rect key={y} className="w" x="91" y={y - 14} width="40" height="7" rx="2" />
          ))}
          <path className="wire" d="M60 26h18m-5-4 5 4-5 4" />
        </>
      )}
      {kind === 'tensor' &&
        rows.map((y) => (
          <g key={y}>
            <rect className="w" x="29" y={y} width="22" height="6" rx="2" />
            <path className="wire dash" d={`M53 ${y + 3}h34`} />
            <rect className="w" x="89" y={y} width="22" height="6" rx="2" />
          </g>
        ))}
      {kind === 'data' &&
        [9, 91].map((x, place) => (
          <g key={x}>
            <rect className="d" x={place === 0 ? x : x + 20} y="6" width="20" height="7" rx="2" />
            {[19, 28, 37].map((y) => (
              <rect key={y} className="w" x={x} y={y} width="40" height="6" rx="2" />
            ))}
          </g>
        ))}
    </svg>
  )
}
