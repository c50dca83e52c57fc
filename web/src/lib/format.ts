// Numbers, sizes and times as people read them.

export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  while (bytes >= 999.5 && unit < units.length - 1) {
    bytes /= 1000
    unit++
  }
  return `${unit === 0 || bytes >= 10 ? Math.round(bytes) : bytes.toFixed(1)} ${units[unit]}`
}

export function count(n: number): string {
  if (n < 1000) return String(n)
  const [scale, unit] = n < 1e6 ? [1e3, 'k'] : n < 1e9 ? [1e6, 'M'] : [1e9, 'B']
  const value = n / (scale as number)
  return `${value >= 100 ? Math.round(value) : value.toFixed(value >= 10 ? 0 : 1)}${unit}`
}

export function ago(iso: string): string {
  const seconds = (Date.now() - Date.parse(iso)) / 1000
  const steps: [number, Intl.RelativeTimeFormatUnit][] = [
    [60, 'second'],
    [3600, 'minute'],
    [86400, 'hour'],
    [86400 * 30, 'day'],
    [86400 * 365, 'month'],
    [Infinity, 'year'],
  ]
  const format = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
  let unit_s = 1
  for (const [limit, unit] of steps) {
    if (seconds < limit) return seconds < 45 ? 'just now' : format.format(-Math.round(seconds / unit_s), unit)
    unit_s = limit
  }
  return iso
}
