// A page that signs in by redirect with oauth4webapi: authorization code and PKCE, tokens only in memory.

import * as oauth from "oauth4webapi";
import { Broker, finishConnect } from "/clients/broker.js";
import "/clients/connected-accounts.js";

const $ = (selector) => document.querySelector(selector);
const { issuer, client_id, provider, scope, offers } = await (await fetch("/config.json")).json();
const redirect_uri = `${location.origin}/callback`;
const client = { client_id };
const options = { [oauth.allowInsecureRequests]: issuer.startsWith("http://127.0.0.1:") }; // a broker on this machine
const discovered = await oauth.discoveryRequest(new URL(issuer), options);
const server = await oauth.processDiscoveryResponse(new URL(issuer), discovered);
let tokens;

if (finishConnect()) {
  $("#who").textContent = "Connected. You can close this window."; // connect() opened this window
} else if (location.pathname === "/callback") {
  await comeBack().then(show, fail);
} else {
  $("#sign-in").hidden = false;
  $("#sign-in").onclick = signIn;
}

async function signIn() {
  const [verifier, state, nonce] = [1, 2, 3].map(oauth.generateRandomCodeVerifier);
  sessionStorage.setItem("asked", JSON.stringify({ verifier, state, nonce }));
  const request = new URLSearchParams({
    response_type: "code",
    provider, // without it, the user chooses
    scope,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    client_id, redirect_uri, state, nonce,
  });
  location.assign(`${server.authorization_endpoint}?${request}`);
}

async function comeBack() {
  const { verifier, state, nonce } = JSON.parse(sessionStorage.getItem("asked"));
  sessionStorage.removeItem("asked");
  const answer = oauth.validateAuthResponse(server, client, new URL(location.href), state);
  history.replaceState(null, "", "/"); // the authorization code leaves the address bar
  const args = [server, client, oauth.None(), answer, redirect_uri, verifier, options];
  const response = await oauth.authorizationCodeGrantRequest(...args);
  const checks = { expectedNonce: nonce, requireIdToken: true };
  tokens = await oauth.processAuthorizationCodeResponse(server, client, response, checks);
  const asked = await oauth.userInfoRequest(server, client, tokens.access_token, options);
  return oauth.processUserInfoResponse(server, client, oauth.getValidatedIdTokenClaims(tokens).sub, asked);
}

async function token(fresh) {
  if (fresh) {
    const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), tokens.refresh_token, options);
    tokens = await oauth.processRefreshTokenResponse(server, client, response);
  }
  return tokens.access_token;
}

function show({ sub, name = sub }) {
  $("#who").textContent = `Signed in as ${name}`;
  const accounts = $("connected-accounts");
  accounts.offers = offers;
  accounts.broker = new Broker({ issuer, clientId: client_id, redirectUri: redirect_uri, token });
}

function fail({ error = "Something failed", message }) {
  $("#who").textContent = error === "access_denied" ? "You declined." : `${error}: ${message}`;
}
