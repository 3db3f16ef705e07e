// oauth4webapi, in Node and in a page alike: told the issuer, it finds the rest.

import * as oauth from 'oauth4webapi'
import { expect, expectError, wait } from './expecting.mjs'

const plain = { [oauth.allowInsecureRequests]: true } // http on loopback
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

export const flows = {
  async code(scene) {
    const { tokens, claims } = await signIn(scene, scene.apps.public)
    expect(tokens.token_type === 'bearer' && claims.iss === scene.issuer, 'a bearer token and an ID token of ours')
  },

  async refresh(scene) {
    const { as, client, tokens } = await signIn(scene, scene.apps.public)
    const held = tokens.refresh_token
    const response = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), held, plain)
    const fresh = await oauth.processRefreshTokenResponse(as, client, response)
    expect(fresh.refresh_token !== held && fresh.access_token !== tokens.access_token, 'other tokens than before')
  },

  async revoke(scene) {
    const { as, client, tokens } = await signIn(scene, scene.apps.public)
    const response = await oauth.revocationRequest(as, client, oauth.None(), tokens.refresh_token, plain)
    await oauth.processRevocationResponse(response)
    const again = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), tokens.refresh_token, plain)
    await expectError('invalid_grant', () => oauth.processRefreshTokenResponse(as, client, again))
  },

  async introspect(scene) {
    const { as, client, tokens } = await signIn(scene, scene.apps.public)
    const api = { client_id: scene.apps.api.client_id }
    const basic = oauth.ClientSecretBasic(scene.apps.api.secret)
    const response = await oauth.introspectionRequest(as, api, basic, tokens.access_token, plain)
    const told = await oauth.processIntrospectionResponse(as, api, response)
    expect(told.active === true && told.client_id === client.client_id, 'a living token of the app')
    const options = { ...plain, requestJwtResponse: true }
    const asked = await oauth.introspectionRequest(as, api, basic, tokens.access_token, options)
    const signed = await oauth.processIntrospectionResponse(as, api, asked)
    await oauth.validateApplicationLevelSignature(as, asked, plain)
    expect(signed.active === true, 'the same, signed by the broker')
  },

  async userinfo(scene) {
    const { as, client, tokens, claims } = await signIn(scene, scene.apps.public)
    const response = await oauth.userInfoRequest(as, client, tokens.access_token, plain)
    const told = await oauth.processUserInfoResponse(as, client, claims.sub, response)
    expect(told.name.startsWith('Alice'), 'the name')
  },

  async keys(scene) {
    const { as, tokens, response } = await signIn(scene, scene.apps.public)
    await oauth.validateApplicationLevelSignature(as, response, plain)
    const request = new Request(scene.issuer, { headers: { authorization: `Bearer ${tokens.access_token}` } })
    const claims = await oauth.validateJwtAccessToken(as, request, scene.issuer, plain)
    expect(claims.client_id === scene.apps.public.client_id, 'the access token to name the app')
  },

  async device(scene) {
    const as = await discover(scene)
    const client = { client_id: scene.apps.television.client_id }
    const asked = await oauth.deviceAuthorizationRequest(as, client, oauth.None(), { scope: scene.scope }, plain)
    const told = await oauth.processDeviceAuthorizationResponse(as, client, asked)
    const poll = async () => oauth.processDeviceCodeResponse(
      as, client, await oauth.deviceCodeGrantRequest(as, client, oauth.None(), told.device_code, plain))
    await expectError('authorization_pending', poll)
    await scene.device(told.verification_uri_complete)
    const tokens = await untilApproved(poll, told.interval)
    expect(tokens.access_token && tokens.refresh_token, 'the tokens of who has approved')
  },

  async par(scene) {
    for (const app of [scene.apps.public, scene.apps.keyed]) {
      const { tokens } = await signIn(scene, app, { proof: await prove(app), pushed: true })
      expect(tokens.id_token, 'a sign-in by a pushed request')
    }
  },

  // The broker wants a nonce of its own in every proof: the first try is refused with one, the second holds it.
  async dpop(scene) {
    const as = await discover(scene)
    const client = { client_id: scene.apps.public.client_id }
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
    const { tokens, claims, refused } = await signIn(scene, scene.apps.public, { DPoP })
    expect(tokens.token_type === 'dpop' && refused === 1, 'a token bound to the key, at the second try')
    const options = { ...plain, DPoP }
    const told = await withNonce(async () => oauth.processUserInfoResponse(
      as, client, claims.sub, await oauth.userInfoRequest(as, client, tokens.access_token, options)))
    expect(told.name.startsWith('Alice'), 'userinfo with a proof')
    const fresh = await withNonce(async () => oauth.processRefreshTokenResponse(
      as, client, await oauth.refreshTokenGrantRequest(as, client, oauth.None(), tokens.refresh_token, options)))
    expect(fresh.token_type === 'dpop', 'a token bound to the key again')
    const bare = await fetch(as.userinfo_endpoint, { headers: { authorization: `Bearer ${fresh.access_token}` } })
    expect(bare.status === 401, 'the token alone to be worth nothing')
  },

  // The private key lies in the browser or in Node and cannot be taken out.
  async private_key_jwt(scene) {
    const proof = await prove(scene.apps.keyed)
    const { as, client, tokens } = await signIn(scene, scene.apps.keyed, { proof })
    const response = await oauth.refreshTokenGrantRequest(as, client, proof, tokens.refresh_token, plain)
    const fresh = await oauth.processRefreshTokenResponse(as, client, response)
    expect(fresh.access_token !== tokens.access_token, 'another access token')
  },

  async client_credentials(scene) {
    const as = await discover(scene)
    const client = { client_id: scene.apps.machine.client_id }
    const basic = oauth.ClientSecretBasic(scene.apps.machine.secret)
    const response = await oauth.clientCredentialsGrantRequest(as, client, basic, { scope: scene.jobs }, plain)
    const tokens = await oauth.processClientCredentialsResponse(as, client, response)
    expect(tokens.scope === scene.jobs && !tokens.refresh_token, 'one token for jobs')
  },

  async token_exchange(scene) {
    const { as, client, tokens } = await signIn(scene, scene.apps.public)
    const parameters = { subject_token: tokens.access_token, subject_token_type: ACCESS_TOKEN, audience: 'demo' }
    const response = await oauth.genericTokenEndpointRequest(as, client, oauth.None(), EXCHANGE, parameters, plain)
    const theirs = await oauth.processGenericTokenEndpointResponse(as, client, response)
    expect(theirs.issued_token_type === ACCESS_TOKEN && theirs.access_token !== tokens.access_token, 'another token')
  },

  async registration(scene) {
    const as = await discover(scene)
    const metadata = {
      client_name: 'Registered by itself', redirect_uris: [scene.callback], token_endpoint_auth_method: 'none',
    }
    const response = await oauth.dynamicClientRegistrationRequest(as, metadata, plain)
    const client = await oauth.processDynamicClientRegistrationResponse(response)
    const { tokens } = await signIn(scene, { client_id: client.client_id }, { more: { scope: scene.open } })
    expect(tokens.access_token, 'a sign-in as the registered app')
  },

  async cimd(scene) {
    const { claims } = await signIn(scene, scene.apps.documented, { more: { scope: scene.open } })
    expect(claims.aud === scene.apps.documented.client_id, 'a sign-in as the app of the document')
  },
}

