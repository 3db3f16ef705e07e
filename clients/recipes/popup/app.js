// Signs in with a separate window while this page stays. It works under Cross-Origin-Opener-Policy: it needs no
// window.opener and no postMessage between windows, because the response comes over a channel of this origin.

import * as oauth from "oauth4webapi";

const $ = (selector) => document.querySelector(selector);
const { issuer, client_id, provider } = await (await fetch("/config.json")).json();
const redirect_uri = `${location.origin}/callback`;
const client = { client_id };
const options = { [oauth.allowInsecureRequests]: issuer.startsWith("http://127.0.0.1:") }; // a broker on this machine
const discovered = await oauth.discoveryRequest(new URL(issuer), options);
const server = await oauth.processDiscoveryResponse(new URL(issuer), discovered);

$("#sign-in").onclick = async () => {
  const tab = open("about:blank", "_blank", "popup,width=520,height=720"); // after an await, it would be blocked
  const [verifier, state, nonce] = [1, 2, 3].map(oauth.generateRandomCodeVerifier);
  const request = new URLSearchParams({
    response_type: "code",
    provider, // without it, the user chooses
    scope: "openid profile",
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    client_id, redirect_uri, state, nonce,
  });
  const url = `${server.authorization_endpoint}?${request}`;
  if (!tab) return location.assign(url); // blocked: sign in by redirect instead
  tab.location.replace(url);
  $("#who").textContent = "Continue in the other window.";
  await finish(await answerTo(state), { verifier, state, nonce }).then(show, fail);
};
$("#sign-in").hidden = false;

/** The response to this request. Another tab of this app may be signing in too. */
function answerTo(state) {
  const channel = new BroadcastChannel("sign-in");
  return new Promise((resolve) => {
    channel.onmessage = ({ data }) => {
      const url = new URL(data);
      if (url.searchParams.get("state") === state) resolve(url);
    };
  }).finally(() => channel.close());
}

async function finish(url, { verifier, state, nonce }) {
  const answer = oauth.validateAuthResponse(server, client, url, state);
  const args = [server, client, oauth.None(), answer, redirect_uri, verifier, options];
  const response = await oauth.authorizationCodeGrantRequest(...args);
  const checks = { expectedNonce: nonce, requireIdToken: true };
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, checks);
  const asked = await oauth.userInfoRequest(server, client, tokens.access_token, options);
  return oauth.processUserInfoResponse(server, client, oauth.getValidatedIdTokenClaims(tokens).sub, asked);
}

function show({ sub, name = sub }) {
  $("#who").textContent = `Signed in as ${name}`;
}

function fail({ error, message }) {
  $("#who").textContent = error === "access_denied" ? "You declined." : message;
}
