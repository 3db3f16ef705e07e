// What is connected, and taking it back: GET and DELETE /connections, and both in plain words.

const STATUS = {
  active: "Connected",
  partial: "Connected, with less than was asked",
  in_doubt: "A refresh was interrupted",
  reauth_required: "Has to be connected again",
};
const TOKENS = {
  refresh_token: "Refresh token",
  access_token: "Access token",
  running_refresh: "A refresh that was running",
  lost_answer: "An answer that was lost",
};
const RESULTS = {
  revoked: { mark: "✓", word: "Revoked", all: "Nothing of it is alive at NAME any more." },
  not_supported: { mark: "–", word: "Not supported", all: "It is over here, but NAME offers no call that ends it there." },
  kept_shared: { mark: "=", word: "Kept, shared", all: "It is over here, and kept at NAME for another app of yours." },
  pending: { mark: "…", word: "Pending", all: "It is over here; at NAME it ends as soon as that can be known." },
  failed: { mark: "!", word: "Failed", all: "It is over here, but NAME did not take the call." },
};

/** What this app holds of its user: { connections, ended }. */
export function listConnections(app, tokens) {
  return app.request("later", "GET", `${app.config.issuer}/connections`, { bearer: tokens.access_token });
}

/** Take one back. Returns what became of each token at the provider. */
export function disconnect(app, tokens, account) {
  const url = `${app.config.issuer}/connections/${account.connection_id}`;
  return app.request("later", "DELETE", url, { bearer: tokens.access_token });
}

/** How an account stands, and how long the token in the vault is still good. */
export function describeAccount({ status, access_expires_at }) {
  const said = STATUS[status] ?? status;
  if (!access_expires_at || status === "reauth_required") return said;
  const left = Math.ceil(access_expires_at - Date.now() / 1000);
  if (left <= 0) return `${said} · its token has ended, the next call gets a new one`;
  return `${said} · its token is good for ${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}

/** What became of a connection: a sentence for all of it, and { token, result, mark, word, reason } of each token. */
export function describeEnding({ at_provider, tokens }, providerName) {
  return {
    all: (RESULTS[at_provider]?.all ?? "It is over here.").replace("NAME", providerName),
    tokens: tokens.map(({ token, result, reason }) => {
      const { mark, word } = RESULTS[result] ?? { mark: "?", word: result };
      return { token: TOKENS[token] ?? token, result, mark, word, reason };
    }),
  };
}
