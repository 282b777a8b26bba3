import type { ErrorCode } from '../../errors'

/** What happened, and what to do next. A code without words does not compile. */
export const errors: Record<ErrorCode, { title: string; action: string }> = {
  'model/not-found': { title: 'This model file is not there any more', action: 'Put the file back, or remove the row from the library.' },
  'model/corrupt-file': { title: 'This file is damaged or not a GGUF model', action: 'Download it again, or choose another file.' },
  'model/unsupported': {
    title: 'This model cannot be run by this version of Snug',
    action: 'Choose another model, or look for a newer version of Snug.',
  },
  'model/not-loaded': { title: 'No model is loaded', action: 'Choose a model first.' },
  'model/file-changed': { title: 'The model file changed on disk', action: 'Load the model again.' },
  'fit/impossible': {
    title: 'This configuration cannot run',
    action: 'Choose a shorter context, another cache type or a smaller quantization.',
  },
  'engine/crashed': { title: 'The engine stopped unexpectedly', action: 'What was written is kept. Send again: the engine starts anew.' },
  'engine/stalled': { title: 'The engine stopped answering', action: 'What was written is kept. Send again: the engine starts anew.' },
  'engine/out-of-memory': {
    title: 'There is not enough memory',
    action: 'Close other programs, or choose a shorter context or a smaller quantization.',
  },
  'engine/load-failed': {
    title: 'The model could not be loaded',
    action: 'Try a shorter context or the CPU, or see the logs for the reason.',
  },
  'engine/busy': { title: 'The engine is busy', action: 'Wait for the current work to end, or stop it.' },
  'engine/unavailable': {
    title: 'The engine crashed several times',
    action: 'Snug no longer restarts it by itself. Try again, or choose another model.',
  },
  'template/failed': {
    title: 'The chat template of this model refuses these messages',
    action: 'Change a role or edit a turn, or choose another version of the model.',
  },
  'template/too-slow': {
    title: 'The chat template of this model takes too long',
    action: 'Choose another version of the model; this template may be harmful.',
  },
  'chat/not-found': { title: 'This conversation is not there any more', action: 'Choose another conversation.' },
  'chat/context-too-small': {
    title: 'The message is longer than the context',
    action: 'Shorten it, or load the model with a longer context.',
  },
  'chat/busy': { title: 'This conversation is still being answered', action: 'Stop the answer first, or wait for its end.' },
  'hub/not-found': { title: 'The hub does not have this', action: 'Check the name of the repository and the file.' },
  'hub/gated': {
    title: 'This model needs an agreement with its maker',
    action:
      'Accept the terms on the model’s page, then give Snug an access token of that account: in the settings, or as HF_TOKEN on the command line.',
  },
  'hub/token-refused': {
    title: 'The hub does not accept your access token',
    action: 'It may have expired or been revoked. Replace or remove it in the settings, or correct HF_TOKEN.',
  },
  'hub/unreachable': { title: 'The hub does not answer', action: 'Check the connection, or choose another address in the settings.' },
  'hub/bad-answer': {
    title: 'The hub gave an answer that makes no sense',
    action: 'Try again later, or choose another address in the settings.',
  },
  'hub/bad-address': {
    title: 'This is no address of a hub',
    action: 'Write it like https://hf-mirror.com: in the settings, or in HF_ENDPOINT or MODELSCOPE_DOMAIN where it comes from there.',
  },
  'hub/rate-limited': { title: 'The hub asks to wait', action: 'Try again in a few minutes.' },
  'catalog/no-address': {
    title: 'Snug does not know where a newer catalogue lies',
    action: 'The project has no place of its own for it: give the address of a catalogue (JSON), such as https://example.org/catalog.json.',
  },
  'catalog/refused': {
    title: 'What lies there is no catalogue that Snug can use',
    action: 'Nothing was changed. Check the address; a newer Snug may be needed for it.',
  },
  'catalog/older': { title: 'The catalogue there is older than this one', action: 'Nothing was changed.' },
  'download/disk-full': { title: 'The disk is full', action: 'Make room on the disk, then resume the download.' },
  'download/hash-mismatch': {
    title: 'The file that arrived is not the right one',
    action: 'It was set aside and is not used. Download it again.',
  },
  'download/changed': { title: 'The file changed at the hub while it was being downloaded', action: 'Start the download again.' },
  'download/not-found': { title: 'This download is not there any more', action: 'Start it again.' },
  'download/busy': {
    title: 'This file is already being downloaded',
    action: 'Wait until the other download has ended; in the window this one then goes on by itself.',
  },
  'file/unsafe-name': { title: 'This file name is not allowed', action: 'Choose another file.' },
  'file/not-permitted': { title: 'Snug may not read or write there', action: 'Check the permissions, or choose another folder.' },
  'file/exists': { title: 'A file of that name is there already', action: 'Choose another folder, or rename that file.' },
  'network/offline': { title: 'Snug is set to offline', action: 'Switch offline off in the settings to reach the network.' },
  'network/certificate': {
    title: 'The certificate of the connection is not accepted',
    action: 'Ask whoever runs the network, or choose another address in the settings.',
  },
  'network/proxy-kind': {
    title: 'Snug cannot use a proxy of this kind',
    action: 'Set HTTPS_PROXY to an HTTP, HTTPS or SOCKS5 proxy, such as http://127.0.0.1:8080, and start Snug again.',
  },
  'db/from-future': {
    title: 'These chats were saved by a newer Snug',
    action: 'Install that version or a newer one; nothing was changed.',
  },
  'db/damaged': {
    title: 'The chat file is damaged',
    action: 'The damaged file was kept beside a fresh or restored one; see the data folder.',
  },
  'db/disk-full': { title: 'The disk is full: this was not saved', action: 'Make room on the disk, then send it again.' },
  'db/busy': { title: 'Another program holds the chat file', action: 'Close the other Snug, then try again.' },
  'usage/invalid': { title: 'That is not possible', action: 'Check what was given.' },
  'copy/too-big': {
    title: 'It does not fit here, so it was not loaded',
    action: 'Try a smaller quantization or a shorter context. If a model is loaded, unload it first.',
  },
  'calibration/not-now': {
    title: 'The speed cannot be measured now',
    action: 'It needs mains power, 2 GB of free memory and 2 GB of free disk.',
  },
  cancelled: { title: 'Cancelled', action: '' },
  'internal/bug': { title: 'Something went wrong in Snug itself', action: 'Try again; the logs have the details.' },
}
