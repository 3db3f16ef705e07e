// Calls the broker's own endpoints with an access token, which any OAuth library can get: docs/broker-js.md.

const CHANNEL = "token-broker";
const PREFIX = "connect-";
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const TYPE = "urn:ietf:params:oauth:token-type:access_token";
const pause = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms));
const nameOf = (/** @type {Connection} */ { connection_id, connected_at }) => `${connection_id} ${connected_at}`;

/**
 * @typedef {object} Connection
 * @property {string} connection_id
 * @property {string} provider
 * @property {string} [label] the account's name at the provider
 * @property {"active" | "partial" | "in_doubt" | "reauth_required"} status
 * @property {string} scope
 * @property {boolean} default
 * @property {number} connected_at epoch seconds
 * @property {number} [access_expires_at] epoch seconds
 * @property {number} [reauth_by] epoch seconds
 *
 * @typedef {object} HandOut
 * @property {string} access_token the provider's own
 * @property {string} token_type
 * @property {number} [expires_in] seconds
 * @property {string} scope in the provider's names
 * @property {string} connection_id
 *
 * @typedef {{ at_provider: string, tokens: { token: string, result: string, reason?: string }[] }} Ending
 * @typedef {{ connection_id: string, missing_scopes?: string }} Connected
 * @typedef {"popup_blocked" | "user_closed" | "access_denied" | "reauth_required" | "unreachable" | (string & {})} Code
 *
 * @typedef {object} Details
 * @property {string} [reason]
 * @property {"after_connect" | "with_new_token" | "never"} [retry]
 * @property {string[]} [missing_scopes]
 * @property {string} [connect_uri]
 * @property {string} [error_id]
 */

/**
 * A call failed. `code` is a code of this module or the broker's registered error code. If `details` has a `connect_uri`,
 * the link works only for this user.
 */
export class BrokerError extends Error {
  /** @param {Code} code @param {Details & { error_description?: string }} [details] */
  constructor(code, { error_description, ...details } = {}) {
    super(error_description || code);
    this.code = code;
    /** @type {Details} */
    this.details = details;
  }
}

/** One signed-in user at one broker. Fires "change" after a connect or a revocation, in this window or another one. */
export class Broker extends EventTarget {
  #channel = openChannel();
  #app;

  /**
   * @param {object} app
   * @param {string} app.issuer
   * @param {string} app.clientId
   * @param {string} app.redirectUri the page that calls finishConnect(); of this page's origin
   * @param {(fresh: boolean) => string | Promise<string>} app.token returns the access token; if `fresh`, a refreshed one
   */
  constructor(app) {
    super();
    this.#app = app;
    this.#channel.onmessage = ({ data }) => data.iss === app.issuer && this.dispatchEvent(new Event("change"));
  }

  /** The user's accounts that this app may use. @returns {Promise<Connection[]>} */
  async connections() {
    return (await this.#call("GET", "/connections")).connections;
  }

  /**
   * The provider's own access token.
   * @param {string} audience a provider or a connection_id @param {string} [scope] the scopes that it must have
   * @returns {Promise<HandOut>}
   */
  exchange(audience, scope = "") {
    const form = { grant_type: EXCHANGE, subject_token_type: TYPE, client_id: this.#app.clientId, audience, scope };
    return this.#call("POST", "/token", form);
  }

  /** Revoke an account, also at the provider. @param {string} connectionId @returns {Promise<Ending>} */
  async revoke(connectionId) {
    const ending = await this.#call("DELETE", `/connections/${connectionId}`);
    this.#channel.postMessage({ iss: this.#app.issuer });
    this.dispatchEvent(new Event("change"));
    return ending;
  }

  /**
   * Let the user connect an account, or allow more scopes. Call it from a click, because it opens a window. Without
   * windows, as in Node, it fails with `popup_blocked`, and `details.connect_uri` is the link to show.
   * @param {string} provider @param {string} [scope] @returns {Promise<Connected>}
   */
  async connect(provider, scope = "") {
    const tab = globalThis.open?.("about:blank", "_blank", "popup,width=520,height=720"); // after an await, it is blocked
    try {
      const state = PREFIX + crypto.randomUUID();
      const before = (await this.connections()).map(nameOf);
      const form = { provider, scope, redirect_uri: this.#app.redirectUri, state };
      const { connect_uri } = await this.#call("POST", "/connect", form);
      if (!tab) throw new BrokerError("popup_blocked", { connect_uri });
      tab.opener = null;
      tab.location.replace(connect_uri);
      const connected = await this.#wait(tab, state, provider, before);
      await this.#app.token(true); // only a refreshed token has the new scopes
      return connected;
    } catch (error) {
      tab?.close();
      throw error;
    }
  }

  /**
   * Under Cross-Origin-Opener-Policy, an open window reads as closed. So it counts as closed only when the user is back
   * on this page, and then the broker knows whether the account was connected.
   * @param {Window} tab @param {string} state @param {string} provider @param {string[]} before
   * @returns {Promise<Connected>}
   */
  async #wait(tab, state, provider, before) {
    const channel = openChannel();
    /** @type {any} */
    let told;
    channel.onmessage = ({ data }) => data.state === state && data.iss === this.#app.issuer && (told = data);
    for (let back = Infinity; !told && Date.now() - back < 2000; await pause(250)) {
      back = tab.closed && document.hasFocus() ? Math.min(back, Date.now()) : Infinity;
    }
    channel.close();
    if (told?.error) throw new BrokerError(told.error, told);
    const isNew = (/** @type {Connection} */ one) => one.provider === provider && !before.includes(nameOf(one));
    const done = told ?? (await this.connections()).find(isNew);
    if (!done) throw new BrokerError("user_closed");
    return { connection_id: done.connection_id, missing_scopes: done.missing_scopes };
  }

  /** @param {string} method @param {string} path @param {Record<string, string>} [form] @returns {Promise<any>} */
  async #call(method, path, form) {
    for (const fresh of [false, true]) {
      const token = await this.#app.token(fresh);
      const exchanged = path === "/token";
      const body = form && new URLSearchParams(exchanged ? { ...form, subject_token: token } : form);
      const headers = exchanged ? undefined : { Authorization: `Bearer ${token}` };
      const answer = await fetch(this.#app.issuer + path, { method, body, headers }).catch(() => {
        throw new BrokerError("unreachable");
      });
      const { error, ...said } = await answer.json().catch(() => ({ error: "unreachable" }));
      if (answer.ok) return said;
      const over = answer.status === 401 || (exchanged && error === "invalid_request");
      const helps = over || said.retry === "with_new_token";
      if (fresh || !helps) throw new BrokerError(said.reason === "reauth_required" ? said.reason : error, said);
    }
  }
}

/** @returns {BroadcastChannel} */
function openChannel() {
  /** @type {BroadcastChannel & { unref?: () => void }} */
  const channel = new BroadcastChannel(CHANNEL);
  channel.unref?.(); // in Node, an open channel would prevent the process from ending
  return channel;
}

/**
 * Call it on the page of your redirect URI. It reports to the page that opened this window, and closes the window if the
 * browser allows it. Returns the response to a connect; null if the URL holds none.
 * @returns {{ iss: string, state: string, connection_id?: string, missing_scopes?: string, error?: string } | null}
 */
export function finishConnect(address = location.href) {
  /** @type {any} */
  const told = Object.fromEntries(new URL(address).searchParams);
  if (!told.state?.startsWith(PREFIX)) return null;
  const channel = openChannel();
  channel.postMessage(told);
  channel.close();
  setTimeout(close, 50);
  return told;
}