async function prove({ key: { kid, alg, use, key_ops, ...jwk } }) {
  if (!kid) return oauth.None()
  const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
  return oauth.PrivateKeyJwt({ key, kid })
}

async function discover(scene) {
  const issuer = new URL(scene.issuer)
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...plain })
  return oauth.processDiscoveryResponse(issuer, response)
}

// Polls as often as the server has said.
async function untilApproved(poll, interval) {
  for (;;) {
    await wait(interval)
    try {
      return await poll()
    } catch (error) {
      if (error.error !== 'authorization_pending') throw error
    }
  }
}

// PAR: what is left for the browser to carry.
async function push(as, client, proof, parameters) {
  const response = await oauth.pushedAuthorizationRequest(as, client, proof, parameters, plain)
  const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, response)
  return { client_id: client.client_id, request_uri }
}

// The whole way: the code with PKCE, state, nonce and iss checked, and the tokens.
async function signIn(scene, app, { proof = oauth.None(), DPoP, pushed = false, more = {} } = {}) {
  const as = await discover(scene)
  const client = { client_id: app.client_id }
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const nonce = oauth.generateRandomNonce()
  const url = new URL(as.authorization_endpoint)
  const parameters = {
    client_id: app.client_id, redirect_uri: scene.callback, response_type: 'code', scope: scene.scope, state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...more,
  }
  url.search = new URLSearchParams(pushed ? await push(as, client, proof, parameters) : parameters)
  const back = new URL(await scene.person(url.href))
  const answer = oauth.validateAuthResponse(as, client, back, state)
  let [refused, response] = [-1]
  const tokens = await withNonce(async () => {
    refused += 1
    response = await oauth.authorizationCodeGrantRequest(
      as, client, proof, answer, scene.callback, verifier, { ...plain, DPoP })
    return oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce, requireIdToken: true })
  })
  return { as, client, tokens, claims: oauth.getValidatedIdTokenClaims(tokens), response, refused }
}

// Again, where the server has asked for its nonce; the DPoP handle has taken it up by then.
async function withNonce(attempt) {
  try {
    return await attempt()
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return attempt()
  }
}
