// Reports what a reader downloads, gzipped, and fails when the first view outgrows its budget.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const FIRST_VIEW_KB_MAX = 70; // what index.html loads before any page, with the start page
const dist = new URL('../dist/', import.meta.url);
const kb = (bytes) => (bytes / 1000).toFixed(1).padStart(7);
const sizeOf = (path) => gzipSync(readFileSync(new URL(path, dist)), { level: 9 }).length;

const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((path) => /\.(js|css|html|svg)$/.test(path));
let total = 0;
for (const path of files.sort()) {
  total += sizeOf(path);
  console.log(`${kb(sizeOf(path))} kB  ${path}`);
}

// Everything reachable by static imports from the entry and from one lazy page.
function closure(start, seen = new Set()) {
  if (seen.has(start)) return seen;
  seen.add(start);
  const text = readFileSync(new URL(`assets/${start}`, dist), 'utf8');
  for (const [, name] of text.matchAll(/(?:from|import)\s*["']\.\/([^"']+)["']/g)) closure(name, seen);
  return seen;
}
const index = readFileSync(new URL('index.html', dist), 'utf8');
const entry = index.match(/src="\/assets\/(index-[^"]+\.js)"/)[1];
const scripts = files.filter((path) => path.startsWith('assets/')).map((path) => path.slice('assets/'.length));
const styles = [...index.matchAll(/href="\/(assets\/[^"]+\.css)"/g)].map(([, path]) => path);
let failed = false;
console.log(`${kb(total)} kB  everything`);
for (const page of ['Home', 'Orders', 'Order', 'Network']) {
  const script = scripts.find((name) => new RegExp(`^${page}-.*\\.js$`).test(name));
  const seen = closure(script, closure(entry));
  const bytes = [...seen].reduce((sum, name) => sum + sizeOf(`assets/${name}`), 0) + styles.reduce((sum, path) => sum + sizeOf(path), 0);
  console.log(`${kb(bytes)} kB  scripts and base styles of the first view of ${page}`);
  failed ||= bytes > FIRST_VIEW_KB_MAX * 1000;
}
if (failed) {
  console.error(`a first view is over its budget of ${FIRST_VIEW_KB_MAX} kB`);
  process.exit(1);
}
