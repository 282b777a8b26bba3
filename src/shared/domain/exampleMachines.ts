import { type ExampleMachine, apple, card, issue, machine, probe, smi, windows } from './exampleParts'
import { reportedMachines } from './exampleReports'
import { GiB } from './units'

/**
 * Recorded shapes of what each source says on a machine, one row each. Shapes are those of the sources' documentation (systeminformation
 * graphics(), nvidia-smi CSV, llama.cpp device lists) and of issue reports; figures of free memory are typical, not of one person's machine.
 */
const typicalMachines: ExampleMachine[] = [
  {
    name: 'Apple M1, 8 GB',
    seen: [],
    raw: apple('Apple M1', 8, 5, 5.33),
    expected: {
      gpus: [{ name: /M1/, kind: 'unified', shared: true, backends: ['metal'] }],
      backend: 'metal',
      pools: [8],
      limit: 'metal-working-set',
      fits: 'light',
      recommends: ['light', 'full-gpu'],
    },
  },
  {
    name: 'Apple M4 Max, 128 GB',
    seen: [],
    raw: apple('Apple M4 Max', 128, 110, 96),
    expected: {
      gpus: [{ name: /M4 Max/, kind: 'unified', shared: true, backends: ['metal'] }],
      backend: 'metal',
      pools: [128],
      limit: 'metal-working-set',
      fits: 'heavy',
      recommends: ['medium', 'full-gpu'],
    },
  },
  {
    name: 'RTX 4070 12 GB beside an AMD iGPU: the iGPU is left alone, CUDA and Vulkan see one card',
    seen: [],
    raw: machine(31.2, 21.4, {
      graphics: [
        card('NVIDIA Corporation', 'AD104 [GeForce RTX 4070]', 12),
        card('Advanced Micro Devices, Inc. [AMD/ATI]', 'Raphael', 0.5),
      ],
      nvidiaSmi: smi(['NVIDIA GeForce RTX 4070', 12_282, 11_230]),
      probes: [
        probe('cuda', ['NVIDIA GeForce RTX 4070', 11.99, 10.97]),
        probe('vulkan', ['NVIDIA GeForce RTX 4070', 11.99, 11.99], ['AMD Radeon Graphics (RADV RAPHAEL_MENDOCINO)', 15.8, 15.8]),
        probe('cpu'),
      ],
    }),
    expected: {
      gpus: [
        { name: /RTX 4070/, kind: 'discrete', shared: false, backends: ['cuda', 'vulkan'], vramGiB: 11.99 },
        { name: /Radeon Graphics/, kind: 'integrated', shared: true, backends: ['vulkan'] },
      ],
      backend: 'cuda',
      pools: [11.99, 31.2],
      fits: 'medium',
      recommends: ['light', 'full-gpu'],
    },
  },
  {
    name: 'laptop, RTX 3050 4 GB and Intel Iris Xe, Windows',
    seen: [],
    raw: machine(16, 9, {
      graphics: [
        card('Intel Corporation', 'Intel(R) Iris(R) Xe Graphics', 0.125, true),
        card('NVIDIA', 'NVIDIA GeForce RTX 3050 Laptop GPU', 4),
      ],
      nvidiaSmi: smi(['NVIDIA GeForce RTX 3050 Laptop GPU', 4096, 3900]),
      probes: [
        probe('cuda', ['NVIDIA GeForce RTX 3050 Laptop GPU', 4, 3.5]),
        probe('vulkan', ['Intel(R) Iris(R) Xe Graphics', 7.9, 7.4], ['NVIDIA GeForce RTX 3050 Laptop GPU', 4, 3.9]),
        probe('cpu'),
      ],
      os: windows,
    }),
    expected: {
      gpus: [
        { name: /RTX 3050/, kind: 'discrete', shared: false, backends: ['cuda', 'vulkan'], vramGiB: 4 },
        { name: /Iris/, kind: 'integrated', shared: true, backends: ['vulkan'] },
      ],
      backend: 'cuda',
      pools: [4, 16],
      fits: 'medium',
      recommends: ['light', 'full-gpu'],
    },
  },
  {
    name: 'RTX 5090 32 GB',
    seen: [],
    raw: machine(64, 52, {
      graphics: [card('NVIDIA Corporation', 'GB202 [GeForce RTX 5090]', 32)],
      nvidiaSmi: smi(['NVIDIA GeForce RTX 5090', 32_607, 31_900]),
      probes: [probe('cuda', ['NVIDIA GeForce RTX 5090', 31.8, 31]), probe('cpu')],
    }),
    expected: {
      gpus: [{ name: /5090/, kind: 'discrete', shared: false, backends: ['cuda'], vramGiB: 31.8 }],
      backend: 'cuda',
      pools: [31.8, 64],
      fits: 'heavy',
      recommends: ['medium', 'full-gpu'],
    },
  },
  {
    name: 'two unequal NVIDIA cards',
    seen: [],
    raw: machine(64, 55, {
      graphics: [card('NVIDIA Corporation', 'GA102 [GeForce RTX 3090]', 24), card('NVIDIA Corporation', 'GA106 [GeForce RTX 3060]', 12)],
      nvidiaSmi: smi(['NVIDIA GeForce RTX 3090', 24_576, 24_000], ['NVIDIA GeForce RTX 3060', 12_288, 11_800]),
      probes: [probe('cuda', ['NVIDIA GeForce RTX 3090', 23.7, 23.4], ['NVIDIA GeForce RTX 3060', 11.8, 11.5]), probe('cpu')],
    }),
    expected: {
      gpus: [
        { name: /3090/, kind: 'discrete', shared: false, backends: ['cuda'], vramGiB: 23.7 },
        { name: /3060/, kind: 'discrete', shared: false, backends: ['cuda'], vramGiB: 11.8 },
      ],
      backend: 'cuda',
      pools: [23.7, 11.8, 64],
      fits: 'heavy',
      recommends: ['medium', 'full-gpu'],
    },
  },
  {
    name: 'two equal cards stay two',
    seen: [],
    raw: machine(64, 55, {
      nvidiaSmi: smi(['NVIDIA GeForce RTX 3090', 24_576, 24_000], ['NVIDIA GeForce RTX 3090', 24_576, 20_000]),
      probes: [
        probe('cuda', ['NVIDIA GeForce RTX 3090', 23.7, 23.4], ['NVIDIA GeForce RTX 3090', 23.7, 19.5]),
        probe('vulkan', ['NVIDIA GeForce RTX 3090', 24, 24], ['NVIDIA GeForce RTX 3090', 24, 24]),
      ],
    }),
    expected: {
      gpus: [
        { name: /3090/, kind: 'discrete', shared: false, backends: ['cuda', 'vulkan'], vramGiB: 23.7 },
        { name: /3090/, kind: 'discrete', shared: false, backends: ['cuda', 'vulkan'], vramGiB: 23.7 },
      ],
      backend: 'cuda',
      pools: [23.7, 23.7, 64],
      fits: 'heavy',
      recommends: ['medium', 'full-gpu'],
    },
  },
  {
    name: 'RX 7900 XTX over Vulkan: the PCI listing names three cards, it is one',
    seen: [issue('ggml-org/llama.cpp', 18_317)],
    raw: machine(32, 26, {
      graphics: [card('Advanced Micro Devices, Inc. [AMD/ATI]', 'Navi 31 [Radeon RX 7900 XT/7900 XTX/7900M]', 24)],
      probes: [probe('vulkan', ['AMD Radeon RX 7900 XTX (RADV NAVI31)', 23.98, 23.2]), probe('cpu')],
    }),
    expected: {
      gpus: [{ name: /^AMD Radeon RX 7900 XTX$/, kind: 'discrete', shared: false, backends: ['vulkan'], vramGiB: 23.98 }],
      backend: 'vulkan',
      pools: [23.98, 32],
      fits: 'heavy',
      recommends: ['medium', 'full-gpu'],
    },
  },
  {
    name: 'Strix Halo 128 GB, 512 MB carved out: GTT of half the RAM is RAM',
    seen: [issue('kyuz0/amd-strix-halo-toolboxes', 4)],
    raw: machine(125.4, 118, {
      graphics: [
        card('Advanced Micro Devices, Inc. [AMD/ATI]', 'Strix Halo [Radeon Graphics / Radeon 8050S Graphics / Radeon 8060S Graphics]', 0.5),
      ],
      probes: [probe('vulkan', ['AMD Radeon 8060S (RADV GFX1151)', 63.2, 62.7]), probe('cpu')],
      cpu: { name: 'AMD RYZEN AI MAX+ 395', physicalCores: 16, logicalCores: 32, usableCores: 16, features: ['avx512f'] },
    }),
    expected: {
      gpus: [{ name: /8060S/, kind: 'integrated', shared: true, backends: ['vulkan'] }],
      backend: 'vulkan',
      pools: [125.4],
      limit: 'gtt',
      fits: 'heavy',
      recommends: ['heavy', 'full-gpu'],
    },
  },
  {
    name: 'Strix Halo 128 GB on Windows, 96 GB carved out: missing from RAM, so a pool of its own; Vulkan sees a third of it',
    seen: [issue('ggml-org/llama.cpp', 16_832)],
    raw: machine(31.6, 22, {
      graphics: [card('Advanced Micro Devices, Inc.', 'AMD Radeon(TM) 8060S Graphics', 96, true)],
      probes: [probe('vulkan', ['AMD Radeon(TM) 8060S Graphics', 32, 30.4]), probe('cpu')],
      os: windows,
    }),
    expected: {
      gpus: [{ name: /8060S/, kind: 'integrated', shared: false, backends: ['vulkan'], vramGiB: 32 }],
      backend: 'vulkan',
      pools: [32, 31.6],
      fits: 'heavy',
      recommends: ['medium', 'full-gpu'],
    },
  },
  {
    name: 'Intel Arc A770 16 GB with the processor graphics',
    seen: [issue('doitsujin/dxvk', 3384)],
    raw: machine(32, 25, {
      graphics: [
        card('Intel Corporation', 'DG2 [Arc A770]', 16),
        card('Intel Corporation', 'AlderLake-S GT1 [UHD Graphics 770]', null, true),
      ],
      probes: [
        probe('vulkan', ['Intel(R) Arc(tm) A770 Graphics (DG2)', 15.91, 14.32], ['Intel(R) UHD Graphics 770 (ADL-S GT1)', 15.6, 15.6]),
        probe('cpu'),
      ],
    }),
    expected: {
      gpus: [
        { name: /A770/, kind: 'discrete', shared: false, backends: ['vulkan'], vramGiB: 15.91 },
        { name: /UHD/, kind: 'integrated', shared: true, backends: ['vulkan'] },
      ],
      backend: 'vulkan',
      pools: [15.91, 32],
      fits: 'medium',
      recommends: ['medium', 'full-gpu'],
    },
  },
  {
    name: 'Intel Iris Xe alone, 8 GB of RAM',
    seen: [],
    raw: machine(7.7, 4.6, {
      graphics: [card('Intel Corporation', 'TigerLake-LP GT2 [Iris Xe Graphics]', null, true)],
      probes: [probe('vulkan', ['Intel(R) Iris(R) Xe Graphics (TGL GT2)', 3.85, 3.85]), probe('cpu')],
    }),
    expected: {
      gpus: [{ name: /Iris/, kind: 'integrated', shared: true, backends: ['vulkan'] }],
      backend: 'vulkan',
      pools: [7.7],
      limit: 'gtt',
      fits: 'light',
      recommends: ['light', 'full-gpu'],
    },
  },
  {
    name: 'no GPU, 8 GB of RAM',
    seen: [],
    raw: machine(7.7, 5, {}),
    expected: { gpus: [], backend: 'cpu', pools: [7.7], fits: 'light', recommends: ['light', 'cpu'] },
  },
  {
    name: 'virtual machine: a display adapter is no GPU, llvmpipe is never used',
    seen: [issue('nomic-ai/gpt4all', 1907)],
    raw: machine(24, 20, {
      graphics: [card('VMware', 'SVGA II Adapter', null), card('Microsoft', 'Microsoft Basic Display Adapter', null)],
      probes: [probe('vulkan', ['llvmpipe (LLVM 15.0.6, 256 bits)', 2, 2]), probe('cpu')],
    }),
    expected: {
      gpus: [{ name: /llvmpipe/, kind: 'software', shared: true, backends: ['vulkan'] }],
      backend: 'cpu',
      pools: [24],
      fits: 'medium',
      recommends: ['light', 'cpu'],
    },
  },
  {
    name: 'H200 server in a container of 200 GB',
    seen: [],
    raw: machine(2000, 1900, {
      nvidiaSmi: smi(['NVIDIA H200', 143_771, 143_000]),
      probes: [probe('cuda', ['NVIDIA H200', 139.8, 139]), probe('cpu')],
      ram: { total: 2000 * GiB, available: 190 * GiB, limit: 200 * GiB, modules: [] },
    }),
    expected: {
      gpus: [{ name: /H200/, kind: 'discrete', shared: false, backends: ['cuda'], vramGiB: 139.8 }],
      backend: 'cuda',
      pools: [139.8, 200],
      fits: 'heavy',
      recommends: ['medium', 'full-gpu'],
    },
  },
  {
    name: 'broken driver: the card is there, no backend can use it',
    seen: [],
    raw: machine(32, 26, {
      graphics: [card('NVIDIA Corporation', 'TU116 [GeForce GTX 1660]', 6)],
      nvidiaSmi: { state: 'failed', detail: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver." },
      probes: [{ backend: 'cuda', state: 'crashed', detail: 'the process ended with code 134' }, probe('cpu')],
    }),
    expected: {
      gpus: [{ name: /1660/, kind: 'discrete', shared: false, backends: [], vramGiB: 6 }],
      backend: 'cpu',
      pools: [32],
      fits: 'medium',
      recommends: ['light', 'cpu'],
    },
  },
  {
    name: 'nvidia-smi hangs: the engine still speaks',
    seen: [],
    raw: machine(32, 26, {
      nvidiaSmi: { state: 'timed-out', detail: 'no answer in 3000 ms' },
      probes: [probe('cuda', ['NVIDIA GeForce RTX 3060', 11.8, 11.2]), probe('cpu')],
    }),
    expected: {
      gpus: [{ name: /3060/, kind: 'discrete', shared: false, backends: ['cuda'], vramGiB: 11.8 }],
      backend: 'cuda',
      pools: [11.8, 32],
      fits: 'medium',
      recommends: ['medium', 'partial-gpu'],
    },
  },
  {
    name: 'only nvidia-smi speaks, as no CUDA binary is installed',
    seen: [],
    raw: machine(32, 26, { nvidiaSmi: smi(['NVIDIA GeForce RTX 2060', 6144, 5800]) }),
    expected: {
      gpus: [{ name: /2060/, kind: 'discrete', shared: false, backends: [], vramGiB: 6 }],
      backend: 'cpu',
      pools: [32],
      fits: 'medium',
      recommends: ['light', 'cpu'],
    },
  },
  {
    name: 'AMD laptop with a Radeon 780M, listed as Phoenix1',
    seen: [],
    raw: machine(30.6, 24, {
      graphics: [card('Advanced Micro Devices, Inc. [AMD/ATI]', 'Phoenix1', 0.5)],
      probes: [probe('vulkan', ['AMD Radeon 780M Graphics (RADV PHOENIX)', 15.5, 15]), probe('cpu')],
    }),
    expected: {
      gpus: [{ name: /780M/, kind: 'integrated', shared: true, backends: ['vulkan'] }],
      backend: 'vulkan',
      pools: [30.6],
      limit: 'gtt',
      fits: 'medium',
      recommends: ['medium', 'partial-gpu'],
    },
  },
  {
    name: 'a card that is busy with another program: nvidia-smi knows it where Vulkan says all free',
    seen: [],
    raw: machine(32, 26, {
      nvidiaSmi: smi(['NVIDIA GeForce RTX 4060', 8188, 1500]),
      probes: [probe('vulkan', ['NVIDIA GeForce RTX 4060', 7.99, 7.99]), probe('cpu')],
    }),
    expected: {
      gpus: [{ name: /4060/, kind: 'discrete', shared: false, backends: ['vulkan'], vramGiB: 7.99 }],
      backend: 'vulkan',
      pools: [7.99, 32],
      fits: 'medium',
      recommends: ['light', 'partial-gpu'],
    },
  },
]

export const exampleMachines: readonly ExampleMachine[] = [...typicalMachines, ...reportedMachines]
