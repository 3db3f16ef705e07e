// What a single-page app has to do to sign in through the broker, with nothing but fetch and WebCrypto.
// Tokens are returned to the caller and never stored; only state, nonce and the PKCE verifier cross the redirect.

const PENDING = "pending-sign-in";

/**
 * A refusal: `code` as in RFC 6749 or one of our own, `document` the whole answer where there was one, `by` whether the
 * provider gave it or the broker, where a call went through the proxy.
 */
export class Problem extends Error {
  constructor(code, message, document = {}) {
    super(message);
    this.code = code;
    this.document = document;
  }
}

/**
 * One app at one broker.
 *
 * config    { issuer, client_id, providers: [{ id, name, api, things, scope }] }; users sign in at the first provider,
 *           or with `choose` at the one that they choose on the broker's page
 * record    called with (step, exchange) after every request: { method, url, form, bearer, status, answer }
 */
export class App {
  constructor(config, record) {
    const [first] = config.providers;
    this.config = config;
    this.record = record;
    this.redirectUri = `${location.origin}/callback`;
    this.provider = config.choose ? undefined : first.id;
    this.scope = config.scope ?? `openid profile email offline_access ${first.id}:${first.scope}`;
  }

  /** Step 1: the broker's metadata (RFC 8414). Its issuer must be the one that we were configured with. */
  async discover() {
    const url = `${this.config.issuer}/.well-known/oauth-authorization-server`;
    this.metadata = await this.request(1, "GET", url);
    if (this.metadata.issuer !== this.config.issuer) {
      throw new Problem("issuer_mismatch", "The metadata belongs to another issuer.");
    }
  }

  /** Step 2: where to send the browser (RFC 6749 section 4.1.1, RFC 7636). */
  async beginSignIn() {
    const pending = { state: randomText(), nonce: randomText(), code_verifier: randomText() };
    sessionStorage.setItem(PENDING, JSON.stringify(pending));
    return this.#authorizationUrl(pending);
  }

  async #authorizationUrl({ state, nonce, code_verifier }) {
    const url = new URL(this.metadata.authorization_endpoint);
    url.search = new URLSearchParams({
      response_type: "code",
      client_id: this.config.client_id,
      redirect_uri: this.redirectUri,
      scope: this.scope,
      ...(this.provider && { provider: this.provider }),
      state,
      nonce,
      code_challenge: base64url(await sha256(code_verifier)),
      code_challenge_method: "S256",
    });
    return url.href;
  }

  /** Step 6: check who answers and to what, then redeem the code. Returns { tokens, claims, asked }. */
  async finishSignIn(answer) {
    const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
    sessionStorage.removeItem(PENDING);
    if (!pending || answer.get("state") !== pending.state) {
      throw new Problem("state_mismatch", "This answer belongs to no sign-in that this tab began.");
    }
    if (answer.get("iss") !== this.config.issuer) {
      throw new Problem("issuer_mismatch", "The answer does not come from the broker that we asked.");
    }
    if (answer.has("error")) {
      throw new Problem(answer.get("error"), answer.get("error_description") ?? "");
    }
    const asked = await this.#authorizationUrl(pending);
    const tokens = await this.token(6, {
      grant_type: "authorization_code",
      code: answer.get("code") ?? "",
      redirect_uri: this.redirectUri,
      code_verifier: pending.code_verifier,
    });
    return { tokens, asked, claims: await this.#verifyIdToken(tokens.id_token, pending.nonce) };
  }

  /** The user's profile (OpenID Connect Core section 5.3). */
  userinfo(tokens, step = 6) {
    return this.request(step, "GET", this.metadata.userinfo_endpoint, { bearer: tokens.access_token });
  }

  /** New tokens for the refresh token, which works once (RFC 6749 section 6). */
  async refresh(tokens) {
    const fresh = await this.token("later", { grant_type: "refresh_token", refresh_token: tokens.refresh_token });
    return { ...tokens, ...fresh };
  }

  /** End the grant and with it every token of it (RFC 7009). */
  revoke(tokens) {
    const form = { token: tokens.refresh_token ?? tokens.access_token, client_id: this.config.client_id };
    return this.request("later", "POST", this.metadata.revocation_endpoint, { form });
  }

  /** One request to the token endpoint, as this client. */
  async token(step, form) {
    const answer = await this.request(step, "POST", this.metadata.token_endpoint, {
      form: { ...form, client_id: this.config.client_id },
    });
    return { ...answer, received_at: Date.now() };
  }

  async #verifyIdToken(idToken, nonce) {
    const [head, body, signature] = (idToken ?? "").split(".");
    if (!signature) throw new Problem("id_token_invalid", "There is no ID token in the answer.");
    const header = readJson(head);
    const { keys } = await this.request(6, "GET", this.metadata.jwks_uri);
    const jwk = keys.find((key) => key.kid === header.kid && key.kty === "EC");
    if (header.alg !== "ES256" || !jwk) throw new Problem("id_token_invalid", "Its key or algorithm is not the broker's.");
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["verify"]);
    const signed = new TextEncoder().encode(`${head}.${body}`);
    if (!(await crypto.subtle.verify(algorithm, key, fromBase64url(signature), signed))) {
      throw new Problem("id_token_invalid", "Its signature does not hold.");
    }
    const claims = readJson(body);
    const mine = claims.iss === this.config.issuer && claims.aud === this.config.client_id && claims.nonce === nonce;
    if (!mine || claims.exp * 1000 <= Date.now()) {
      throw new Problem("id_token_invalid", "It was made for another app, another sign-in or another time.");
    }
    return claims;
  }

  /** One request and its JSON answer, on the record. Throws Problem for whatever is no good answer. */
  async request(step, method, url, { form, bearer, headers = {} } = {}) {
    const exchange = { method, url, form, bearer, headers };
    let response;
    try {
      response = await fetch(url, {
        method,
        headers: bearer ? { ...headers, Authorization: `Bearer ${bearer}` } : headers,
        body: form && new URLSearchParams(form),
        credentials: "omit",
        cache: "no-store",
      });
    } catch {
      this.record(step, { ...exchange, status: 0, answer: "no answer" });
      throw new Problem("unreachable", `No answer from ${new URL(url).host}.`);
    }
    const text = await response.text();
    const answer = parseJson(text);
    this.record(step, { ...exchange, status: response.status, answer: answer ?? text });
    if (!response.ok) {
      const problem = new Problem(answer?.error ?? `http_${response.status}`, answer?.error_description ?? "", answer ?? {});
      throw Object.assign(problem, { by: response.headers.get("Broker-Answer") });
    }
    if (answer === undefined) throw new Problem("unreadable", "The answer is not JSON.");
    return answer;
  }
}

export const randomText = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const sha256 = (text) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
const readJson = (part) => JSON.parse(new TextDecoder().decode(fromBase64url(part)));

function base64url(bytes) {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64url(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
