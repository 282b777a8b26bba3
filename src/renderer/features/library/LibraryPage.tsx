export function LibraryPage() {
  return <div className="page" />
}
