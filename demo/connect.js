// Connecting an account: a link for exactly this user and app, opened in a tab of its own, and the way back from there.
// What comes back in that tab is a hint and nothing more: the first tab asks the broker what is connected.

import { Problem, randomText } from "./oauth.js";

const CHANNEL = "connected";
const PREFIX = "connect-";
const MEMBERS = ["iss", "state", "connection_id", "missing_scopes", "error", "error_description"];

/** Ask for a link, and send a tab there that the click has opened. Returns the state that will come back. */
export async function openConnect(app, tokens, provider) {
  const tab = window.open("about:blank", "_blank"); // before any waiting, or it counts as a pop-up that nobody asked for
  const state = PREFIX + randomText();
  try {
    const form = { provider: provider.id, scope: provider.scope, redirect_uri: app.redirectUri, state };
    const url = `${app.config.issuer}/connect`;
    const { connect_uri } = await app.request("later", "POST", url, { form, bearer: tokens.access_token });
    if (!isLink(app, connect_uri)) throw new Problem("unreadable", "The link does not lead to the broker.");
    if (!tab) throw new Problem("tab_blocked", "The browser opened no tab.", { connect_uri });
    tab.opener = null;
    tab.location.replace(connect_uri);
  } catch (problem) {
    tab?.close();
    throw problem;
  }
  return state;
}

/** A link is only followed to where links of this broker are. */
export function isLink(app, uri) {
  return typeof uri === "string" && uri.startsWith(`${app.config.issuer}/connect/`);
}

/** Whether an answer at the redirect URI ends a connect and no sign-in; links of refusals carry no state. */
export function isConnectAnswer(answer) {
  if (answer.has("state")) return answer.get("state").startsWith(PREFIX);
  return answer.has("connection_id") || answer.has("error");
}

/** In the tab that came back: tell the others, and say whether it worked. */
export function tellOthers(app, answer) {
  if (answer.get("iss") !== app.config.issuer) {
    throw new Problem("issuer_mismatch", "The answer does not come from the broker that we asked.");
  }
  const told = Object.fromEntries(MEMBERS.filter((name) => answer.has(name)).map((name) => [name, answer.get(name)]));
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(told);
  channel.close();
  return told;
}

/** In the first tab: hear of it. `hear` gets the members of an answer of our broker. */
export function listen(app, hear) {
  new BroadcastChannel(CHANNEL).addEventListener("message", ({ data }) => {
    if (data?.iss === app.config.issuer) hear(data);
  });
}
