// Light, dark, or whatever the system says. public/theme.js applies a remembered choice before first paint.

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const STORAGE_KEY = 'hanse.theme';

function remembered(): Theme {
  try {
    return THEMES.find((theme) => theme === localStorage.getItem(STORAGE_KEY)) ?? 'system';
  } catch {
    return 'system';
  }
}

let theme = $state<Theme>(remembered());

export const appearance = {
  get theme(): Theme {
    return theme;
  },
  /** On to the next: system, light, dark, and round again. */
  cycle(): void {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
    try {
      localStorage.setItem(STORAGE_KEY, theme);
    } catch {
      // Storage may be forbidden; then the choice lasts as long as the page.
    }
  },
};
