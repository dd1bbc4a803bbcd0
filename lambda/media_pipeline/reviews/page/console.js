// The console: a queue of what waits, one object at a time, decisions that leave after some seconds.

import * as picture from "./picture.js";
import { decide, list, open, Refused, show } from "./requests.js";
import * as signIn from "./sign-in.js";
import { ago, bytes, clock, element, find, nameOf, persons, statusWord } from "./words.js";

const UNDO_MS = 5000;
const AHEAD = 6; // objects whose facts are fetched before their turn
const POLL_MS = 10_000;
const BREAK_MS = 30 * 60_000;
const REASONS = ["Nudity or sex", "Violence", "Hate", "Self-harm", "Drugs, alcohol", "Weapons", "Fraud or spam", "Rights of others", "Other"];

const DONE = { approve: "approved", reject: "rejected", escalate: "escalated", release: "released" };

const queue = []; // what waits, in the order in which it is shown
const known = new Map(); // id -> since when, of what was listed: it comes again only where it waits anew
const details = new Map(); // id -> promise of everything that is known of it
const leaving = []; // decisions that have not left, oldest first
const session = { at: 0, cursor: null, state: "REVIEW", label: "", decided: 0, reason: null, note: "", began: 0, person: "", listing: null };
const speak = (text) => { find("spoken").textContent = text; };
const current = () => queue[session.at];

// ---- the queue

async function load({ again = false } = {}) {
  if (session.listing) return session.listing;
  session.listing = (async () => {
    const { state, label } = session;
    const page = await list({ state, label, cursor: again ? null : session.cursor });
    if (state !== session.state || label !== session.label) return;
    if (!again || page.cursor == null) session.cursor = page.cursor;
    for (const item of page.items) {
      const isMine = item.approvals.some((each) => each.person === session.person); // it waits for somebody else
      if (known.get(item.id) === item.since || item.decision || isMine) continue;
      known.set(item.id, item.since);
      queue.push(item);
    }
  })();
  try {
    await session.listing;
  } finally {
    session.listing = null;
  }
  renderQueue();
  if (find("work").hidden) await go(session.at);
}

async function filter() {
  session.label = find("label").value.trim();
  session.state = find("state").value;
  queue.length = 0;
  known.clear();
  for (const { item } of leaving) known.set(item.id, item.since);
  session.cursor = null;
  session.at = 0;
  find("work").hidden = true;
  while (session.listing) await session.listing.catch(() => {}); // it is of the filter before
  await attempt(load);
}

function detail(item) {
  if (!details.has(item.id)) {
    const promise = show(item.id);
    promise.catch(() => details.delete(item.id));
    details.set(item.id, promise);
  }
  return details.get(item.id);
}

async function go(index) {
  session.at = Math.max(0, Math.min(index, queue.length - 1));
  const item = current();
  renderQueue();
  find("work").hidden = !item;
  if (!item && (session.cursor || session.listing)) {
    attempt(load); // it comes back here
    return;
  }
  const wasEmpty = !find("empty").hidden;
  find("empty").hidden = Boolean(item);
  if (!item) {
    if (!wasEmpty) speak("Nothing waits for you.");
    return;
  }
  picture.leave();
  session.reason = null;
  session.note = "";
  session.began = performance.now();
  renderHead(item);
  renderObject({ ...item, pictures: [], history: [], decisions: [] });
  try {
    const object = await detail(item);
    if (item !== current()) return;
    if (object.attention !== session.state || object.decision) {
      tell(`${item.object_key} was decided meanwhile${object.decision ? ` by ${nameOf(object.decision.person)}` : ""}.`);
      remove(item);
      return;
    }
    renderObject(object);
    speak(`${item.object_key}. ${describe(object)}. ${queue.length - session.at - 1} more.`);
  } catch (error) {
    if (item !== current()) return;
    complain(error, item);
  }
  for (const next of queue.slice(session.at + 1, session.at + 1 + AHEAD)) detail(next).then(renderThumb(next), () => {});
  if (queue.length - session.at < AHEAD && session.cursor) attempt(load);
}

function remove(item) {
  const at = queue.indexOf(item);
  if (at < 0) return;
  queue.splice(at, 1);
  details.delete(item.id);
  go(at < session.at ? session.at - 1 : session.at);
}

function skip() {
  const item = current();
  if (!item) return;
  queue.push(...queue.splice(session.at, 1));
  speak(`${item.object_key} is at the end now.`);
  go(session.at);
}

// ---- decisions

