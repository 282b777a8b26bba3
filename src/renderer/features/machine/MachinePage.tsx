export function MachinePage() {
  return <div className="page" />
}
