// Signs the user in at the broker, and calls the provider's API through it: this page never has the provider's token.

import { UserManager } from "oidc-client-ts";
import providers from "../providers.json";

const { VITE_ISSUER: issuer, VITE_CLIENT_ID: client_id, VITE_PROVIDER: id } = import.meta.env;
export const provider = providers[id as keyof typeof providers];
const manager = new UserManager({
  authority: issuer,
  client_id,
  redirect_uri: `${location.origin}/callback`,
  scope: `openid profile offline_access ${provider.scope}`,
  loadUserInfo: true, // the user's name
  extraQueryParams: { provider: id }, // without it, the user chooses
});

export const signIn = () => manager.signinRedirect();
export const signOut = () => manager.removeUser();

/** The name of the signed-in user; null if nobody is signed in. */
export async function finishSignIn(): Promise<string | null> {
  const returned = location.pathname === "/callback" && location.href;
  history.replaceState(null, "", "/"); // the authorization code leaves the address bar
  if (returned) await manager.signinCallback(returned);
  const user = await manager.getUser();
  return user && (user.profile.name ?? user.profile.preferred_username ?? user.profile.sub);
}

/** What the provider's API returns for the user. */
export async function readAccount(): Promise<unknown> {
  const user = await manager.getUser();
  const token = (user?.expired ? await manager.signinSilent() : user)!.access_token;
  const headers = { Authorization: `Bearer ${token}` };
  return (await fetch(`${issuer}/proxy/${id}/${provider.path}`, { headers })).json();
}
