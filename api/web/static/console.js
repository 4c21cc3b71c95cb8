// The queue's news: said to a screen reader, and with a tone and a notification where the counselor asked for them.
// A notification names neither the student nor what it is about.
const news = document.getElementById("news");
const alerts = document.getElementById("alerts");
let before = counts();
let sound = null;

function counts() {
  const { waiting = 0, open = 0 } = document.getElementById("queue")?.dataset ?? {};
  return { waiting: Number(waiting), open: Number(open) };
}

const stale = document.getElementById("stale");
for (const failed of ["htmx:sendError", "htmx:responseError", "htmx:timeout"])
  document.body.addEventListener(failed, () => (stale.hidden = false));
document.body.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) stale.hidden = true;
});
document.body.addEventListener("htmx:afterSettle", () => {
  const now = counts();
  document.title = now.waiting ? `(${now.waiting}) Queue · Companion` : "Queue · Companion";
  if (now.waiting > before.waiting) tell("A case needs a person now.");
  else if (now.open > before.open) tell("A new case is in the queue.");
  before = now;
});

function tell(text) {
  if (news) news.textContent = text;
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

alerts?.addEventListener("click", async () => {
  if (sound) {
    await sound.close();
    sound = null;
  } else {
    sound = new AudioContext();
    tone(0, 660);
    if ("Notification" in window && Notification.permission === "default") await Notification.requestPermission();
  }
  alerts.setAttribute("aria-pressed", String(Boolean(sound)));
});
