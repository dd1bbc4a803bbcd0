// The picture of one object: its ThumbHash first, the judged JPEGs only when a person asks for them, grey and blur as
// steps. Nothing is fetched from the quarantine before `look`.

import { links } from "./requests.js";
import { decode } from "./thumbhash.js";
import { clock, element, find } from "./words.js";

const BLURS = [["none", 0], ["half", 9], ["strong", 22]]; // CSS pixels
const HELD_MS = 280; // from here on, a pressed key counts as held
const state = {
  object: null,
  shown: false,
  clear: false,
  held: false,
  frame: 0,
  pictures: [],
  fetchedAt: 0,
  refused: "", // why the present object is not shown
  grey: localStorage.getItem("grey") !== "no",
  blur: Number(localStorage.getItem("blur") ?? 1) % BLURS.length,
};
let seen = false;

/** Show an object covered; what is learnt later of the same one leaves it as it is. */
export function cover(object) {
  if (object.id === state.object?.id) return learn(object);
  Object.assign(state, { object, shown: false, clear: false, held: false, frame: firstLabelled(object), pictures: [], fetchedAt: 0, refused: "" });
  seen = false;
  find("picture").removeAttribute("src");
  draw(object.thumbhash);
  drawStrip();
  return render();
}

function learn(object) {
  if (!state.object.pictures.length) state.frame = firstLabelled(object);
  state.object = object;
  draw(object.thumbhash);
  drawStrip();
  return render();
}

const isStill = (object) => object.id === state.object?.id;

/** Forget the present object: shown again, it is covered. */
export function leave() {
  state.object = null;
}

/** Whether the person looked at the present object. */
export const wasSeen = () => seen;

/** Cover or uncover the present object, softened. */
export async function look() {
  if (state.shown) {
    state.shown = state.clear = false;
    return render();
  }
  const { object } = state;
  try {
    await fetchLinks();
    state.refused = "";
  } catch (error) {
    if (isStill(object)) state.refused = error.message; // to stay there when the rest is drawn anew
    return render();
  }
  if (!isStill(object) || !state.pictures.length) return render();
  state.shown = seen = true;
  drawStrip();
  return render();
}

export async function clear() {
  if (!state.shown) await look();
  state.clear = state.shown && !state.clear;
  render();
}

export function grey() {
  state.grey = !state.grey;
  localStorage.setItem("grey", state.grey ? "yes" : "no");
  render();
}

export function blur() {
  state.blur = (state.blur + 1) % BLURS.length;
  localStorage.setItem("blur", state.blur);
  render();
}

/** Choose another frame of a video, `step` further. */
export function frame(step) {
  const count = state.object?.pictures.length ?? 0;
  if (count < 2) return;
  state.frame = (state.frame + step + count) % count;
  render();
}

let pressed = null;

/** Space goes down: uncover at once; held, show clearly until it goes up. */
export function press() {
  if (pressed) return;
  pressed = { wasShown: state.shown, at: performance.now(), timer: setTimeout(hold, HELD_MS) };
  if (!state.shown) look();
}

/** Space goes up: a short press covers what was uncovered. */
export function release() {
  if (!pressed) return;
  clearTimeout(pressed.timer);
  const { wasShown } = pressed;
  pressed = null;
  if (state.held) {
    state.held = false;
    render();
  } else if (wasShown) {
    look();
  }
}

function hold() {
  state.held = true;
  render();
}

async function fetchLinks() {
  if (performance.now() - state.fetchedAt < 45_000 && state.pictures.length) return; // links live for 60 s
  const { object } = state;
  const { pictures } = await links(object.id);
  if (!isStill(object)) return;
  state.pictures = pictures;
  state.fetchedAt = performance.now();
}

const firstLabelled = (object) => Math.max(0, object.pictures.findIndex((picture) => picture.labels.length));
const isFilm = () => (state.object?.pictures.length ?? 0) > 1;

function draw(thumbhash) {
  const decoded = thumbhash ? decode(thumbhash) : null;
  const plate = find("plate");
  plate.classList.toggle("bare", !decoded);
  if (!decoded) return;
  plate.width = decoded.width;
  plate.height = decoded.height;
  plate.getContext("2d").putImageData(new ImageData(decoded.pixels, decoded.width, decoded.height), 0, 0);
}

function drawStrip() {
  const strip = find("strip");
  strip.hidden = !isFilm();
  find("frames-keys").hidden = !isFilm();
  if (!isFilm()) return strip.replaceChildren();
  const frames = state.object.pictures.map((judged, index) => {
    const label = judged.labels[0];
    const name = judged.time == null ? `${index + 1}` : clock(judged.time);
    const picture = state.shown && state.pictures[index];
    const button = element(
      "button",
      { type: "button", "aria-label": `Frame at ${name}${label ? `, ${label.name} ${Math.round(label.confidence)} percent` : ", no label"}` },
      picture ? element("img", { src: picture.url, alt: "", loading: "lazy" }) : element("span", { class: "cell" }),
      element("span", { class: "time" }, name),
    );
    button.addEventListener("click", () => {
      state.frame = index;
      render();
    });
    return element("li", { class: label ? "labelled" : null }, button);
  });
  return strip.replaceChildren(...frames);
}

function render() {
  const { object, shown, held, refused, frame: at } = state;
  const picture = find("picture");
  const clearly = shown && (state.clear || held);
  const source = shown ? state.pictures[Math.min(at, state.pictures.length - 1)]?.url : null;
  picture.hidden = !source;
  if (source && picture.getAttribute("src") !== source) picture.src = source;
  const time = object?.pictures[at]?.time;
  picture.alt = source ? `Judged picture of ${object.object_key}${time == null ? "" : `, at ${clock(time)}`}` : "";
  const [name, radius] = BLURS[state.blur];
  const soft = (pixels) => [state.grey && "grayscale(1)", pixels && `blur(${pixels}px)`].filter(Boolean).join(" ");
  picture.style.filter = clearly ? "none" : soft(radius);
  // In the strip they are a seventh as wide: as much blur would leave nothing.
  for (const each of document.querySelectorAll("#strip img")) each.style.filter = soft(Math.ceil(radius / 4));
  find("stage").classList.toggle("shown", Boolean(source));
  const veil = find("veil");
  veil.hidden = Boolean(source);
  if (!source) {
    const kept = state.fetchedAt && !state.pictures.length;
    veil.replaceChildren(
      ...(refused ? [refused] : kept ? ["There is no picture for reviewers: an older version withheld it, or it has expired."] : ["Covered. ", element("kbd", {}, "Space"), " to look"]),
    );
  }
  press_("look", shown);
  find("look-name").textContent = shown ? "Cover" : "Look";
  press_("clear", clearly);
  press_("grey", state.grey);
  find("blur-name").textContent = `Blur: ${name}`;
  document.querySelectorAll("#strip button").forEach((button, index) => button.setAttribute("aria-current", index === at));
  document.querySelector('#strip [aria-current="true"]')?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

const press_ = (id, is) => find(id).setAttribute("aria-pressed", is);
