// What the page asks its server for. The session is this tab's own: it is neither in the address nor in a cookie.

const SESSION = "review-session";

/** An answer that is not what was asked for; `problem` is the server's document about it. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? `The server answered ${status}.`);
    this.status = status;
    this.problem = problem;
  }
}

/** Exchange the one-time token in the address for a session, or go on with the session of this tab. */
export async function open() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    history.replaceState(null, "", location.pathname);
    const { session } = await send("POST", "/session", { token });
    sessionStorage.setItem(SESSION, session);
  }
  return send("GET", "/v1/me");
}

export const list = ({ label, cursor }) => {
  const query = new URLSearchParams({ limit: "50" });
  if (label) query.set("label", label);
  if (cursor) query.set("cursor", cursor);
  return send("GET", `/v1/reviews?${query}`);
};
export const show = (id) => send("GET", `/v1/reviews/${id}`);
export const links = (id) => send("GET", `/v1/reviews/${id}/links`);
export const decide = (id, decision) => send("POST", `/v1/reviews/${id}/decision`, decision);

async function send(method, path, body) {
  const headers = { "X-Review-Session": sessionStorage.getItem(SESSION) ?? "" };
  if (body) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
  } catch {
    throw new Refused(0, { detail: "The console's server does not answer. Is the command still running?" });
  }
  const document = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, document);
  return document;
}
