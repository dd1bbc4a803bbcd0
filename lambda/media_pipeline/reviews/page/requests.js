// What the page asks its server for. The session is this tab's own: it is neither in the address nor in a cookie.

import * as signIn from "./sign-in.js";

const SESSION = "review-session";

/** An answer that is not what was asked for; `problem` is the server's document about it. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? `The server answered ${status}.`);
    this.status = status;
    this.problem = problem;
  }
}

/** Sign in, or exchange the one-time token in the address for a session, or go on with the session of this tab. */
export async function open() {
  if (signIn.isHosted) {
    await signIn.ready();
    return send("GET", "v1/me");
  }
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    history.replaceState(null, "", location.pathname);
    const { session } = await send("POST", "session", { token });
    sessionStorage.setItem(SESSION, session);
  }
  return send("GET", "v1/me");
}

export const list = ({ state, label, cursor }) => {
  const query = new URLSearchParams({ state, limit: "50" });
  if (label) query.set("label", label);
  if (cursor) query.set("cursor", cursor);
  return send("GET", `v1/reviews?${query}`);
};
export const show = (id) => send("GET", `v1/reviews/${id}`);
export const links = (id) => send("GET", `v1/reviews/${id}/links`);
export const decide = (id, decision) => send("POST", `v1/reviews/${id}/decision`, decision);

async function send(method, path, body, { again = signIn.isHosted } = {}) {
  const headers = signIn.isHosted ? { Authorization: signIn.token() } : { "X-Review-Session": sessionStorage.getItem(SESSION) ?? "" };
  if (body) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
  } catch {
    const ask = signIn.isHosted ? "Are you online?" : "Is the command still running?";
    throw new Refused(0, { detail: `The console's server does not answer. ${ask}` });
  }
  if (answer.status === 401 && again) {
    // The identity token is short-lived. Where it cannot be renewed, the page locks as one that was never signed in.
    if (!(await signIn.renew())) throw new Refused(403, { detail: "You are not signed in any more. Load this page again to sign in." });
    return send(method, path, body, { again: false });
  }
  const document = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, document);
  return document;
}
