// The chat: sends a message, shows the reply as it streams, takes a broken stream up again, and follows a case.
// A message stays in this page's memory, with one key, until the service has acknowledged it; nothing is kept on the device.

const RETRIES = 3;
const RESUMES = 7;
const QUIET_MS = 45_000; // A stream that says nothing for this long is taken for dead.
const FOLLOW_MS = 3_000; // How often a conversation that people may join is looked at.
const IDLE_MS = 30_000;

const $ = (id) => document.getElementById(id);
const root = $("chat"), list = $("messages"), box = $("text"), form = $("composer"), scroller = $("scroll");
const turns = new Set();
let conversation = root.dataset.conversation;
let mode = root.dataset.mode;
let creating = null;
let spare = null; // An id of our own, under which the service keeps messages while it cannot begin a conversation.
let unlisted = !conversation;
let lastSent = Promise.resolve();
let syncing = Promise.resolve();
let wake = () => undefined;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const copy = (id) => $(id).content.firstElementChild.cloneNode(true);
const newKey = () =>
  crypto.randomUUID?.() ?? "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (c) =>
    (c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (c / 4)))).toString(16));

// ---- Requests ----

class NotSignedIn extends Error {}

async function call(path, init = {}) {
  let response = await fetch(path, init);
  if (response.status !== 401) return response;
  if (await renew()) response = await fetch(path, init);
  if (response.status !== 401) return response;
  if (!(await signInAgain())) throw new NotSignedIn();
  return fetch(path, init);
}

async function renew() {
  const ask = async () => (await fetch("/session/renew", { method: "POST" })).ok;
  return navigator.locks ? navigator.locks.request("renew", ask) : ask();
}

let asking = null;
function signInAgain() {
  asking ??= new Promise((done) => {
    const sheet = $("sign-in"), fields = $("sign-in-form"), wrong = fields.querySelector("[role=alert]");
    fields.onsubmit = async (event) => {
      event.preventDefault();
      wrong.hidden = true;
      const body = JSON.stringify({ email: fields.email.value, password: fields.password.value, browser: true });
      const headers = { "content-type": "application/json" };
      try {
        let response = await fetch("/api/v1/auth/login", { method: "POST", headers, body });
        if (response.status === 202) {
          const { ticket } = await response.json();
          const code = window.prompt("The six digits in your authenticator app, or a recovery code") ?? "";
          const step = JSON.stringify({ ticket, code, browser: true });
          response = await fetch("/api/v1/auth/login/code", { method: "POST", headers, body: step });
        }
        if (!response.ok) throw new Error((await problemOf(response)).detail);
        const me = await (await fetch("/api/v1/me")).json();
        if (me.id !== root.dataset.student) throw new Error("That is another account. Sign in as the one that wrote this.");
        done(true);
        sheet.close();
      } catch (error) {
        wrong.textContent = error.message;
        wrong.hidden = false;
      }
    };
    sheet.onclose = () => { asking = null; done(false); };
    sheet.showModal();
  });
  return asking;
}

async function problemOf(response) {
  try {
    return await response.json();
  } catch {
    return { detail: "Something on the way broke off. What you wrote is still here.", crisis: null };
  }
}

async function place() {
  if (conversation) return conversation;
  creating ??= call("/api/v1/conversations", { method: "POST" });
  const response = await creating;
  if (!response.ok) {
    creating = null;
    return (spare ??= newKey()); // Intake screens the words all the same, answers, and keeps them under it.
  }
  if (!conversation) settleIn((await response.json()).id);
  return conversation;
}

function settleIn(id) {
  conversation = id;
  form.action = `/chat/${id}`;
  history.replaceState(null, "", form.action);
}

// ---- One turn ----

class Turn {
  constructor(text, label = text) {
    Object.assign(this, { text, key: newKey(), id: null, acknowledged: false, settled: false, nodes: [] });
    Object.assign(this, { last: null, attempt: null, reply: null, abort: null, stopped: false });
    this.own = bubble(this, "student", "You wrote:");
    this.own.classList.add("is-sending");
    paragraph(this.own, label);
    this.note = null;
  }

  say(id, why = "") {
    this.nodes = this.nodes.filter((node) => node !== this.note);
    this.note?.remove();
    this.note = id ? copy(id) : null;
    if (!this.note) return;
    const words = this.note.querySelector(".unsent__why, .waiting__text");
    if (why) words.textContent = why;
    this.nodes.at(-1).after(this.note);
    this.nodes.push(this.note);
    keepDown();
  }

  clear() {
    this.nodes = this.nodes.filter((node) => node !== this.reply);
    this.reply?.remove();
    this.reply = null;
  }
}

