export { PlannerPage } from './PlannerPage'
