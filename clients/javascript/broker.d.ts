/**
 * Call it on the page of your redirect URI. It reports to the page that opened this window, and closes the window if the
 * browser allows it. Returns the response to a connect; null if the URL holds none.
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
    constructor(code: Code, { error_description, ...details }?: Details & {
        error_description?: string;
    });
    code: Code;
    /** @type {Details} */
    details: Details;
}
/** One signed-in user at one broker. Fires "change" after a connect or a revocation, in this window or another one. */
export class Broker extends EventTarget {
    /**
     * @param {object} app
     * @param {string} app.issuer
     * @param {string} app.clientId
     * @param {string} app.redirectUri the page that calls finishConnect(); of this page's origin
     * @param {(fresh: boolean) => string | Promise<string>} app.token returns the access token; if `fresh`, a refreshed one
     */
    constructor(app: {
        issuer: string;
        clientId: string;
        redirectUri: string;
        token: (fresh: boolean) => string | Promise<string>;
    });
    /** The user's accounts that this app may use. @returns {Promise<Connection[]>} */
    connections(): Promise<Connection[]>;
    /**
     * The provider's own access token.
     * @param {string} audience a provider or a connection_id @param {string} [scope] the scopes that it must have
     * @returns {Promise<HandOut>}
     */
    exchange(audience: string, scope?: string): Promise<HandOut>;
    /** Revoke an account, also at the provider. @param {string} connectionId @returns {Promise<Ending>} */
    revoke(connectionId: string): Promise<Ending>;
    /**
     * Let the user connect an account, or allow more scopes. Call it from a click, because it opens a window. Without
     * windows, as in Node, it fails with `popup_blocked`, and `details.connect_uri` is the link to show.
     * @param {string} provider @param {string} [scope] @returns {Promise<Connected>}
     */
    connect(provider: string, scope?: string): Promise<Connected>;
    #private;
}
export type Connection = {
    connection_id: string;
    provider: string;
    /**
     * the account's name at the provider
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
