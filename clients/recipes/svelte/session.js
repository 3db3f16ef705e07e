// The signed-in user. oidc-client-ts stores the tokens, and token-broker-client asks for them.

import { UserManager } from "oidc-client-ts";
import { Broker } from "../../javascript/broker.js";
import "../../javascript/connected-accounts.js";

export const { issuer, client_id, offers } = await (await fetch("/config.json")).json();
const redirect_uri = `${location.origin}/callback`;
export const manager = new UserManager({
  authority: issuer,
  client_id,
  redirect_uri,
  scope: "openid profile offline_access demo:notes:read",
  loadUserInfo: true, // the user's name
  extraQueryParams: { provider: "demo" }, // without it, the user chooses
});
const token = async (fresh) => (await (fresh ? manager.signinSilent() : manager.getUser())).access_token;
export const broker = new Broker({ issuer, clientId: client_id, redirectUri: redirect_uri, token });
