// Signs a user in through the broker, then reads the user's account from the provider's API.

import { type User, UserManager } from "oidc-client-ts";
import { useState } from "react";
import { createRoot } from "react-dom/client";
import { providerOf } from "./providers";

const { VITE_ISSUER: issuer, VITE_CLIENT_ID: client_id, VITE_PROVIDER: provider } = import.meta.env;
const { name, scope, path } = providerOf(provider);
const manager = new UserManager({
  authority: issuer,
  client_id,
  redirect_uri: `${location.origin}/callback`,
  scope: `openid profile offline_access ${scope}`,
  loadUserInfo: true, // the user's name
  extraQueryParams: { provider }, // without it, the user chooses
});

function App({ user }: { user: User | null }) {
  if (!user) return <button onClick={() => manager.signinRedirect()}>Continue with {name}</button>;
  return (
    <>
      <p id="who">Signed in as {user.profile.name ?? user.profile.preferred_username}</p>
      <Account />
      <button onClick={() => manager.removeUser().then(() => location.reload())}>Sign out of this app</button>
    </>
  );
}

/** The broker calls the provider's API, so this page never has the provider's token. */
function Account() {
  const [shown, show] = useState("");
  const read = async () => {
    const user = await manager.getUser();
    const token = (user?.expired ? await manager.signinSilent() : user)!.access_token;
    const response = await fetch(`${issuer}/proxy/${provider}/${path}`, { headers: { Authorization: `Bearer ${token}` } });
    show(JSON.stringify(await response.json(), null, 2));
  };
  return (
    <>
      <p><button onClick={() => read().catch((error: Error) => show(error.message))}>Read my {name} account</button></p>
      <pre>{shown}</pre>
    </>
  );
}

async function finishSignIn() {
  if (location.pathname === "/callback") await manager.signinCallback();
  history.replaceState(null, "", "/"); // the authorization code leaves the address bar
  return manager.getUser();
}

createRoot(document.querySelector("#app")!).render(<App user={await finishSignIn()} />);
