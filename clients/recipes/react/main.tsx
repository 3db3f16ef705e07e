// React: the sign-in is finished before the first render, so no effect runs it twice.

import { type User, UserManager } from "oidc-client-ts";
import { useState } from "react";
import { createRoot } from "react-dom/client";
import { Broker, BrokerError, finishConnect } from "../../javascript/broker.js";
import type { ConnectedAccounts, Offer } from "../../javascript/connected-accounts.js";
import "../../javascript/connected-accounts.js";

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "connected-accounts": Partial<Pick<ConnectedAccounts, "broker" | "offers" | "words">>;
    }
  }
}

type Config = { issuer: string; client_id: string; offers: (Offer & { api: string })[] };
const { issuer, client_id, offers }: Config = await (await fetch("/config.json")).json();
const redirect_uri = `${location.origin}/callback`;
const manager = new UserManager({
  authority: issuer,
  client_id,
  redirect_uri,
  scope: "openid profile offline_access demo:notes:read",
  loadUserInfo: true, // the user's name
  extraQueryParams: { provider: "demo" }, // without it, the user chooses
});
const token = async (fresh: boolean) => (await (fresh ? manager.signinSilent() : manager.getUser()))!.access_token;
const broker = new Broker({ issuer, clientId: client_id, redirectUri: redirect_uri, token });

function App({ user }: { user: User | null }) {
  if (!user) return <button onClick={() => manager.signinRedirect()}>Sign in</button>;
  return (
    <>
      <p id="who">Signed in as {user.profile.name}</p>
      <connected-accounts broker={broker} offers={offers} />
      <Notes />
    </>
  );
}

/** Calls the provider's API with its own token, which the broker hands out. */
function Notes() {
  const [shown, show] = useState("");
  const read = async () => {
    const { access_token } = await broker.exchange("demo");
    const answer = await fetch(offers[0]!.api, { headers: { Authorization: `Bearer ${access_token}` } });
    show(`The notes of ${(await answer.json()).owner}`);
  };
  const fail = (error: BrokerError) => show(error.code === "reauth_required" ? "Connect it again." : error.message);
  return <p><button onClick={() => read().catch(fail)}>Read the notes</button> {shown}</p>;
}

async function comeBack() {
  if (location.pathname === "/callback") await manager.signinCallback();
  history.replaceState(null, "", "/"); // the authorization code leaves the address bar
  return manager.getUser();
}

const root = createRoot(document.querySelector("#app")!);
if (finishConnect()) root.render("Connected. You can close this window."); // connect() opened this window
else root.render(<App user={await comeBack()} />);
