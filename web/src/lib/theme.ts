// The colour theme: the system's unless the reader chose one. The choice is a cookie, so that the server paints the
// first frame in it.
export const themes = ['auto', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

export function currentTheme(): Theme {
  const chosen = document.documentElement.dataset.theme
  return chosen === 'light' || chosen === 'dark' ? chosen : 'auto'
}

export function chooseTheme(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  document.cookie = `theme=${theme}; path=/; max-age=${theme === 'auto' ? 0 : 31536000}; samesite=lax`
}
