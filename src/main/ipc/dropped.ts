/** Paths that were really dropped, kept in main until the page hands its ticket in. */
export class DroppedFiles {
  readonly #tickets = new Map<string, string[]>()

  put(ticket: string, paths: string[]): void {
    // Tickets that nobody takes must not pile up.
    if (this.#tickets.size >= 16) this.#tickets.delete(this.#tickets.keys().next().value ?? '')
    this.#tickets.set(ticket, paths)
  }

  take(ticket: string): string[] {
    const paths = this.#tickets.get(ticket) ?? []
    this.#tickets.delete(ticket)
    return paths
  }
}
