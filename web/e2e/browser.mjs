// What the walks through the page share: a browser, steps that are counted, screenshots, and what every
// page must hold to.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Options that every walk has. */
export const BROWSER_OPTIONS = {
  url: { type: 'string', default: 'http://localhost:8080' },
  shots: { type: 'string' },
  chromium: { type: 'string', default: '/usr/bin/chromium' },
};

export class Walk {
  passed = 0;
  failed = 0;
  problems = [];

  static async begin({ url, shots, chromium: executablePath }) {
    if (shots) mkdirSync(shots, { recursive: true });
    const walk = new Walk();
    walk.base = url.replace(/\/$/, '');
    walk.shots = shots;
    walk.browser = await chromium.launch({ executablePath, headless: true, args: ['--no-sandbox'] });
    return walk;
  }

  // --- what the node says, asked before the browser looks at it ---
  rpc = async (method, params = []) => {
    const response = await fetch(`${this.base}/rpc`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) });
    const { result, error } = await response.json();
    assert.ok(!error, `${method}: ${error?.message}`);
    return result;
  };

  get = async (path) => {
    const response = await fetch(this.base + path);
    assert.ok(response.ok, `${path} answered ${response.status}`);
    return response.json();
  };

  open = async ({ width = 1280, height: tall = 860, language = 'en', scheme = 'light', motion = 'reduce' } = {}) => {
    const context = await this.browser.newContext({ viewport: { width, height: tall }, locale: language, colorScheme: scheme, reducedMotion: motion, deviceScaleFactor: width < 500 ? 2 : 1 });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.problems.push(`${page.url()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.problems.push(`${page.url()}: ${error}`));
    return page;
  };

  step = async (name, work) => {
    const start = Date.now();
    this.problems.length = 0;
    try {
      await work();
      assert.deepEqual(this.problems, [], 'the console shows errors');
      this.passed += 1;
      console.log(`ok    ${name} (${Date.now() - start} ms)`);
    } catch (error) {
      this.failed += 1;
      console.log(`FAIL  ${name}\n      ${String(error.message ?? error).split('\n').join('\n      ')}`);
    }
  };

  /** Takes back what the browser itself reports about answers that a step asked for. */
  expect = (pattern) => {
    this.problems = this.problems.filter((problem) => !pattern.test(problem));
  };

  shot = async (page, name, fullPage = false) => {
    if (!this.shots) return;
    if (fullPage) await page.evaluate(() => globalThis.scrollTo(0, 0)); // the header stays at the top of the window
    await page.screenshot({ path: join(this.shots, `${name}.png`), fullPage });
  };

  heading = (page) => page.locator('main h1').first().innerText();

  /** Leaves nothing loading. */
  settle = async (page) => {
    await page.waitForFunction(() => !document.querySelector('.skeleton') && document.querySelector('main h1, main .notice'));
    await page.waitForTimeout(350);
  };

  /** Asks axe about WCAG A and AA, contrast included. */
  accessible = async (page) => {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }));
    assert.deepEqual(violations.map((found) => `${found.id}: ${found.nodes.slice(0, 3).map((node) => `${node.target} ${node.any[0]?.message ?? ''}`).join(' | ')}`), []);
  };

  fits = async (page) => {
    const { scroll, client } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, client: document.documentElement.clientWidth }));
    assert.ok(scroll <= client, `the page is ${scroll} px wide on a ${client} px screen`);
  };

  /** Ends the process with the outcome. */
  end = async () => {
    await this.browser.close();
    console.log(`e2e: ${this.passed} passed, ${this.failed} failed`);
    process.exit(this.failed === 0 ? 0 : 1);
  };
}