function decideOn(action) {
  const item = current();
  if (!item) return;
  const seconds = (performance.now() - session.began) / 1000;
  const { reason, note } = session;
  const entry = { item, action, at: session.at, body: { action, reason, note: note || null, seen: picture.wasSeen(), seconds, decision_seen: item.seen ?? null } };
  entry.timer = setTimeout(() => leave(entry), UNDO_MS);
  leaving.push(entry);
  showLeaving(entry);
  queue.splice(session.at, 1);
  go(session.at);
  speak(`${item.object_key} ${DONE[action]}. Press u to undo.`);
}

function undo() {
  const entry = leaving.findLast((each) => each.timer);
  if (!entry) return;
  clearTimeout(entry.timer);
  drop(entry);
  queue.splice(Math.min(entry.at, queue.length), 0, entry.item);
  go(queue.indexOf(entry.item));
  speak(`Undone: ${entry.item.object_key} waits again.`);
}

async function leave(entry) {
  entry.timer = null;
  entry.row.classList.add("sent");
  renderUndo();
  try {
    const { missing } = await decide(entry.item.id, entry.body);
    session.decided += 1;
    if (missing) tell(`${entry.item.object_key} waits for the approval of ${persons(missing)} more.`);
    details.delete(entry.item.id);
  } catch (error) {
    complain(error, entry.item, entry);
  }
  drop(entry);
  renderCounts();
}

function drop(entry) {
  leaving.splice(leaving.indexOf(entry), 1);
  entry.row.remove();
  renderUndo();
  renderCounts();
}

function complain(error, item, entry) {
  const key = item?.object_key ?? "";
  const problem = error instanceof Refused ? error.problem : {};
  details.delete(item?.id);
  if (error.status === 409 && problem.decided_by === session.person && problem.action === "approve") {
    tell(`${error.message}.`);
  } else if (error.status === 409) {
    const who = problem.decided_by ? `${nameOf(problem.decided_by)} ${DONE[problem.action] ?? "decided about"} it ${ago(problem.at)}` : "it is in another state by now";
    tell(`${key} is settled already: ${who}. Nothing of yours was recorded, and nothing is lost.`);
  } else if (error.status === 412) {
    tell(`${key} was replaced by a newer version, or deleted. An approval would publish nothing; you can still reject it.`);
  } else if (error.status === 410) {
    tell(`${key} cannot be published any more: its original has expired in quarantine. You can still reject it.`);
  } else if (error.status === 404) {
    tell(`${key} is gone: its record has expired or was deleted.`);
  } else if (error.status === 403 && !entry) {
    lock(error.message);
    return;
  } else {
    tell(`${key} waits again: ${error.message}`);
  }
  const stays = ![404, 409].includes(error.status);
  if (entry && stays) {
    queue.splice(Math.min(session.at + 1, queue.length), 0, item);
    if (find("work").hidden) go(0);
    renderQueue();
  } else if (!entry && !stays) {
    remove(item);
  }
}

/** Say something that stays until it was read. */
function tell(text) {
  const close = element("button", { type: "button", class: "plain", "aria-label": "Close this message" }, "Close");
  const row = element("li", { class: "told" }, element("span", {}, text), close);
  close.addEventListener("click", () => row.remove());
  setTimeout(() => row.remove(), 20_000);
  find("leaving").append(row);
  speak(text);
}

function showLeaving(entry) {
  const { item, action } = entry;
  const back = element("button", { type: "button", class: "plain" }, "Undo ", element("kbd", {}, "u"));
  back.addEventListener("click", undo);
  const bar = element("i", { class: "bar" });
  bar.style.animationDuration = `${UNDO_MS}ms`;
  const word = DONE[action][0].toUpperCase() + DONE[action].slice(1);
  entry.row = element("li", { class: action }, element("b", {}, word), element("span", { class: "name" }, item.object_key), back, bar);
  find("leaving").append(entry.row);
  renderUndo();
}

// ---- what is seen

function renderCounts() {
  const more = session.cursor ? "+" : "";
  const parts = [`${queue.length}${more} ${session.state === "ESCALATED" ? "held" : "waiting"}`];
  if (leaving.length) parts.push(`${leaving.length} leaving`);
  if (session.decided) parts.push(`${session.decided} decided`);
  find("counts").replaceChildren(...parts.map((part) => element("span", {}, part)));
  document.title = `${queue.length}${more} · Review`;
}

function renderUndo() {
  const can = leaving.some((entry) => entry.timer);
  find("undo").disabled = !can;
  document.querySelectorAll("#leaving li:not(.told)").forEach((row, index, rows) => row.classList.toggle("last", index === rows.length - 1));
}

