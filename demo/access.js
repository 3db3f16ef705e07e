// The two ways to a provider's data: its token in our hands for a while, or a call through the broker.

import { Problem } from "./oauth.js";

const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";

/**
 * Step 7: swap our access token for the provider's (RFC 8693), then call its API with that.
 *
 * provider   one of config.providers
 * account    a connection_id; without one the provider's default account
 */
export async function readByHandOut(app, tokens, provider, account) {
  const handed = await app.token(7, {
    grant_type: TOKEN_EXCHANGE,
    subject_token: tokens.access_token,
    subject_token_type: ACCESS_TOKEN,
    requested_token_type: ACCESS_TOKEN,
    audience: account ?? provider.id,
    scope: provider.scope,
  });
  const url = `${provider.api}/${provider.things}`;
  return app.request(7, "GET", url, { bearer: handed.access_token, headers: provider.headers }).catch((problem) => explainRefusal(provider, problem));
}

/** The same call through the broker: no token of the provider ever comes here. */
export async function readThroughProxy(app, tokens, provider, account) {
  const url = `${app.config.issuer}/proxy/${provider.id}/${provider.things}`;
  const headers = account ? { "Broker-Connection": account } : {};
  return app.request("later", "GET", url, { bearer: tokens.access_token, headers }).catch((problem) => {
    if (problem.by !== "provider") throw problem;
    return explainRefusal(provider, problem);
  });
}

/** The provider itself has refused: what it calls an invalid token is its own, not ours. */
function explainRefusal(provider, problem) {
  if (problem.code !== "invalid_token") throw problem;
  throw new Problem("token_ended_there", `${provider.name} does not take its own token any more.`);
}

/** Of a provider that is only played: how often it was asked to refresh; undefined of any other. */
export async function countRefreshes(app, provider) {
  if (!app.config.played?.includes(provider.id)) return undefined;
  const response = await fetch(`/played/${provider.id}`, { cache: "no-store" });
  return response.ok ? (await response.json()).refreshes : undefined;
}

/** Of a provider that is only played: "expire" its access tokens, or "remove" this app in its user's settings there. */
export async function play(provider, lever) {
  const response = await fetch(`/played/${provider.id}/${lever}`, { method: "POST" });
  if (!response.ok) throw new Problem("unreachable", `${provider.name} cannot be played with.`);
}
