import { mount } from 'svelte';
import App from './App.svelte';
import { preferredLanguage, setLanguage } from './lib/i18n/i18n.svelte';
import { startRouter } from './lib/router/router.svelte';
import { startLive } from './lib/store/live.svelte';
import { loadNetwork } from './lib/store/network.svelte';
import './styles/tokens.css';
import './styles/base.css';

async function start(): Promise<void> {
  // The first words on the screen are already in the reader's language.
  await setLanguage(preferredLanguage()).catch(() => setLanguage('en'));
  startRouter();
  startLive();
  void loadNetwork();
  const target = document.getElementById('app');
  if (target === null) throw new Error('index.html has no #app');
  mount(App, { target });
}

void start();
