import type { FitReport } from '@shared/domain/fit'
import type { LibraryModel, ModelUpdate } from '@shared/domain/library'
import { size } from '../../lib/format'
import { useMessages } from '../../lib/i18n'
import { type Offer, saidOf } from '../../lib/offer'
import { Button, ErrorNotice, Note } from '../../ui'
import { useObtain } from '../obtain'

interface NoteProps {
  model: LibraryModel
  update: ModelUpdate
  /** Of the file that is here: the new one's header is asked whether that still holds. */
  fit: FitReport | null
}

/** Another file of that name at the hub, got as Discover gets one. */
export function UpdateNote({ model, update, fit }: NoteProps) {
  const { library, discover } = useMessages()
  const { download, error, asking, tooBig } = useObtain()
  const { repository, file, sizeBytes } = update
  const offer: Offer = {
    name: model.name,
    quantization: model.quantization,
    repository,
    file,
    sizeBytes,
    sizeIsExact: true,
    demonstration: false,
    ...(fit === null ? {} : { said: saidOf(fit) }),
  }
  return (
    <>
      <Note>
        <span className="grow">{library.care.updateHere({ repository, size: size(sizeBytes) })}</span>
        <Button size="s" disabled={asking} onClick={() => download(offer, false)}>
          {library.care.download}
        </Button>
      </Note>
      {tooBig !== null && <Note tone="warn">{discover.exactTooBig({ takes: size(tooBig.totalBytes) })}</Note>}
      {error !== null && <ErrorNotice error={error} />}
    </>
  )
}
