import { type ExampleMachine, apple, card, issue, mac, machine, probe, smi, windows } from './exampleParts'
import { GiB } from './units'

/** Machines as people reported them; each one broke somebody's program, and some of them would have broken ours. Figures in MiB are theirs. */
export const reportedMachines: ExampleMachine[] = [
  {
    name: 'Apple M1 Pro, 16 GB',
    seen: [issue('abetlen/llama-cpp-python', 687)],
    raw: apple('Apple M1 Pro', 16, 10.5, 10_922.67 / 1024),
    expected: {
      gpus: [{ name: /M1 Pro/, kind: 'unified', shared: true, backends: ['metal'] }],
      backend: 'metal',
      pools: [16],
      limit: 'metal-working-set',
      fits: 'medium',
      recommends: ['light', 'full-gpu'],
    },
  },
  {
    name: 'Apple M1 Max, 32 GB',
    seen: [issue('ggml-org/llama.cpp', 2011)],
    raw: apple('Apple M1 Max', 32, 24, 21_845.34 / 1024),
    expected: {
      gpus: [{ name: /M1 Max/, kind: 'unified', shared: true, backends: ['metal'] }],
      backend: 'metal',
      pools: [32],
      limit: 'metal-working-set',
      fits: 'medium',
      recommends: ['medium', 'full-gpu'],
    },
  },
  {
    name: 'Apple M2 Max, 96 GB',
    seen: [issue('ggml-org/llama.cpp', 3213)],
    raw: apple('Apple M2 Max', 96, 80, 73_728 / 1024),
    expected: {
      gpus: [{ name: /M2 Max/, kind: 'unified', shared: true, backends: ['metal'] }],
      backend: 'metal',
      pools: [96],
      limit: 'metal-working-set',
      fits: 'heavy',
      recommends: ['medium', 'full-gpu'],
    },
  },
  {
    name: 'Apple M2 Ultra, 192 GB',
    seen: [issue('ggml-org/llama.cpp', 18_919)],
    raw: apple('Apple M2 Ultra', 192, 170, 165_150 / 1024),
    expected: {
      gpus: [{ name: /M2 Ultra/, kind: 'unified', shared: true, backends: ['metal'] }],
      backend: 'metal',
      pools: [192],
      limit: 'metal-working-set',
      fits: 'heavy',
      recommends: ['heavy', 'full-gpu'],
    },
  },
  {
    name: 'Intel Mac with a Radeon Pro 560X: there is no engine for its cards',
    seen: [issue('sebhildebrandt/systeminformation', 348)],
    raw: machine(16, 10, {
      graphics: [
        { ...card('Intel', 'Intel UHD Graphics 630', 1.5, true), bus: 'Built-In' },
        { ...card('AMD', 'Radeon Pro 560X', 4), bus: 'PCIe' },
      ],
      os: { ...mac, arch: 'x64' },
    }),
    expected: {
      gpus: [
        { name: /UHD/, kind: 'integrated', shared: true, backends: [] },
        { name: /560X/, kind: 'discrete', shared: false, backends: [], vramGiB: 4 },
      ],
      backend: 'cpu',
      pools: [16],
      fits: 'medium',
      recommends: ['light', 'cpu'],
    },
  },
  {
    name: 'DGX Spark: nvidia-smi says [N/A] for unified memory, which is RAM and has no limit of its own',
    seen: [issue('marimo-team/marimo', 6822), issue('leptonai/gpud', 1170), issue('XuehaiPan/nvitop', 208)],
    raw: machine(121.7, 113, {
      nvidiaSmi: smi(),
      probes: [probe('cuda', ['NVIDIA GB10', 128_501_256_192 / GiB, 112]), probe('cpu')],
      cpu: { name: 'ARM Cortex-X925', physicalCores: 20, logicalCores: 20, usableCores: 20, features: ['neon', 'sve'] },
      os: { platform: 'linux', name: 'Ubuntu', release: '24.04', arch: 'arm64' },
    }),
    expected: {
      gpus: [{ name: /GB10/, kind: 'unified', shared: true, backends: ['cuda'] }],
      backend: 'cuda',
      pools: [121.7],
      fits: 'heavy',
      recommends: ['medium', 'full-gpu'],
    },
  },
  {
    name: 'a MIG slice of an A100: nvidia-smi lists the whole card, which is the same one',
    seen: [issue('ollama/ollama', 2264)],
    raw: machine(125, 110, {
      nvidiaSmi: smi(['NVIDIA A100-SXM4-80GB', 81_920, 80_000]),
      probes: [probe('cuda', ['NVIDIA A100-SXM4-80GB MIG 3g.40gb', 39.5, 39.1]), probe('cpu')],
    }),
    expected: {
      gpus: [{ name: /MIG/, kind: 'discrete', shared: false, backends: ['cuda'], vramGiB: 39.5 }],
      backend: 'cuda',
      pools: [39.5, 125],
      fits: 'heavy',
      recommends: ['medium', 'full-gpu'],
    },
  },
  {
    name: 'WSL2: CUDA and the Dozen driver name one card differently, and a rasteriser stands beside it',
    seen: [issue('nomic-ai/gpt4all', 1907), issue('gnsmrky/wsl-vulkan-mesa', 9)],
    raw: machine(15.5, 13, {
      graphics: [card('Microsoft Corporation', 'Basic Render Driver', null)],
      nvidiaSmi: smi(['NVIDIA GeForce RTX 3080 Laptop GPU', 16_384, 15_800]),
      probes: [
        probe('cuda', ['NVIDIA GeForce RTX 3080 Laptop GPU', 16, 14.9]),
        probe(
          'vulkan',
          ['Microsoft Direct3D12 (NVIDIA GeForce RTX 3080 Laptop GPU)', 15.8, 15.8],
          ['llvmpipe (LLVM 15.0.7, 256 bits)', 15.5, 15.5],
        ),
        probe('cpu'),
      ],
    }),
    expected: {
      gpus: [
        { name: /^NVIDIA GeForce RTX 3080 Laptop GPU$/, kind: 'discrete', shared: false, backends: ['cuda', 'vulkan'], vramGiB: 16 },
        { name: /llvmpipe/, kind: 'software', shared: true, backends: ['vulkan'] },
      ],
      backend: 'cuda',
      pools: [16, 15.5],
      fits: 'medium',
      recommends: ['medium', 'full-gpu'],
    },
  },
  {
    name: 'remote desktop: its display adapter is no GPU, the cards behind it are',
    seen: [issue('builtbybel/ReadySunValley', 31), issue('strongtz/i915-sriov-dkms', 316)],
    raw: machine(31.8, 22, {
      graphics: [
        card('Microsoft', 'Microsoft Remote Display Adapter', null, true),
        card('Intel Corporation', 'Intel(R) UHD Graphics 630', 1, true),
        card('NVIDIA', 'NVIDIA GeForce RTX 2060', 6),
      ],
      nvidiaSmi: smi(['NVIDIA GeForce RTX 2060', 6144, 5700]),
      probes: [probe('cuda', ['NVIDIA GeForce RTX 2060', 6, 5.1]), probe('cpu')],
      os: windows,
    }),
    expected: {
      gpus: [
        { name: /2060/, kind: 'discrete', shared: false, backends: ['cuda'], vramGiB: 6 },
        { name: /UHD/, kind: 'integrated', shared: true, backends: [] },
      ],
      backend: 'cuda',
      pools: [6, 31.8],
      fits: 'medium',
      recommends: ['light', 'partial-gpu'],
    },
  },
  {
    name: 'RX 5700 on Windows: "4095 MB, dynamic" is 8 GB of its own',
    seen: [issue('sebhildebrandt/systeminformation', 461)],
    raw: machine(15.9, 10, {
      graphics: [card('Advanced Micro Devices, Inc.', 'AMD Radeon RX 5700', null, true)],
      probes: [probe('vulkan', ['AMD Radeon RX 5700', 7.98, 7.2]), probe('cpu')],
      os: windows,
    }),
    expected: {
      gpus: [{ name: /RX 5700/, kind: 'discrete', shared: false, backends: ['vulkan'], vramGiB: 7.98 }],
      backend: 'vulkan',
      pools: [7.98, 15.9],
      fits: 'medium',
      recommends: ['light', 'full-gpu'],
    },
  },
  {
    name: 'two GTX 1080 Ti on Windows, both "4095 MB, dynamic"',
    seen: [issue('sebhildebrandt/systeminformation', 344)],
    raw: machine(31.9, 24, {
      graphics: [card('NVIDIA', 'NVIDIA GeForce GTX 1080 Ti', null, true), card('NVIDIA', 'NVIDIA GeForce GTX 1080 Ti', null, true)],
      nvidiaSmi: { state: 'missing', detail: 'nvidia-smi is not installed' },
      probes: [probe('cuda', ['NVIDIA GeForce GTX 1080 Ti', 11, 10.1], ['NVIDIA GeForce GTX 1080 Ti', 11, 9.2]), probe('cpu')],
      os: windows,
    }),
    expected: {
      gpus: [
        { name: /1080 Ti/, kind: 'discrete', shared: false, backends: ['cuda'], vramGiB: 11 },
        { name: /1080 Ti/, kind: 'discrete', shared: false, backends: ['cuda'], vramGiB: 11 },
      ],
      backend: 'cuda',
      pools: [11, 11, 31.9],
      fits: 'heavy',
      recommends: ['medium', 'full-gpu'],
    },
  },
  {
    name: 'laptop, GTX 1650 4 GB and UHD Graphics, Windows',
    seen: [issue('sebhildebrandt/systeminformation', 790)],
    raw: machine(15.8, 9, {
      graphics: [card('Intel Corporation', 'Intel(R) UHD Graphics', 1, true), card('NVIDIA', 'NVIDIA GeForce GTX 1650', 4)],
      nvidiaSmi: smi(['NVIDIA GeForce GTX 1650', 4096, 3962]),
      probes: [
        probe('cuda', ['NVIDIA GeForce GTX 1650', 4, 3.3]),
        probe('vulkan', ['Intel(R) UHD Graphics', 7.9, 7.1], ['NVIDIA GeForce GTX 1650', 3.9, 3.7]),
        probe('cpu'),
      ],
      os: windows,
    }),
    expected: {
      gpus: [
        { name: /1650/, kind: 'discrete', shared: false, backends: ['cuda', 'vulkan'], vramGiB: 4 },
        { name: /UHD/, kind: 'integrated', shared: true, backends: ['vulkan'] },
      ],
      backend: 'cuda',
      pools: [4, 15.8],
      fits: 'medium',
      recommends: ['light', 'partial-gpu'],
    },
  },
  {
    name: 'RX 9060 XT on a Raspberry Pi 5: Mesa does not know its name, which makes it no integrated one',
    seen: [issue('geerlingguy/raspberry-pi-pcie-devices', 741)],
    raw: machine(15.8, 14, {
      graphics: [card('Advanced Micro Devices, Inc. [AMD/ATI]', 'Navi 44 [Radeon RX 9060 XT]', 8)],
      probes: [probe('vulkan', ['AMD Radeon Graphics (RADV GFX1200)', 15.92, 15.8], ['V3D 7.1.7.0', 4, 4]), probe('cpu')],
      cpu: { name: 'Broadcom BCM2712', physicalCores: 4, logicalCores: 4, usableCores: 4, features: ['neon'] },
      os: { platform: 'linux', name: 'Debian GNU/Linux', release: '13', arch: 'arm64' },
    }),
    expected: {
      gpus: [
        { name: /^Radeon RX 9060 XT$/, kind: 'discrete', shared: false, backends: ['vulkan'], vramGiB: 15.92 },
        { name: /V3D/, kind: 'integrated', shared: true, backends: ['vulkan'] },
      ],
      backend: 'vulkan',
      pools: [15.92, 15.8],
      fits: 'medium',
      recommends: ['medium', 'full-gpu'],
    },
  },
  {
    name: 'RX 7900 XTX that the PCI list is too old for: "Device 744c" with a window of 32 GB is that card',
    seen: [issue('sebhildebrandt/systeminformation', 1035), issue('ggml-org/llama.cpp', 18_317)],
    raw: machine(62, 50, {
      graphics: [
        card('Advanced Micro Devices, Inc. [AMD/ATI]', 'Device 744c', 32),
        card('Advanced Micro Devices, Inc. [AMD/ATI]', 'Device 164e', 0.25),
      ],
      probes: [probe('vulkan', ['Radeon RX 7900 XTX (RADV NAVI31)', 23.98, 23.1]), probe('cpu')],
    }),
    expected: {
      gpus: [
        { name: /7900 XTX/, kind: 'discrete', shared: false, backends: ['vulkan'], vramGiB: 23.98 },
        { name: /164e/, kind: 'integrated', shared: true, backends: [] },
      ],
      backend: 'vulkan',
      pools: [23.98, 62],
      fits: 'heavy',
      recommends: ['medium', 'full-gpu'],
    },
  },
  {
    name: 'Ryzen AI 9 HX 370 with 48 GB carved out: Vulkan adds 43 GB of RAM to them, which are counted once',
    seen: [issue('ROCm/legacy-rocm-build', 6050)],
    raw: machine(46.8, 40, {
      graphics: [card('Advanced Micro Devices, Inc. [AMD/ATI]', 'Strix [Radeon 880M / 890M]', 48)],
      probes: [probe('vulkan', ['AMD Radeon 890M Graphics (RADV GFX1150)', 91, 90]), probe('cpu')],
      cpu: { name: 'AMD Ryzen AI 9 HX 370', physicalCores: 12, logicalCores: 24, usableCores: 12, features: ['avx512f'] },
    }),
    expected: {
      gpus: [{ name: /890M/, kind: 'integrated', shared: false, backends: ['vulkan'], vramGiB: 48 }],
      backend: 'vulkan',
      pools: [48, 46.8],
      fits: 'heavy',
      recommends: ['medium', 'full-gpu'],
    },
  },
  {
    name: 'Strix Halo 128 GB with GTT of nearly all: 84 GiB of it are lent to Vulkan',
    seen: [issue('kyuz0/amd-strix-halo-toolboxes', 7), issue('noamsto/nix-amd-ai', 42)],
    raw: machine(124.9, 117, {
      graphics: [
        card('Advanced Micro Devices, Inc. [AMD/ATI]', 'Strix Halo [Radeon Graphics / Radeon 8050S Graphics / Radeon 8060S Graphics]', 4),
      ],
      probes: [probe('vulkan', ['Radeon 8060S Graphics', 85_716 / 1024, 81_430 / 1024]), probe('cpu')],
      cpu: { name: 'AMD RYZEN AI MAX+ 395', physicalCores: 16, logicalCores: 32, usableCores: 16, features: ['avx512f'] },
    }),
    expected: {
      gpus: [{ name: /8060S/, kind: 'integrated', shared: true, backends: ['vulkan'] }],
      backend: 'vulkan',
      pools: [124.9],
      limit: 'gtt',
      fits: 'heavy',
      recommends: ['heavy', 'full-gpu'],
    },
  },
  {
    name: 'Strix Halo on Windows, 64 GB carved out, called dynamic',
    seen: [issue('ggml-org/llama.cpp', 16_832)],
    raw: machine(63.6, 50, {
      graphics: [card('Advanced Micro Devices, Inc.', 'AMD Radeon(TM) 8060S Graphics', 64, true)],
      probes: [probe('vulkan', ['AMD Radeon(TM) 8060S Graphics', 64, 60.8]), probe('cpu')],
      os: windows,
    }),
    expected: {
      gpus: [{ name: /8060S/, kind: 'integrated', shared: false, backends: ['vulkan'], vramGiB: 64 }],
      backend: 'vulkan',
      pools: [64, 63.6],
      fits: 'heavy',
      recommends: ['heavy', 'full-gpu'],
    },
  },
  {
    name: 'Strix Halo 32 GB on Windows with automatic allocation: Vulkan sees no memory, so the CPU runs it',
    seen: [issue('ggml-org/llama.cpp', 26_089)],
    raw: machine(31.1, 20, {
      graphics: [card('Advanced Micro Devices, Inc.', 'AMD Radeon(TM) 8060S Graphics', 0.5, true)],
      probes: [probe('vulkan', ['AMD Radeon(TM) 8060S Graphics', 0, 0]), probe('cpu')],
      os: windows,
    }),
    expected: {
      gpus: [{ name: /8060S/, kind: 'integrated', shared: true, backends: ['vulkan'], vramGiB: null }],
      backend: 'cpu',
      pools: [31.1],
      fits: 'medium',
      recommends: ['light', 'cpu'],
    },
  },
  {
    name: 'Intel Iris Plus laptop, 16 GB, Windows: half of RAM is lent, none of it is more memory',
    seen: [issue('withcatai/node-llama-cpp', 304)],
    raw: machine(15.8, 9.5, {
      graphics: [card('Intel Corporation', 'Intel(R) Iris(R) Plus Graphics', 1, true)],
      probes: [probe('vulkan', ['Intel(R) Iris(R) Plus Graphics', 7.91, 7.91]), probe('cpu')],
      os: windows,
    }),
    expected: {
      gpus: [{ name: /Iris/, kind: 'integrated', shared: true, backends: ['vulkan'] }],
      backend: 'vulkan',
      pools: [15.8],
      limit: 'windows-shared',
      fits: 'medium',
      recommends: ['light', 'full-gpu'],
    },
  },
  {
    name: 'RTX 3060 beside an RX 6600: CUDA runs on its own card, the other is left alone',
    seen: [],
    raw: machine(32, 24, {
      graphics: [
        card('NVIDIA Corporation', 'GA106 [GeForce RTX 3060]', 16),
        card('Advanced Micro Devices, Inc. [AMD/ATI]', 'Navi 23 [Radeon RX 6600/6600 XT/6600M]', 8),
      ],
      nvidiaSmi: smi(['NVIDIA GeForce RTX 3060', 12_288, 11_900]),
      probes: [
        probe('cuda', ['NVIDIA GeForce RTX 3060', 11.8, 11.5]),
        probe('vulkan', ['NVIDIA GeForce RTX 3060', 12, 12], ['AMD Radeon RX 6600 (RADV NAVI23)', 7.98, 7.5]),
        probe('cpu'),
      ],
    }),
    expected: {
      gpus: [
        { name: /3060/, kind: 'discrete', shared: false, backends: ['cuda', 'vulkan'], vramGiB: 11.8 },
        { name: /6600/, kind: 'discrete', shared: false, backends: ['vulkan'], vramGiB: 7.98 },
      ],
      backend: 'cuda',
      pools: [11.8, 32],
      fits: 'medium',
      recommends: ['medium', 'partial-gpu'],
    },
  },
  {
    name: 'RTX 3060 with the open NVK driver: no nvidia-smi, no CUDA, Vulkan works',
    seen: [],
    raw: machine(32, 26, {
      graphics: [card('NVIDIA Corporation', 'GA106 [GeForce RTX 3060]', 16)],
      probes: [probe('vulkan', ['NVIDIA GeForce RTX 3060 (NVK GA106)', 12, 11.6]), probe('cpu')],
    }),
    expected: {
      gpus: [{ name: /^NVIDIA GeForce RTX 3060$/, kind: 'discrete', shared: false, backends: ['vulkan'], vramGiB: 12 }],
      backend: 'vulkan',
      pools: [12, 32],
      fits: 'medium',
      recommends: ['medium', 'partial-gpu'],
    },
  },
]