async function send(text, label) {
  document.querySelector(".welcome")?.remove();
  list.querySelectorAll(".replies").forEach((node) => node.remove());
  const turn = new Turn(text, label);
  turns.add(turn);
  $("said").replaceChildren();
  keepDown(true);
  await deliver(turn);
}

async function deliver(turn) {
  const earlier = lastSent;
  let sent;
  lastSent = new Promise((done) => (sent = done));
  turn.say("t-waiting", "Sending");
  await earlier;
  try {
    const response = await post(turn);
    sent();
    if (!response.ok) return refuse(turn, response.status, await problemOf(response));
    turn.acknowledged = true;
    turn.id = response.headers.get("x-turn-id");
    turn.own.classList.remove("is-sending");
    turn.say("t-waiting", mode === "live_person" ? "Sent to the counselor" : "Reading");
    await follow(turn, response);
  } catch (error) {
    sent();
    const signedOut = error instanceof NotSignedIn;
    unsent(turn, signedOut ? "Not sent: you're signed out." : "Not sent: there is no connection. Your words are still here.");
  }
}

async function post(turn) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      turn.abort = new AbortController();
      const headers = { "content-type": "application/json", accept: "text/event-stream", "idempotency-key": turn.key };
      const body = JSON.stringify({ text: turn.text });
      const id = await place();
      const path = `/api/v1/conversations/${id}/turns`;
      const response = await call(path, { method: "POST", headers, body, signal: turn.abort.signal });
      if (!conversation && response.status === 404 && attempt < RETRIES) {
        spare = null; // The service can begin conversations again.
        continue;
      }
      if (!conversation && response.ok) settleIn(id);
      return response;
    } catch (error) {
      if (error instanceof NotSignedIn || attempt === RETRIES) throw error;
      creating = null;
      turn.say("t-waiting", "No connection yet. Trying again");
      await pause(1000 * attempt);
    }
  }
}

function refuse(turn, status, problem) {
  if (problem.crisis) showCrisis(turn, problem.crisis);
  if (status === 413 || status === 422) {
    giveBack(turn);
    return trouble(problem.detail);
  }
  if (status === 409) turn.key = newKey();
  unsent(turn, problem.detail);
}

function unsent(turn, why) {
  turn.say("t-unsent", why);
  turn.own.classList.remove("is-sending");
  turn.note.querySelector("[data-again]").onclick = () => { turn.own.classList.add("is-sending"); deliver(turn); };
  turn.note.querySelector("[data-edit]").onclick = () => giveBack(turn);
}

function giveBack(turn) {
  box.value = [turn.text, box.value].filter(Boolean).join("\n");
  turn.nodes.forEach((node) => node.remove());
  turns.delete(turn);
  grow();
  box.focus();
}

async function follow(turn, response) {
  showStop();
  for (let tries = 0; ; ) {
    try {
      if (!response.ok) throw new Error(String(response.status));
      for await (const event of eventsOf(response)) {
        tries = 0;
        if (event.id) turn.last = event.id;
        if (take(turn, event)) return await settle(turn);
      }
      throw new Error("ended early");
    } catch {
      if (turn.stopped) return paused(turn, "Stopped here. The whole reply is kept.");
      tries += 1;
      if (tries > RESUMES) return paused(turn, "The connection dropped. Your message is saved.");
      turn.say("t-waiting", "The connection dropped. Picking up where it was");
      await pause(Math.min(400 * 2 ** tries, 8000));
      response = await reopen(turn);
    }
  }
}

async function reopen(turn) {
  turn.abort = new AbortController();
  const headers = turn.last ? { "last-event-id": turn.last } : {};
  const path = `/api/v1/conversations/${conversation}/turns/${turn.id}/events`;
  try {
    return await call(path, { headers, signal: turn.abort.signal });
  } catch {
    return { ok: false, status: 0 };
  }
}

function paused(turn, why) {
  turn.say("t-resume", why);
  showStop();
  turn.note.querySelector("[data-resume]").onclick = async () => {
    turn.stopped = false;
    turn.say("t-waiting", "Reading");
    follow(turn, await reopen(turn));
  };
}

async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    let timer;
    const quiet = new Promise((_, fail) => (timer = setTimeout(() => fail(new Error("quiet")), QUIET_MS)));
    const { value, done } = await Promise.race([reader.read(), quiet]).finally(() => clearTimeout(timer));
    if (done) return;
    text += value;
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
      const event = { name: "message", id: "", data: "" };
      for (const line of text.slice(0, end).split("\n")) {
        const [, field, rest] = /^(\w+): ?(.*)$/.exec(line) ?? [];
        if (field === "event") event.name = rest;
        else if (field === "id") event.id = rest;
        else if (field === "data") event.data += rest;
      }
      if (event.data) yield { ...event, data: JSON.parse(event.data) };
    }
  }
}

