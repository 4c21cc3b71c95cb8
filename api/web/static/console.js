// The console's news: said to a screen reader, with a tone and a notification where the counselor asked for them.
// A notification names neither the student nor what it is about.

const TYPING_MS = 3_000;
const $ = (id) => document.getElementById(id);
let before = counts();
let sound = null;
let typedAt = 0;

function counts() {
  const { waiting = 0, open = 0 } = $("queue")?.dataset ?? {};
  return { waiting: Number(waiting), open: Number(open), said: document.querySelectorAll(".said--student").length };
}

function tell(text) {
  $("news").textContent = text;
  if (!sound) return;
  for (const [start, pitch] of [[0, 660], [0.22, 880]]) tone(start, pitch);
  if (Notification.permission === "granted" && document.hidden) new Notification("Companion", { body: "Something waits for you.", tag: "queue" });
}

function tone(start, pitch) {
  const at = sound.currentTime + start, voice = sound.createOscillator(), level = sound.createGain();
  voice.frequency.value = pitch;
  level.gain.setValueAtTime(0.0001, at);
  level.gain.exponentialRampToValueAtTime(0.2, at + 0.03);
  level.gain.exponentialRampToValueAtTime(0.0001, at + 0.2);
  voice.connect(level).connect(sound.destination);
  voice.start(at);
  voice.stop(at + 0.22);
}

function trouble(text) {
  $("trouble").lastElementChild.textContent = text;
  $("trouble").hidden = !text;
}

const SHOWN_AGAIN_MS = 60_000; // Whoever comes on duty with the page open has seen it from then on.
const shown = new Set();

/** Says which cases stand on a screen that is looked at: of a person on duty, that is what counts as told. */
function sayShown() {
  if (document.visibilityState !== "visible" || !$("queue")) return;
  const cases = [...$("queue").querySelectorAll(".case")].map((node) => node.id.slice("case-".length)).filter((id) => !shown.has(id));
  if (!cases.length) return;
  const body = new URLSearchParams(cases.map((id) => ["case", id]));
  cases.forEach((id) => shown.add(id));
  const lost = () => cases.forEach((id) => shown.delete(id));
  fetch("/console/shown", { method: "POST", headers: { "hx-request": "true" }, body }).then((answer) => answer.ok || lost(), lost);
}

sayShown();
document.addEventListener("visibilitychange", sayShown);
setInterval(() => { shown.clear(); sayShown(); }, SHOWN_AGAIN_MS);

function toTheEnd() {
  const scroller = $("scroll");
  if (scroller) scroller.scrollTop = scroller.scrollHeight;
}

if ($("scroll")) new ResizeObserver(toTheEnd).observe($("scroll"));

document.body.addEventListener("htmx:afterSettle", () => {
  // A reply and a look that were on their way together bring the same message.
  const seen = new Set();
  for (const node of document.querySelectorAll("#talk > [data-id]")) seen.has(node.dataset.id) ? node.remove() : seen.add(node.dataset.id);
  const now = counts();
  sayShown();
  if ($("queue")) document.title = now.waiting ? `(${now.waiting}) Queue · Companion` : "Queue · Companion";
  if (now.waiting > before.waiting) tell("A case needs a person now.");
  else if (now.open > before.open) tell("A new case is in the queue.");
  else if (now.said > before.said) tell("The student wrote.");
  if (now.said !== before.said) toTheEnd();
  before = now;
});

document.body.addEventListener("htmx:sendError", () => ($("stale").hidden = false));
document.body.addEventListener("htmx:responseError", ({ detail }) => {
  if (detail.xhr.status === 401) return trouble("You're signed out. Sign in again in another tab; what you typed stays here.");
  if (detail.elt.id !== "reply") $("stale").hidden = false;
  else trouble(new DOMParser().parseFromString(detail.xhr.responseText, "text/html").body.innerText.trim());
});
document.body.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (!detail.successful) return;
  $("stale").hidden = true;
  if (detail.elt.id !== "reply") return;
  trouble("");
  detail.elt.reset();
  $("reply-text").value = "";
  $("reply-text").focus();
  requestAnimationFrame(toTheEnd);
});

$("alerts")?.addEventListener("click", async () => {
  if (sound) {
    await sound.close();
    sound = null;
  } else {
    sound = new AudioContext();
    tone(0, 660);
    if ("Notification" in window && Notification.permission === "default") await Notification.requestPermission();
  }
  $("alerts").setAttribute("aria-pressed", String(Boolean(sound)));
});

$("opener")?.addEventListener("click", (event) => {
  event.preventDefault();
  $("reply-text").value = [event.currentTarget.dataset.words, $("reply-text").value].filter(Boolean).join("\n");
  $("reply-text").focus();
});

// What changed must not take away a sheet in which somebody is writing: the new acts wait until it is closed.
let later = null;
document.body.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  if (detail.target.id !== "acts" || !detail.target.querySelector(":popover-open")) return;
  detail.shouldSwap = false;
  later = detail.fragment.querySelector("#acts") ?? detail.fragment.firstElementChild;
});
document.addEventListener("toggle", ({ newState }) => {
  if (newState !== "closed" || !later) return;
  $("acts").replaceWith(later);
  later = null;
}, true);

$("reply-text")?.addEventListener("input", () => {
  if (Date.now() - typedAt < TYPING_MS) return;
  typedAt = Date.now();
  fetch($("reply").dataset.typing, { method: "POST", headers: { "hx-request": "true" } }).catch(() => undefined);
});

$("reply-text")?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("reply").requestSubmit();
});
