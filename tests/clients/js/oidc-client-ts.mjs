// oidc-client-ts: made for pages; the person goes through the window that it opens.

import { UserManager } from 'oidc-client-ts'
import { expect, expectError } from './expecting.mjs'

export const flows = {
  async code(scene) {
    const { user } = await signIn(scene)
    expect(user.profile.iss === scene.issuer && user.access_token, 'a signed-in user')
  },

  async refresh(scene) {
    const { manager, user } = await signIn(scene)
    const fresh = await manager.signinSilent()
    expect(fresh.refresh_token !== user.refresh_token, 'another refresh token')
    expect(fresh.access_token !== user.access_token, 'another access token')
  },

  async revoke(scene) {
    const { manager, user } = await signIn(scene)
    await manager.revokeTokens(['refresh_token'])
    await manager.storeUser(user) // as if another tab had kept it
    await expectError('invalid_grant', () => manager.signinSilent())
  },

  async userinfo(scene) {
    const { user } = await signIn(scene, { loadUserInfo: true, filterProtocolClaims: false })
    expect(user.profile.name.startsWith('Alice'), 'the name, which only userinfo tells')
  },
}

async function signIn(scene, more = {}) {
  const manager = new UserManager({
    authority: scene.issuer, client_id: scene.apps.public.client_id, redirect_uri: scene.callback,
    scope: scene.scope, automaticSilentRenew: false, ...more,
  })
  return { manager, user: await manager.signinPopup() }
}
