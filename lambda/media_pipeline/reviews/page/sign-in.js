// Signing in where the console is hosted: an authorization code with PKCE (RFC 7636). The tokens are this tab's own.

const { login, client, page } = document.documentElement.dataset;
const TOKENS = "review-tokens";
const ASKED = "review-sign-in";
let renewing = null;

export const isHosted = Boolean(login);
const kept = (name) => JSON.parse(sessionStorage.getItem(name) ?? "null");
const keep = (name, value) => sessionStorage.setItem(name, JSON.stringify(value));
const encoded = (data) => btoa(String.fromCharCode(...new Uint8Array(data))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const random = () => encoded(crypto.getRandomValues(new Uint8Array(32)));
const post = (path, fields) => fetch(`${login}/oauth2/${path}`, { method: "POST", body: new URLSearchParams({ client_id: client, ...fields }) });

/** The identity token; empty before signing in. */
export const token = () => kept(TOKENS)?.id_token ?? "";

/** Return once somebody is signed in; who is not is sent to the sign-in page, which comes back here. */
export async function ready() {
  const answer = new URLSearchParams(location.search);
  if (answer.has("state")) {
    const asked = kept(ASKED);
    sessionStorage.removeItem(ASKED);
    history.replaceState(null, "", location.pathname);
    const fields = { grant_type: "authorization_code", code: answer.get("code") ?? "", code_verifier: asked?.verifier ?? "", redirect_uri: page };
    if (answer.get("state") !== asked?.state || !(await exchange(fields))) {
      throw new Error("Signing in did not work. Load this page again to try once more.");
    }
  }
  if (!token()) await begin();
}

/** Renew the identity token; return whether that worked. Several callers at once renew it once. */
export function renew() {
  renewing ??= exchange({ grant_type: "refresh_token", refresh_token: kept(TOKENS)?.refresh_token ?? "" }).finally(() => { renewing = null; });
  return renewing;
}

/** Sign out here and at the sign-in page. */
export async function leave() {
  await post("revoke", { token: kept(TOKENS)?.refresh_token ?? "" }).catch(() => {});
  sessionStorage.removeItem(TOKENS);
  location.assign(`${login}/logout?${new URLSearchParams({ client_id: client, logout_uri: page })}`);
}

async function begin() {
  const asked = { state: random(), verifier: random() };
  keep(ASKED, asked);
  const challenge = encoded(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(asked.verifier)));
  const query = { response_type: "code", client_id: client, redirect_uri: page, scope: "openid email", state: asked.state, code_challenge: challenge, code_challenge_method: "S256" };
  location.assign(`${login}/oauth2/authorize?${new URLSearchParams(query)}`);
  await new Promise(() => {}); // the page is about to go
}

async function exchange(fields) {
  const answer = await post("token", fields).catch(() => null);
  if (answer?.ok) keep(TOKENS, { ...kept(TOKENS), ...(await answer.json()) });
  else if (answer) sessionStorage.removeItem(TOKENS); // refused for good; where there is no answer, a later try may work
  return Boolean(answer?.ok);
}