/** Shows one event; true when it was the last of the turn. */
function take(turn, { name, id, data }) {
  const attempt = id.split(".")[0];
  if (attempt && turn.attempt && attempt !== turn.attempt) turn.clear(); // Another process began the reply again.
  if (attempt) turn.attempt = attempt;
  if (name === "sentence") sentence(turn, data);
  else if (name === "tool") entry(turn, "did", "What it did", "t-tool", (node) => (node.lastElementChild.textContent = data.label));
  else if (name === "citation") entry(turn, "sources", "Sources", "t-source", (node) => source(node, data));
  else if (name === "crisis") showCrisis(turn, data);
  else if (name === "notice") showNotice(turn, data);
  else if (name === "delivery") $("status").textContent = data.status;
  else if (name === "error") trouble(data.message);
  return name === "done" || name === "error";
}

async function settle(turn) {
  turn.say(null);
  turn.settled = true;
  showStop();
  await sync();
}

// ---- What is on the page ----

function bubble(turn, author, who) {
  const node = copy("t-message");
  node.classList.add(`message--${author}`);
  node.firstElementChild.textContent = who;
  if (turn.note?.isConnected) turn.note.before(node);
  else if (turn.nodes.length) turn.nodes.at(-1).after(node);
  else list.append(node);
  turn.nodes.push(node);
  return node;
}

function paragraph(node, text) {
  const line = document.createElement("p");
  line.textContent = text;
  node.querySelector(".message__text").append(line);
}

function replyOf(turn) {
  return (turn.reply ??= bubble(turn, "companion", "Companion:"));
}

function sentence(turn, { text, ends }) {
  if (!turn.reply) turn.say("t-waiting", " ");
  const words = replyOf(turn).querySelector(".message__text");
  if (!words.lastElementChild || turn.ended === "\n") paragraph(turn.reply, text);
  else words.lastElementChild.append(` ${text}`);
  turn.ended = ends;
  speak(text);
  keepDown();
}

function entry(turn, kind, label, template, fill) {
  const node = replyOf(turn);
  let group = node.querySelector(`.${kind}`);
  if (!group) {
    group = Object.assign(document.createElement("ul"), { className: kind, ariaLabel: label });
    node.append(group);
  }
  const item = copy(template);
  fill(item);
  group.append(item);
  keepDown();
}

function source(node, { anchor, title, section, draft }) {
  const link = node.firstElementChild;
  link.href = `/library/${anchor}`;
  const heading = section.replaceAll("-", " ").replace(/^./, (first) => first.toUpperCase());
  link.lastElementChild.textContent = heading && heading !== title ? `${title} · ${heading}` : title;
  if (draft) link.append(copy("t-draft"));
}

function showCrisis(turn, crisis) {
  let node = null;
  for (const text of crisis.messages) {
    node = bubble(turn, "script", "Companion:");
    paragraph(node, text);
    speak(text);
  }
  const replies = crisis.choices.filter((choice) => !choice.href);
  if (node && replies.length) {
    const group = Object.assign(document.createElement("ul"), { className: "replies", ariaLabel: "Answers" });
    for (const choice of replies) {
      const item = copy("t-reply");
      Object.assign(item.firstElementChild, { value: choice.value, textContent: choice.label });
      group.append(item);
    }
    node.append(group);
  }
  const ways = crisis.choices.filter((choice) => choice.href);
  const people = (choice) => /^(tel|sms):/.test(choice.href);
  ways.sort((one, other) => people(other) - people(one));
  if (ways.length) {
    $("ways").replaceChildren(...ways.map(way));
    $("all-lines").href = `/help?region=${encodeURIComponent(crisis.region ?? "")}`;
  }
  setMode(crisis.mode);
  keepDown(true);
}

/** Says what has to be said about the software; it stands above the student's message, as it is stored. */
function showNotice(turn, { text }) {
  $("start-notices")?.remove();
  const node = copy("t-notice");
  node.lastElementChild.textContent = text;
  turn.own.before(node);
  turn.nodes.unshift(node);
  speak(text);
}

function way({ label, href }) {
  const kinds = { "tel:": "t-call", "sms:": "t-text", "companion:exit": "t-leave" };
  const kind = Object.keys(kinds).find((start) => href.startsWith(start));
  const node = copy(kinds[kind] ?? "t-open");
  if (href === "companion:plan") node.href = "/plan";
  else if (kind !== "companion:exit") node.href = href;
  node.lastElementChild.textContent = label;
  return node;
}

function setMode(next) {
  if (next !== mode) wake(); // A case is followed from its first moment.
  mode = next;
  root.dataset.mode = mode;
  $("panel").hidden = mode === "ordinary";
  $("panel-title").lastElementChild.textContent =
    mode === "live_person" ? "A counselor has this conversation" : "People you can reach now";
}

