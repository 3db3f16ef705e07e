// Uses a browser session of the broker: this page has a cookie that it cannot read, and no token at all.

import providers from "../providers.json";
import { createSession } from "./session.js";

const { VITE_ISSUER: issuer, VITE_CLIENT_ID: client_id, VITE_PROVIDER: id } = import.meta.env;
export const provider = providers[id as keyof typeof providers];
const session = createSession(issuer, client_id, "/");

export const signIn = () => session.signIn({ provider: id });
export const signOut = () => session.signOut();

/** The name of the signed-in user; null if nobody is signed in. */
export async function finishSignIn(): Promise<string | null> {
  const refused = new URLSearchParams(location.search).get("error");
  history.replaceState(null, "", "/");
  if (refused) throw new Error(refused);
  const found = await session.read();
  return found && (found.user.name ?? found.user.preferred_username ?? found.user.sub);
}

/** What the provider's API returns for the user. */
export async function readAccount(): Promise<unknown> {
  return (await session.call(`/proxy/${id}/${provider.path}`)).json();
}
