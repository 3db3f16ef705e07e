/**
 * On the page of your redirect URI: tells the page that asked, and closes this window where the browser lets it.
 * Returns the answer of a connect, and null where the address is that of a sign-in or of nothing.
 * @returns {{ iss: string, state: string, connection_id?: string, missing_scopes?: string, error?: string } | null}
 */
export function finishConnect(address?: string): {
    iss: string;
    state: string;
    connection_id?: string;
    missing_scopes?: string;
    error?: string;
} | null;
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
    constructor(code: Code, { error_description, ...details }?: Details & {
        error_description?: string;
    });
    code: Code;
    /** @type {Details} */
    details: Details;
}
/** One signed-in user at one broker. Fires "change" when something was connected or revoked, in whatever window. */
export class Broker extends EventTarget {
    /**
     * @param {object} app
     * @param {string} app.issuer
     * @param {string} app.clientId
     * @param {string} app.redirectUri where finishConnect() is called; of this page's origin
     * @param {(fresh: boolean) => string | Promise<string>} app.token the access token; when `fresh`, a refreshed one
     */
    constructor(app: {
        issuer: string;
        clientId: string;
        redirectUri: string;
        token: (fresh: boolean) => string | Promise<string>;
    });
    /** What this app holds of its user. @returns {Promise<Connection[]>} */
    connections(): Promise<Connection[]>;
    /**
     * A provider's own token.
     * @param {string} audience a provider or a connection_id @param {string} [scope] what it must allow
     * @returns {Promise<HandOut>}
     */
    exchange(audience: string, scope?: string): Promise<HandOut>;
    /** Take an account back, at the provider too. @param {string} connectionId @returns {Promise<Ending>} */
    revoke(connectionId: string): Promise<Ending>;
    /**
     * Let the user connect an account, or allow more: call it from a click, since it opens a window.
     * @param {string} provider @param {string} [scope] @returns {Promise<Connected>}
     */
    connect(provider: string, scope?: string): Promise<Connected>;
    #private;
}
export type Connection = {
    connection_id: string;
    provider: string;
    /**
     * whose account it is there
     */
    label?: string | undefined;
    status: "active" | "partial" | "in_doubt" | "reauth_required";
    scope: string;
    default: boolean;
    /**
     * epoch seconds
     */
    connected_at: number;
    /**
     * epoch seconds
     */
    access_expires_at?: number | undefined;
    /**
     * epoch seconds
     */
    reauth_by?: number | undefined;
};
export type HandOut = {
    /**
     * the provider's own
     */
    access_token: string;
    token_type: string;
    /**
     * seconds
     */
    expires_in?: number | undefined;
    /**
     * in the provider's names
     */
    scope: string;
    connection_id: string;
};
export type Ending = {
    at_provider: string;
    tokens: {
        token: string;
        result: string;
        reason?: string;
    }[];
};
export type Connected = {
    connection_id: string;
    missing_scopes?: string;
};
export type Code = "popup_blocked" | "user_closed" | "access_denied" | "reauth_required" | "unreachable" | (string & {});
export type Details = {
    reason?: string | undefined;
    retry?: "after_connect" | "with_new_token" | "never" | undefined;
    missing_scopes?: string[] | undefined;
    connect_uri?: string | undefined;
    error_id?: string | undefined;
};
