// simple-oauth2: for confidential clients; what PKCE adds goes through its free parameters.

import { createHash, randomBytes } from 'node:crypto'
import { AuthorizationCode, ClientCredentials } from 'simple-oauth2'
import { expect, expectError } from './expecting.mjs'

export const flows = {
  async code(scene) {
    const { token } = await signIn(scene)
    expect(token.access_token && token.refresh_token && token.id_token, 'three tokens')
  },

  async refresh(scene) {
    const held = await signIn(scene)
    const fresh = await held.refresh()
    expect(fresh.token.refresh_token !== held.token.refresh_token, 'another refresh token')
    expect(!fresh.expired(60), 'a token that lives on')
  },

  async revoke(scene) {
    const held = await signIn(scene)
    await held.revokeAll()
    await expectError('invalid_grant', () => held.refresh())
  },

  async client_credentials(scene) {
    const job = new ClientCredentials(configure(scene, scene.apps.machine))
    const { token } = await job.getToken({ scope: scene.jobs })
    expect(token.scope === scene.jobs && !token.refresh_token, 'one token for jobs')
  },
}

function configure(scene, app, more = {}) {
  const auth = { tokenHost: scene.issuer, tokenPath: '/token', revokePath: '/revoke', ...more }
  return { client: { id: app.client_id, secret: app.secret }, auth }
}

async function signIn(scene) {
  const app = new AuthorizationCode(configure(scene, scene.apps.web, { authorizePath: '/authorize' }))
  const [verifier, state] = [randomBytes(32).toString('base64url'), randomBytes(16).toString('base64url')]
  const url = app.authorizeURL({
    redirect_uri: scene.callback, scope: scene.scope, state, code_challenge_method: 'S256',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  })
  const back = new URL(await scene.person(url)).searchParams
  expect(back.get('state') === state, 'our state')
  return app.getToken({ code: back.get('code'), redirect_uri: scene.callback, code_verifier: verifier })
}
