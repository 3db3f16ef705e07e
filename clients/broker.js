// What a page asks of the broker itself, with an access token that any OAuth library got: docs/broker-js.md.

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
 * @property {string} [label] whose account it is there
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
 * Why something could not be had. `code` is one of those of this file or the broker's registered one; `connect_uri` in
 * `details`, where it is there, is a link for this user alone.
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

/** One signed-in user at one broker. Fires "change" when something was connected or revoked, in whatever window. */
export class Broker extends EventTarget {
  #channel = new BroadcastChannel(CHANNEL);
  #app;

  /**
   * @param {object} app
   * @param {string} app.issuer
   * @param {string} app.clientId
   * @param {string} app.redirectUri where finishConnect() is called; of this page's origin
   * @param {(fresh: boolean) => string | Promise<string>} app.token the access token; when `fresh`, a refreshed one
   */
  constructor(app) {
    super();
    this.#app = app;
    this.#channel.onmessage = ({ data }) => data.iss === app.issuer && this.dispatchEvent(new Event("change"));
  }

  /** What this app holds of its user. @returns {Promise<Connection[]>} */
  async connections() {
    return (await this.#call("GET", "/connections")).connections;
  }

  /**
   * A provider's own token.
   * @param {string} audience a provider or a connection_id @param {string} [scope] what it must allow
   * @returns {Promise<HandOut>}
   */
  exchange(audience, scope = "") {
    const form = { grant_type: EXCHANGE, subject_token_type: TYPE, client_id: this.#app.clientId, audience, scope };
    return this.#call("POST", "/token", form);
  }

  /** Take an account back, at the provider too. @param {string} connectionId @returns {Promise<Ending>} */
  async revoke(connectionId) {
    const ending = await this.#call("DELETE", `/connections/${connectionId}`);
    this.#channel.postMessage({ iss: this.#app.issuer });
    this.dispatchEvent(new Event("change"));
    return ending;
  }

  /**
   * Let the user connect an account, or allow more: call it from a click, since it opens a window.
   * @param {string} provider @param {string} [scope] @returns {Promise<Connected>}
   */
  async connect(provider, scope = "") {
    const tab = open("about:blank", "_blank", "popup,width=520,height=720"); // before any waiting, or it is blocked
    try {
      const state = PREFIX + crypto.randomUUID();
      const before = (await this.connections()).map(nameOf);
      const form = { provider, scope, redirect_uri: this.#app.redirectUri, state };
      const { connect_uri } = await this.#call("POST", "/connect", form);
      if (!tab) throw new BrokerError("popup_blocked", { connect_uri });
      tab.opener = null;
      tab.location.replace(connect_uri);
      const connected = await this.#wait(tab, state, provider, before);
      await this.#app.token(true); // the scopes that were allowed stand in the next one
      return connected;
    } catch (error) {
      tab?.close();
      throw error;
    }
  }

  /**
   * Cross-Origin-Opener-Policy cuts the window off, and one that is cut off reads as closed: so it counts as closed
   * only once the user is back on this page, and then the broker is asked whether it was done all the same.
   * @param {Window} tab @param {string} state @param {string} provider @param {string[]} before
   * @returns {Promise<Connected>}
   */
  async #wait(tab, state, provider, before) {
    const channel = new BroadcastChannel(CHANNEL);
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

/**
 * On the page of your redirect URI: tells the page that asked, and closes this window where the browser lets it.
 * Returns the answer of a connect, and null where the address is that of a sign-in or of nothing.
 * @returns {{ iss: string, state: string, connection_id?: string, missing_scopes?: string, error?: string } | null}
 */
export function finishConnect(address = location.href) {
  /** @type {any} */
  const told = Object.fromEntries(new URL(address).searchParams);
  if (!told.state?.startsWith(PREFIX)) return null;
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(told);
  channel.close();
  setTimeout(close, 50);
  return told;
}
