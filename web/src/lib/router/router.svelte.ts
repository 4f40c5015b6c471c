// The browser's address, as state. Links are ordinary <a href>; this catches the plain clicks.

import { href, parse, type Route } from './routes';

let route = $state.raw<Route>(parse(location.href));

export const router = {
  get route(): Route {
    return route;
  },
};

function show(): void {
  route = parse(location.href);
}

export function navigate(target: Route | string, options: { replace?: boolean } = {}): void {
  const path = typeof target === 'string' ? target : href(target);
  if (path === location.pathname + location.search) return;
  if (options.replace) history.replaceState(null, '', path);
  else history.pushState(null, '', path);
  show();
  if (!options.replace) scrollTo({ top: 0, behavior: 'instant' });
}

function onClick(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest('a');
  if (!link || link.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return;
  if (link.hash !== '' && link.pathname === location.pathname) return; // within the page
  event.preventDefault();
  navigate(link.pathname + link.search);
}

export function startRouter(): void {
  addEventListener('popstate', show);
  document.addEventListener('click', onClick);
}
