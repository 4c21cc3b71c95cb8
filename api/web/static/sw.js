// Keeps the help page on the device, so that the lines are there without a connection. Keeps nothing else, nobody's words.
const KEPT = "help";

async function keep() {
  const cache = await caches.open(KEPT);
  const page = await fetch("/help");
  const html = await page.clone().text();
  await cache.put("/help", page);
  await cache.addAll([...html.matchAll(/(?:href|src)="(\/static\/[^"]+)"/g)].map(([, address]) => address));
}

async function open(request) {
  const cache = await caches.open(KEPT);
  try {
    const page = await fetch(request);
    if (page.ok && new URL(request.url).pathname === "/help") await cache.put("/help", page.clone()); // With the region last chosen.
    return page;
  } catch (error) {
    const kept = await cache.match("/help");
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(open(request));
  else if (new URL(request.url).pathname.startsWith("/static/"))
    event.respondWith(fetch(request).catch(() => caches.match(request, { ignoreSearch: true })));
});
