const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']
const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

const pad = (value: number, width = 2): string => String(value).padStart(width, '0')
const dayOfYear = (date: Date): number =>
  Math.round((Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - Date.UTC(date.getFullYear(), 0, 1)) / 86_400_000) + 1

/** Python's strftime in the C locale: local day, English names, whatever the user's language is. Unknown codes stay as written. */
export function strftime(date: Date, format: string): string {
  const hour12 = date.getHours() % 12 || 12
  const month = months[date.getMonth()] ?? ''
  const day = days[date.getDay()] ?? ''
  const codes: Record<string, string> = {
    Y: String(date.getFullYear()),
    y: pad(date.getFullYear() % 100),
    m: pad(date.getMonth() + 1),
    d: pad(date.getDate()),
    e: String(date.getDate()).padStart(2),
    B: month,
    b: month.slice(0, 3),
    h: month.slice(0, 3),
    A: day,
    a: day.slice(0, 3),
    H: pad(date.getHours()),
    I: pad(hour12),
    M: pad(date.getMinutes()),
    S: pad(date.getSeconds()),
    p: date.getHours() < 12 ? 'AM' : 'PM',
    j: pad(dayOfYear(date), 3),
    w: String(date.getDay()),
    F: `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`,
    T: `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`,
    n: '\n',
    t: '\t',
    '%': '%',
  }
  // glibc's `%-d` leaves the padding out
  return format.replace(/%(-?)([A-Za-z%])/g, (whole, dash: string, code: string) => {
    const text = codes[code]
    if (text === undefined) return whole
    return dash === '' ? text : text.replace(/^[0 ]+(?=.)/, '')
  })
}
