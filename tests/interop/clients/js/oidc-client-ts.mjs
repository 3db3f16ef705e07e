// oidc-client-ts: made for pages; the person goes through the window that it opens.

import { IndexedDbDPoPStore, UserManager } from 'oidc-client-ts'
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

  async logout(scene) {
    const { manager } = await signIn(scene, { popup_post_logout_redirect_uri: scene.callback })
    await manager.signoutPopup()
    expect(await manager.getUser() === null, 'nobody to be signed in')
    await expectError('login_required', () => manager.signinPopup({ prompt: 'none' }))
  },

  async cimd(scene) {
    const { client_id } = scene.apps.documented
    const { user } = await signIn(scene, { client_id, scope: scene.open })
    expect(user.profile.aud === client_id, 'a sign-in as the app of the document')
  },

  // The key lies in the browser's database; code, tokens and calls are bound to it.
  async dpop(scene) {
    const dpop = { bind_authorization_code: true, store: new IndexedDbDPoPStore() }
    const { manager, user } = await signIn(scene, { dpop })
    expect(user.token_type === 'DPoP', 'a token bound to the key')
    const fresh = await manager.signinSilent()
    expect(fresh.token_type === 'DPoP' && fresh.access_token !== user.access_token, 'another such token')
    const endpoint = await manager.metadataService.getUserInfoEndpoint()
    const call = async (nonce) => fetch(endpoint, { headers: {
      authorization: `DPoP ${fresh.access_token}`, dpop: await manager.dpopProof(endpoint, fresh, 'GET', nonce),
    } })
    let answer = await call()
    if (answer.status === 401) answer = await call(answer.headers.get('dpop-nonce'))
    expect((await answer.json()).name.startsWith('Alice'), 'userinfo with a proof')
  },
}

async function signIn(scene, more = {}) {
  const manager = new UserManager({
    authority: scene.issuer, client_id: scene.apps.public.client_id, redirect_uri: scene.callback,
    scope: scene.scope, automaticSilentRenew: false, ...more,
  })
  return { manager, user: await manager.signinPopup() }
}
