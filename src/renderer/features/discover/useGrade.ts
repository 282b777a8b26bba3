import type { UseCase } from '@shared/domain/catalog'
import type { FitReport } from '@shared/domain/fit'
import { type SpeedGrade, needsOf, speedGrade } from '@shared/domain/recommend'
import { settingsLive, useLive } from '../../lib/live'

/** The grade of any file for a use, as the catalogue's rows have it from main. */
export function useGrade(use: UseCase): (fit: FitReport) => SpeedGrade {
  const own = useLive(settingsLive)?.useNeeds
  return ({ verdict, speed }) => speedGrade(verdict, speed, needsOf(use, own))
}
