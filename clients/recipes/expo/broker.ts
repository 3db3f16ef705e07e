// Expo: the user signs in with the system's browser, which is redirected to the app. In production, use a claimed https
// link, which no other app can take. The refresh token is stored in the keychain, the access token in memory.

import {
  AuthRequest,
  exchangeCodeAsync,
  fetchDiscoveryAsync,
  refreshAsync,
  revokeAsync,
  type TokenResponse,
} from "expo-auth-session";
import { randomUUID } from "expo-crypto";
import { deleteItemAsync, getItemAsync, setItemAsync } from "expo-secure-store";
import { openAuthSessionAsync } from "expo-web-browser";

const issuer = process.env.EXPO_PUBLIC_ISSUER ?? "https://login.example.com";
const clientId = process.env.EXPO_PUBLIC_CLIENT_ID ?? "the id of your app";
const redirectUri = process.env.EXPO_PUBLIC_REDIRECT_URI ?? "https://app.example.com/callback";
const scopes = (process.env.EXPO_PUBLIC_SCOPE ?? "openid profile offline_access github:repo").split(" ");
const discovery = fetchDiscoveryAsync(issuer);

/** The access token; null if the user closed the browser. Throws if the response is not valid. */
export async function signIn(): Promise<string | null> {
  const request = new AuthRequest({ clientId, redirectUri, scopes, usePKCE: true });
  const answer = await request.promptAsync(await discovery); // compares `state`
  if (answer.type !== "success") return null;
  const { code = "", iss } = answer.params;
  if (iss !== issuer) throw new Error("The response is from another server.");
  const extraParams = { code_verifier: request.codeVerifier ?? "" };
  return keep(await exchangeCodeAsync({ clientId, redirectUri, code, extraParams }, await discovery));
}

/** A refreshed access token; null if the user must sign in again. */
export async function refresh(): Promise<string | null> {
  const refreshToken = await getItemAsync("refresh_token");
  return refreshToken && keep(await refreshAsync({ clientId, refreshToken }, await discovery));
}

/** Let the user connect an account: its connection_id; null if the user did not connect. Refresh afterwards. */
export async function connect(accessToken: string, provider: string, scope: string): Promise<string | null> {
  const state = randomUUID();
  const answer = await fetch(`${issuer}/connect`, {
    method: "POST",
    headers: { Authorization: `Bearer ${accessToken}`, "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ provider, scope, redirect_uri: redirectUri, state }).toString(),
  });
  const { connect_uri } = (await answer.json()) as { connect_uri?: string };
  if (!connect_uri) throw new Error("The broker gave no link.");
  const back = await openAuthSessionAsync(connect_uri, redirectUri);
  if (back.type !== "success") return null;
  const told = new URL(back.url).searchParams;
  return told.get("state") === state && told.get("iss") === issuer ? told.get("connection_id") : null;
}

export async function signOut(): Promise<void> {
  const token = await getItemAsync("refresh_token");
  if (token) await revokeAsync({ clientId, token }, await discovery);
  await deleteItemAsync("refresh_token");
}

async function keep({ accessToken, refreshToken }: TokenResponse): Promise<string> {
  if (refreshToken) await setItemAsync("refresh_token", refreshToken);
  return accessToken;
}
