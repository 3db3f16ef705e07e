// The server signs the user in, and calls the provider's API through the broker. The browser has only an encrypted cookie.

import { getIronSession } from "iron-session";
import { cookies } from "next/headers";
import * as client from "openid-client";
import providers from "../providers.json";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PROVIDER, APP_URL, SESSION_SECRET } = process.env;
const LOOPBACK = ISSUER.startsWith("http://127.0.0.1:");
const ACCOUNT = `${ISSUER}/proxy/${PROVIDER}/${providers[PROVIDER].path}`;
export const provider = providers[PROVIDER];

export async function readSession() {
  const cookieOptions = { secure: APP_URL.startsWith("https:") };
  return getIronSession(await cookies(), { cookieName: "my-app", password: SESSION_SECRET, cookieOptions });
}

/** The URL to send the browser to. */
export async function startSignIn() {
  const session = await readSession();
  session.checks = { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState() };
  await session.save();
  const url = client.buildAuthorizationUrl(await discover(), {
    redirect_uri: `${APP_URL}/callback`,
    scope: `openid profile offline_access ${provider.scope}`,
    provider: PROVIDER, // without it, the user chooses
    state: session.checks.expectedState,
    code_challenge: await client.calculatePKCECodeChallenge(session.checks.pkceCodeVerifier),
    code_challenge_method: "S256",
  });
  return url.href;
}

/** The URL to send the browser to, after it returned with a query. */
export async function finishSignIn(query) {
  const session = await readSession();
  const { checks } = session;
  if (!checks) return `${APP_URL}/?error=unexpected`; // this browser started no sign-in
  delete session.checks;
  try {
    const broker = await discover();
    const tokens = await client.authorizationCodeGrant(broker, new URL(`${APP_URL}/callback${query}`), checks);
    const { sub } = tokens.claims();
    const user = await client.fetchUserInfo(broker, tokens.access_token, sub);
    Object.assign(session, { name: user.name ?? user.preferred_username ?? sub, ...read(tokens) });
  } catch (error) {
    await session.save();
    return `${APP_URL}/?error=${encodeURIComponent(error.error ?? error.code ?? "failed")}`;
  }
  await session.save();
  return APP_URL;
}

/** What the provider's API returns for the signed-in user; null if nobody is signed in. */
export async function readAccount() {
  const session = await readSession();
  if (!session.refresh_token) return null;
  if (Date.now() > session.expires_at) {
    Object.assign(session, read(await client.refreshTokenGrant(await discover(), session.refresh_token)));
    await session.save();
  }
  return (await fetch(ACCOUNT, { headers: { Authorization: `Bearer ${session.access_token}` } })).json();
}

function read({ access_token, refresh_token, expires_in }) {
  return { access_token, refresh_token, expires_at: Date.now() + (expires_in - 30) * 1000 };
}

function discover() {
  const options = LOOPBACK ? { execute: [client.allowInsecureRequests] } : undefined;
  return client.discovery(new URL(ISSUER), CLIENT_ID, undefined, client.ClientSecretBasic(CLIENT_SECRET), options);
}