function renderQueue() {
  renderCounts();
  find("more").hidden = !session.cursor;
  const from = Math.max(0, session.at - 20);
  const rows = queue.slice(from, session.at + 80).map((item) => {
    const is = item === current();
    item.thumb ??= element("canvas", { width: 32, height: 32, "aria-hidden": "true" });
    const button = element(
      "button",
      { type: "button", "aria-current": is ? "true" : null },
      item.thumb,
      element("span", { class: "name" }, item.object_key),
      element("span", { class: "quiet" }, describe(item)),
    );
    button.addEventListener("click", () => go(queue.indexOf(item)));
    return element("li", {}, button);
  });
  find("queue").replaceChildren(...rows);
  find("queue").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

const describe = (item) => {
  const [label] = item.labels;
  return label ? `${label.name} ${Math.round(label.confidence)} %` : "no label";
};

function renderThumb(item) {
  return (object) => {
    if (!item.thumb || item.drawn || !object.thumbhash) return;
    item.drawn = true;
    import("./thumbhash.js").then(({ decode }) => {
      const decoded = decode(object.thumbhash);
      if (!decoded) return;
      Object.assign(item.thumb, { width: decoded.width, height: decoded.height });
      item.thumb.getContext("2d").putImageData(new ImageData(decoded.pixels, decoded.width, decoded.height), 0, 0);
    });
  };
}

function renderHead(item) {
  find("key").textContent = item.object_key;
  find("position").textContent = `${{ APPEAL: "blocked", CHECK: "published" }[item.attention] ?? "sent to review"} ${ago(item.since)}`;
}

function renderObject(object) {
  const item = current();
  item.seen = object.decisions.at(-1)?.id ?? null;
  renderThumb(item)(object);
  picture.cover(object);
  const why = find("why");
  why.replaceChildren(element("b", {}, "Why it waits "), object.why ?? "The record does not say.");
  const { hold } = object;
  find("approve").hidden = find("reject").hidden = Boolean(hold);
  find("escalate").hidden = !["REVIEW", "BLOCKED"].includes(object.status); // a check is withdrawn first
  find("escalate-name").textContent = hold ? "Release" : "Escalate";
  if (hold) why.append(element("strong", {}, `${nameOf(hold.person)} escalated it ${ago(hold.at)}${hold.reason ? `: ${hold.reason}` : ""}. It stays in quarantine, and nobody is shown it.`));
  if (object.needed > 1) {
    const given = object.approvals.map((each) => `${nameOf(each.person)} did ${ago(each.at)}`);
    why.append(element("span", { class: "people" }, `${persons(object.needed)} must approve it${given.length ? `: ${given.join(", ")}` : ""}.`));
  }
  if (object.replaced) why.append(element("strong", {}, " A newer version took its place: an approval publishes nothing."));
  const appeal = find("appeal");
  appeal.hidden = !object.appeal;
  appeal.replaceChildren(...(object.appeal ? [element("b", {}, `The uploader appealed ${ago(object.appeal.at)} `), object.appeal.text] : []));
  const labels = object.labels.map((label) => {
    const value = element("i");
    value.style.width = `${label.confidence}%`;
    return element(
      "li",
      {},
      element("span", { class: "name" }, label.name, label.parent ? element("small", {}, ` in ${label.parent}`) : null),
      element("span", { class: "meter", "aria-hidden": "true" }, value),
      element("span", { class: "value" }, `${Math.round(label.confidence)} %`),
    );
  });
  find("labels").replaceChildren(...(labels.length ? labels : [element("li", { class: "quiet" }, "Rekognition returned none.")]));
  const facts = {
    Type: object.content_type,
    Size: object.bytes == null ? null : bytes(object.bytes),
    Length: object.duration == null ? null : clock(object.duration),
    Judged: object.judged == null ? null : `${object.judged} ${object.judged === 1 ? "picture" : "pictures"}`,
    Policy: object.policy_version,
    Model: object.model_version,
  };
  const rows = Object.entries(facts).filter(([, value]) => value != null);
  find("file").replaceChildren(...rows.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, String(value)))));
  const history = object.history.map((each) =>
    element(
      "li",
      { class: `is-${each.status.toLowerCase()}`, "aria-current": each.sequencer === object.sequencer ? "true" : null },
      element("b", {}, statusWord(each.status)),
      ` ${ago(each.at)}`,
      each.decided_by ? ` · ${nameOf(each.decided_by)}` : "",
      each.sequencer === object.sequencer ? element("small", {}, " this one") : null,
    ),
  );
  find("history").replaceChildren(...history);
  renderChoice();
}

function renderChoice() {
  document.querySelectorAll("#reasons input").forEach((input) => { input.checked = input.value === session.reason; });
  const written = find("written");
  written.hidden = !session.note;
  written.textContent = session.note;
}

function lock(text) {
  find("work").hidden = true;
  find("empty").hidden = false;
  find("empty").classList.add("locked");
  find("empty-title").textContent = "This page is not signed in";
  find("empty-text").textContent = text;
  find("counts").textContent = "";
  speak(text);
}

// ---- keys and buttons

const THEMES = ["system", "dark", "light"];

