// openid-client: certified, and does most of what there is.

import * as oidc from 'openid-client'
import { expect, expectError } from './expecting.mjs'

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const plain = { execute: [oidc.allowInsecureRequests] } // http on loopback

export const flows = {
  async code(scene) {
    for (const app of [scene.apps.public, scene.apps.web]) {
      const tokens = await signIn(scene, await discover(scene, app))
      expect(tokens.claims().iss === scene.issuer && tokens.expires_in > 0, 'tokens of ours')
    }
  },

  async refresh(scene) {
    const config = await discover(scene, scene.apps.public)
    const tokens = await signIn(scene, config)
    const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token)
    expect(fresh.refresh_token !== tokens.refresh_token, 'another refresh token')
    expect(fresh.access_token !== tokens.access_token, 'another access token')
  },

  async revoke(scene) {
    const config = await discover(scene, scene.apps.web)
    const tokens = await signIn(scene, config)
    await oidc.tokenRevocation(config, tokens.refresh_token)
    await expectError('invalid_grant', () => oidc.refreshTokenGrant(config, tokens.refresh_token))
  },

  async introspect(scene) {
    const tokens = await signIn(scene, await discover(scene, scene.apps.public))
    const told = await oidc.tokenIntrospection(await discover(scene, scene.apps.api), tokens.access_token)
    expect(told.active === true && told.client_id === scene.apps.public.client_id, 'a living token of the app')
  },

  async userinfo(scene) {
    const config = await discover(scene, scene.apps.public)
    const tokens = await signIn(scene, config)
    const told = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
    expect(told.name.startsWith('Alice'), 'the name')
  },

  async keys(scene) {
    const config = await discover(scene, scene.apps.public)
    oidc.enableNonRepudiationChecks(config) // from here on it verifies the ID token's signature by our key set
    const tokens = await signIn(scene, config)
    expect(tokens.claims().aud === scene.apps.public.client_id, 'an ID token for the app')
  },

  async device(scene) {
    const config = await discover(scene, scene.apps.television)
    const told = await oidc.initiateDeviceAuthorization(config, { scope: scene.scope })
    const [tokens] = await Promise.all([
      oidc.pollDeviceAuthorizationGrant(config, told), scene.device(told.verification_uri_complete),
    ])
    expect(tokens.claims().aud === scene.apps.television.client_id, 'the tokens of who has approved')
  },

  async par(scene) {
    for (const app of [scene.apps.public, scene.apps.web]) {
      const tokens = await signIn(scene, await discover(scene, app), { build: oidc.buildAuthorizationUrlWithPAR })
      expect(tokens.id_token, 'a sign-in by a pushed request')
    }
  },

  async dpop(scene) {
    const config = await discover(scene, scene.apps.public)
    const said = []
    config[oidc.customFetch] = async (...request) => {
      const response = await fetch(...request)
      said.push((await response.clone().text()).includes('use_dpop_nonce'))
      return response
    }
    const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())
    const tokens = await signIn(scene, config, { DPoP })
    expect(tokens.token_type === 'dpop' && said.includes(true), 'a token bound to the key, after a nonce')
    const told = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP })
    expect(told.name.startsWith('Alice'), 'userinfo with a proof')
    const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
    expect(fresh.token_type === 'dpop', 'a token bound to the key again')
  },

  async private_key_jwt(scene) {
    const config = await discover(scene, scene.apps.keyed)
    const tokens = await signIn(scene, config)
    const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token)
    expect(fresh.access_token !== tokens.access_token, 'another access token')
  },

  async client_credentials(scene) {
    const config = await discover(scene, scene.apps.machine)
    const tokens = await oidc.clientCredentialsGrant(config, { scope: scene.jobs })
    expect(tokens.scope === scene.jobs && !tokens.refresh_token, 'one token for jobs')
  },

  async token_exchange(scene) {
    const config = await discover(scene, scene.apps.web)
    const tokens = await signIn(scene, config)
    const parameters = { subject_token: tokens.access_token, subject_token_type: ACCESS_TOKEN, audience: 'demo' }
    const theirs = await oidc.genericGrantRequest(config, EXCHANGE, parameters)
    const notes = await oidc.fetchProtectedResource(config, theirs.access_token, new URL(scene.notes), 'GET')
    expect((await notes.json()).owner === 'alice', "the provider's data with the provider's token")
    await act(scene)
  },

  async logout(scene) {
    const config = await discover(scene, scene.apps.web)
    const tokens = await signIn(scene, config)
    const state = oidc.randomState()
    const end = { id_token_hint: tokens.id_token, post_logout_redirect_uri: scene.callback, state }
    const back = new URL(await scene.leave(oidc.buildEndSessionUrl(config, end)))
    expect(back.href.startsWith(scene.callback) && back.searchParams.get('state') === state, 'to come back')
  },

  async registration(scene) {
    const metadata = {
      client_name: 'Registered by itself', redirect_uris: [scene.callback], token_endpoint_auth_method: 'none',
    }
    const config = await oidc.dynamicClientRegistration(new URL(scene.issuer), metadata, oidc.None(), plain)
    const tokens = await signIn(scene, config, { more: { scope: scene.open } })
    expect(tokens.claims().aud === config.clientMetadata().client_id, 'a sign-in as the registered app')
  },

  async cimd(scene) {
    const app = scene.apps.documented
    const tokens = await signIn(scene, await discover(scene, app), { more: { scope: scene.open } })
    expect(tokens.claims().aud === app.client_id, 'a sign-in as the app of the document')
  },
}

// A service exchanges what it was shown by an app, and says with a token of its own that it acts for it.
async function act(scene) {
  const asked = { scope: `${scene.open} ${scene.read}`, resource: scene.server }
  const shown = await signIn(scene, await discover(scene, scene.apps.acted), { more: asked })
  const tools = await discover(scene, scene.apps.tools)
  const own = await oidc.clientCredentialsGrant(tools)
  const acting = await oidc.genericGrantRequest(tools, EXCHANGE, {
    subject_token: shown.access_token, subject_token_type: ACCESS_TOKEN,
    actor_token: own.access_token, actor_token_type: ACCESS_TOKEN, resource: scene.server,
  })
  const told = await oidc.tokenIntrospection(tools, acting.access_token)
  expect(told.act.sub === scene.apps.tools.client_id, 'to be told who acts')
}

async function discover(scene, app) {
  const credentials = await prove(app)
  return oidc.discovery(new URL(scene.issuer), app.client_id, undefined, credentials, plain)
}

async function prove({ secret, key: { kid, alg, use, key_ops, ...jwk } }) {
  if (secret) return oidc.ClientSecretBasic(secret)
  if (!kid) return oidc.None()
  const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
  return oidc.PrivateKeyJwt({ key, kid })
}

async function signIn(scene, config, { build = oidc.buildAuthorizationUrl, DPoP, more = {} } = {}) {
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
  const [expectedState, expectedNonce] = [oidc.randomState(), oidc.randomNonce()]
  const url = await build(config, {
    redirect_uri: scene.callback, scope: scene.scope, state: expectedState, nonce: expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256', ...more,
  })
  const back = new URL(await scene.person(url))
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
  return oidc.authorizationCodeGrant(config, back, checks, undefined, { DPoP })
}
