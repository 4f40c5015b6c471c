// One clock for every "3 seconds ago" on the page.

let now = $state(Date.now() / 1000);

setInterval(() => {
  if (!document.hidden) now = Date.now() / 1000;
}, 1000);

export const clock = {
  /** Unix seconds. */
  get now(): number {
    return now;
  },
};
