// A page that signs in by redirect with oidc-client-ts, which stores the tokens in this tab's session storage.

import { UserManager } from "oidc-client-ts";
import { Broker, finishConnect } from "/clients/broker.js";
import "/clients/connected-accounts.js";

const $ = (selector) => document.querySelector(selector);
const { issuer, client_id, provider, scope, offers } = await (await fetch("/config.json")).json();
const redirect_uri = `${location.origin}/callback`;
const manager = new UserManager({
  authority: issuer,
  client_id,
  redirect_uri,
  post_logout_redirect_uri: `${location.origin}/`,
  scope,
  loadUserInfo: true, // the user's name
  extraQueryParams: { provider }, // without it, the user chooses
});

$("#sign-in").onclick = () => manager.signinRedirect();
$("#sign-out").onclick = () => manager.signoutRedirect();

if (finishConnect()) {
  $("#who").textContent = "Connected. You can close this window."; // connect() opened this window
} else {
  if (location.pathname === "/callback") await comeBack();
  await show(await manager.getUser());
}

async function comeBack() {
  await manager.signinCallback().catch(({ message }) => ($("#who").textContent = message));
  history.replaceState(null, "", "/"); // the authorization code leaves the address bar
}

async function show(user) {
  $("#sign-in").hidden = Boolean(user);
  $("#sign-out").hidden = !user;
  if (!user) return;
  $("#who").textContent = `Signed in as ${user.profile.name ?? user.profile.sub}`;
  const accounts = $("connected-accounts");
  accounts.offers = offers;
  accounts.broker = new Broker({ issuer, clientId: client_id, redirectUri: redirect_uri, token });
}

async function token(fresh) {
  const user = fresh ? await manager.signinSilent() : await manager.getUser();
  return user.access_token;
}
