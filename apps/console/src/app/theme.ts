export type Theme = 'light' | 'dark' | 'system';
export type Density = 'comfortable' | 'compact';

export function chosenTheme(): Theme {
  const theme = localStorage.getItem('theme');
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

export function chooseTheme(theme: Theme): void {
  localStorage.setItem('theme', theme);
  applyTheme();
}

export function chosenDensity(): Density {
  return localStorage.getItem('density') === 'compact' ? 'compact' : 'comfortable';
}

export function chooseDensity(density: Density): void {
  localStorage.setItem('density', density);
  applyTheme();
}

/** Sets the chosen theme and density on the page. */
export function applyTheme(): void {
  const { dataset } = document.documentElement;
  const theme = chosenTheme();
  if (theme === 'system') delete dataset.theme;
  else dataset.theme = theme;
  dataset.density = chosenDensity();
}