function speak(text) {
  const words = document.createElement("span");
  words.textContent = `${text} `;
  $("said").append(words);
}

function trouble(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

let atEnd = true;
let shape = "";
scroller.addEventListener("scroll", () => {
  const { scrollHeight, clientHeight, scrollTop } = scroller;
  if (shape === `${scrollHeight}/${clientHeight}`) atEnd = scrollHeight - scrollTop - clientHeight < 160;
  shape = `${scrollHeight}/${clientHeight}`; // A scroll that a new shape causes is nobody's wish.
}, { passive: true });
new ResizeObserver(() => keepDown()).observe(scroller); // The keyboard of a phone, the panel, a turned screen.

function keepDown(always = false) {
  if (always || atEnd) requestAnimationFrame(() => (scroller.scrollTop = scroller.scrollHeight));
}

function grow() {
  if (CSS.supports("field-sizing: content")) return;
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}

function showStop() {
  $("stop").hidden = ![...turns].some((turn) => turn.acknowledged && !turn.settled && !turn.stopped);
}

// ---- What is stored ----

/** Puts what is stored in the place of what was built here; a stream that still runs keeps its own nodes. */
function sync() {
  syncing = syncing.then(takeStored, takeStored);
  return syncing;
}

async function takeStored() {
  const last = [...list.querySelectorAll("[data-id]")].at(-1)?.dataset.id;
  const response = await call(`/chat/${conversation}/messages${last ? `?after=${last}` : ""}`, { headers: { accept: "text/html" } });
  if (response.status !== 200) return;
  const stored = document.createElement("template");
  stored.innerHTML = await response.text();
  for (const node of [...stored.content.querySelectorAll("[data-id]")]) {
    const when = stored.content.querySelector(`[data-when="${node.dataset.id}"]`);
    const turn = [...turns].find((found) => found.id && found.id === node.dataset.turn);
    if (turn && !turn.settled) break;
    if (turn) turn.nodes.splice(0).forEach((built) => built.remove());
    list.querySelectorAll("[data-id] .replies").forEach((old) => old.remove());
    const built = list.querySelector(":scope > :not([data-id], [data-when])");
    for (const part of [when, node]) if (part) list.insertBefore(part, built);
    if (node.classList.contains("message--counselor")) speak(node.innerText);
  }
  keepDown();
  if (unlisted) await showHistory();
}

/** Puts a conversation that began on this page into the list of conversations. */
async function showHistory() {
  const response = await call(`/chat/history?current=${conversation}`, { headers: { accept: "text/html" } });
  if (response.ok) $("history").innerHTML = await response.text();
  unlisted = !response.ok;
}

async function look() {
  if (!conversation || document.hidden || asking) return;
  const response = await fetch(`/api/v1/conversations/${conversation}/status`);
  if (response.status === 401) return void (await renew());
  if (!response.ok) return;
  const found = await response.json();
  const changed = found.mode !== mode;
  $("status").textContent = found.delivery?.status ?? "";
  setMode(found.mode);
  if (changed || mode !== "ordinary") await sync();
}

async function watch() {
  for (;;) {
    await Promise.race([pause(mode === "ordinary" ? IDLE_MS : FOLLOW_MS), new Promise((done) => (wake = done))]);
    await look().catch(() => undefined); // Without a connection the next look may get through.
  }
}

// ---- The page's own controls ----

form.addEventListener("submit", (event) => {
  event.preventDefault();
  trouble("");
  const chip = event.submitter?.name === "reply" ? event.submitter : null;
  const text = chip ? chip.value : box.value.trim();
  if (!text) return;
  if (!chip) box.value = "";
  grow();
  send(text, chip?.textContent ?? text);
  if (!chip || !matchMedia("(pointer: coarse)").matches) box.focus();
});

box.addEventListener("input", grow);
box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || matchMedia("(pointer: coarse)").matches) return;
  event.preventDefault();
  if (box.value.trim()) form.requestSubmit();
});

$("stop").addEventListener("click", () => {
  for (const turn of turns) {
    if (!turn.acknowledged || turn.settled) continue;
    turn.stopped = true;
    turn.abort.abort();
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-leave]");
  if (!link) return;
  event.preventDefault();
  document.body.replaceChildren();
  fetch("/sign-out", { method: "POST", keepalive: true }).catch(() => undefined); // So that Back shows nothing.
  location.replace(link.href);
});

addEventListener("beforeunload", (event) => {
  if ([...turns].some((turn) => !turn.acknowledged)) event.preventDefault();
});
addEventListener("online", () => look().catch(() => undefined));
document.addEventListener("visibilitychange", () => look().catch(() => undefined));

keepDown(true);
watch();
root.dataset.ready = ""; // Until now the form works by itself.
