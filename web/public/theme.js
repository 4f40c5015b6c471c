// Runs before the first paint, so a remembered theme does not flash the other one. The page's own
// code (src/lib/store/theme.svelte.ts) takes over from here; both use the same key and attribute.
try {
  const theme = localStorage.getItem('hanse.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's theme is fine then.
}
