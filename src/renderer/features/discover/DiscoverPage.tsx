export function DiscoverPage() {
  return <div className="page" />
}