function theme(change) {
  const next = change ? THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % 3] : (localStorage.getItem("theme") ?? "system");
  document.documentElement.dataset.theme = next;
  localStorage.setItem("theme", next);
  find("theme-name").textContent = `Theme: ${next}`;
}

function reason(text) {
  session.reason = session.reason === text ? null : text;
  renderChoice();
}

function note() {
  if (!current()) return;
  const dialog = find("noting");
  find("text").value = session.note;
  dialog.returnValue = "";
  dialog.showModal();
  find("text").focus();
}

const ACTIONS = {
  approve: () => decideOn("approve"),
  reject: () => decideOn("reject"),
  escalate: () => decideOn(current()?.hold ? "release" : "escalate"),
  skip,
  undo,
  note,
  next: () => go(session.at + 1),
  previous: () => go(session.at - 1),
  look: picture.look,
  clear: picture.clear,
  grey: picture.grey,
  blur: picture.blur,
  theme: () => theme(true),
  help: () => find("keys").showModal(),
  more: () => attempt(load),
};
const KEYS = { a: "approve", r: "reject", e: "escalate", s: "skip", u: "undo", n: "note", j: "next", k: "previous", c: "clear", g: "grey", b: "blur", t: "theme", "?": "help" };
const IN_WORK = new Set(["approve", "reject", "escalate", "skip", "note", "next", "previous", "look", "clear", "grey", "blur"]);

function run(name) {
  if (IN_WORK.has(name) && (find("work").hidden || find(name).hidden)) return;
  ACTIONS[name]();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const { target, key } = event;
  if (target.matches("textarea, select, input:not([type=radio])")) return;
  if (key === " " && !target.matches("button, a, input")) {
    event.preventDefault();
    if (!event.repeat && !find("work").hidden) picture.press();
  } else if (event.repeat && !["j", "k", "ArrowLeft", "ArrowRight"].includes(key)) {
    return; // a key that is held decides once
  } else if (key === "ArrowLeft" || key === "ArrowRight") {
    if (target.matches("[type=radio]")) return;
    event.preventDefault();
    picture.frame(key === "ArrowLeft" ? -1 : 1);
  } else if (key === "/") {
    event.preventDefault();
    find("label").focus();
  } else if (key === "w") {
    event.preventDefault();
    find("state").focus();
  } else if (/^[1-9]$/.test(key) && !find("work").hidden) {
    reason(REASONS[key - 1]);
  } else if (Object.hasOwn(KEYS, key)) {
    event.preventDefault();
    run(KEYS[key]);
  }
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    if (error.status === 403) lock(error.message);
    else tell(error.message);
  }
}

function wire() {
  for (const name of Object.keys(ACTIONS)) {
    find(name).addEventListener("click", (event) => {
      run(name);
      // After a click the focus must not stay, or the next Space would press the same button again.
      if (event.detail) find("work").focus({ preventScroll: true });
    });
  }
  const choices = REASONS.map((text, index) => {
    const input = element("input", { type: "radio", name: "reason", value: text });
    input.addEventListener("click", () => reason(text));
    return element("label", {}, input, element("span", {}, element("kbd", {}, String(index + 1)), ` ${text}`));
  });
  find("reasons").append(...choices);
  find("sign-out").addEventListener("click", signIn.leave);
  document.addEventListener("keydown", onKey);
  document.addEventListener("keyup", (event) => { if (event.key === " ") picture.release(); });
  addEventListener("blur", picture.release);
  find("filter").addEventListener("submit", (event) => {
    event.preventDefault();
    find("work").focus();
    filter();
  });
  find("state").addEventListener("change", () => {
    find("state").blur(); // the next key is one of the page's again
    filter();
  });
  for (const id of ["label", "state"]) find(id).addEventListener("keydown", (event) => { if (event.key === "Escape") find("work").focus(); });
  find("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) find("noting").close("keep");
  });
  find("noting").addEventListener("close", () => {
    if (find("noting").returnValue === "keep") session.note = find("text").value.trim();
    renderChoice();
  });
  addEventListener("beforeunload", (event) => { if (leaving.length) event.preventDefault(); });
  setInterval(() => { if (!document.hidden && !session.cursor && find("stack").textContent) attempt(() => load({ again: true })); }, POLL_MS);
  setTimeout(() => tell("You have been at it for half an hour. A short break does good."), BREAK_MS);
}

async function start() {
  theme(false);
  wire();
  try {
    const { person, stack } = await open();
    session.person = person;
    find("person").textContent = nameOf(person);
    find("person").title = person;
    find("sign-out").hidden = !signIn.isHosted;
    find("stack").textContent = stack;
    find("stack").hidden = false;
    await load();
  } catch (error) {
    lock(error.message);
  }
}

start();
