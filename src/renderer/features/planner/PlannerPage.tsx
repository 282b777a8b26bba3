export function PlannerPage() {
  return <div className="page" />
}
