// Small things that turn values into text and elements.

export const find = (id) => document.getElementById(id);

/** Return an element; text is never parsed as HTML, so a file name cannot be more than a name. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

/** `arn:aws:sts::1:assumed-role/reviewers/anna` as `anna`. */
export const nameOf = (person) => (person ?? "somebody").split(/[/:]/).pop();

export const persons = (count) => (count === 1 ? "one person" : `${count} persons`);

export function ago(iso) {
  const seconds = Math.max(0, (Date.now() - Date.parse(iso)) / 1000);
  for (const [size, unit] of [[86400, "day"], [3600, "hour"], [60, "minute"]]) {
    const count = Math.floor(seconds / size);
    if (count) return `${count} ${unit}${count > 1 ? "s" : ""} ago`;
  }
  return seconds < 5 ? "just now" : `${Math.floor(seconds)} seconds ago`;
}

export function bytes(count) {
  const units = ["bytes", "kB", "MB", "GB"];
  const power = Math.min(3, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${(count / 1000 ** power).toFixed(power ? 1 : 0)} ${units[power]}`;
}

export function clock(seconds) {
  const tenths = Math.round(seconds * 10);
  return `${Math.floor(tenths / 600)}:${((tenths % 600) / 10).toFixed(1).padStart(4, "0")}`;
}

const WORDS = { PUBLISHED: "published", REVIEW: "to review", BLOCKED: "blocked", REJECTED: "rejected", FAILED: "failed", DELETED: "deleted", SUPERSEDED: "superseded", PROCESSING: "in work" };
export const statusWord = (status) => WORDS[status] ?? status.toLowerCase();
