// Electron: the user signs in with their own browser, which is redirected to a free port of this machine (RFC 8252
// section 7.3). Only the refresh token is stored, encrypted with the system's keychain. The app's window gets no token.

import { app, safeStorage, shell } from "electron";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import * as client from "openid-client";

if (existsSync(".env")) process.loadEnvFile();
const { BROKER = "https://login.example.com", CLIENT_ID = "the id of your app", PROVIDER = "demo" } = process.env;
const { SCOPE = "openid profile offline_access demo:notes:read" } = process.env;
const DONE = "<!doctype html><title>Signed in</title><p>Signed in. Go back to the app.";

async function signIn() {
  const plain = BROKER.startsWith("http://127.0.0.1:") ? [client.allowInsecureRequests] : []; // a broker on this machine
  const broker = await client.discovery(new URL(BROKER), CLIENT_ID, undefined, client.None(), { execute: plain });
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(broker, {
    redirect_uri: `http://127.0.0.1:${port}/callback`,
    scope: SCOPE,
    provider: PROVIDER, // without it, the user chooses
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
  });
  const answer = answerTo(server, port, expectedState);
  await shell.openExternal(url.href);
  const checks = { pkceCodeVerifier, expectedState, expectedNonce };
  const tokens = await client.authorizationCodeGrant(broker, await answer, checks);
  await keep(tokens.refresh_token ?? "");
  return client.fetchUserInfo(broker, tokens.access_token, tokens.claims()?.sub ?? "");
}

/** The URL that the browser is redirected to. Every other request is refused.
 * @param {import("node:http").Server} server @param {number} port @param {string} state @returns {Promise<URL>} */
function answerTo(server, port, state) {
  return new Promise((resolve) => {
    server.on("request", (request, response) => {
      const url = new URL(request.url ?? "/", `http://127.0.0.1:${port}`);
      if (url.searchParams.get("state") !== state) return response.writeHead(404).end();
      response.writeHead(200, { "Content-Type": "text/html", Connection: "close" }).end(DONE, () => server.close());
      resolve(url);
    });
  });
}

/** @param {string} refreshToken */
async function keep(refreshToken) {
  const folder = app.getPath("userData");
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, "session"), safeStorage.encryptString(refreshToken), { mode: 0o600 });
}

await app.whenReady();
const { name } = await signIn();
console.log(`Signed in as ${name}`);
app.quit();
